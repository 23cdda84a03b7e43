#include <libvhv/vhv.h>

int main(void)
{
    puts(vhv_version());
    return 0;
}
