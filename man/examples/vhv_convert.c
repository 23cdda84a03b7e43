#include <libvhv/convert.h>
#include <string.h>

static const char words[] = "host,-avx512f,+vmx,hv-relaxed";

static int print_loss(const struct vhv_config_warning *loss, void *cookie)
{
    (void)cookie;
    fprintf(stderr, "%s: %s: %s\n", loss->origin.key, loss->what, loss->why);
    return 0;
}

int main(void)
{
    struct vhv_config *config = NULL;
    int result = vhv_config_import(&config, VHV_CONVERT_QEMU, words, strlen(words), "-cpu",
                                   print_loss, NULL);

    if (result >= 0)
        result = vhv_config_export(config, VHV_CONVERT_FIRECRACKER, VHV_VENDOR_INTEL, stdout,
                                   print_loss, NULL);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_config_free(config);
    return result < 0;
}
