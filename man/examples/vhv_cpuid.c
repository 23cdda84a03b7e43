#include <libvhv/cpuid.h>

int main(void)
{
    struct vhv_cpuid *processor = NULL;
    int result = vhv_cpuid_read_processor(&processor);

    if (result == 0)
        result = vhv_cpuid_print(processor, stdout, VHV_CPUID_JSON);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_cpuid_free(processor);
    return result < 0;
}
