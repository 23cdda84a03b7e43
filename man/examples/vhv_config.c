#include <libvhv/config.h>
#include <string.h>

static const char text[] = "# A guest hypervisor\n"
                           "vhv.enable = \"TRUE\"\n"
                           "numvcpus = \"1\"\n";

static int print_warning(const struct vhv_config_warning *warning, void *cookie)
{
    (void)cookie;
    fprintf(stderr, "%s: %s: %s\n", warning->origin.key, warning->what, warning->remedy);
    return 0;
}

int main(void)
{
    struct vhv_config *config = NULL;
    int result = vhv_config_parse(&config, text, strlen(text), "example.vmx");

    if (result == 0)
        result = vhv_config_set_line(config, "memsize = \"512\"");
    if (result == 0)
        result = vhv_config_lint(config, print_warning, NULL);
    if (result == 0)
        result = vhv_config_write(config, stdout);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_config_free(config);
    return result < 0;
}
