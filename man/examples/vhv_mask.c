#include <libvhv/mask.h>

int main(void)
{
    struct vhv_mask_key key;
    struct vhv_mask mask;
    char key_text[VHV_MASK_KEY_TEXT_BYTES];
    char mask_text[VHV_MASK_TEXT_BYTES];

    if (vhv_mask_key_parse(&key, "CPUID.80000001.ECX.AMD") < 0 ||
        vhv_mask_parse(&mask, "-----------------------------H--") < 0) {
        fprintf(stderr, "%s\n", vhv_error_message());
        return 1;
    }
    vhv_mask_key_format(&key, key_text);
    vhv_mask_format(&mask, mask_text);
    printf("%s = \"%s\"\n", key_text, mask_text);
    return 0;
}
