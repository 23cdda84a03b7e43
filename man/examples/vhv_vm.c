#include <libvhv/vhv.h>
#include <string.h>

static const char text[] = "numvcpus = \"1\"\n"
                           "memsize = \"2\"\n";

/* Switch virtualized HV on where it can be had. */
static int configure(struct vhv_config **config, const struct vhv_host *host)
{
    int result = vhv_config_parse(config, text, strlen(text), "example.vmx");

    if (result == 0 && vhv_host_verdict(host)->nesting == VHV_NESTING_YES)
        result = vhv_config_set(*config, "vhv.enable", "TRUE");
    return result;
}

int main(void)
{
    struct vhv_vm_options options = {.size = sizeof(options)};
    struct vhv_config *config = NULL;
    struct vhv_host *host = NULL;
    struct vhv_vm *vm = NULL;
    int result = vhv_host_new(&host, NULL);

    if (result == 0)
        result = configure(&config, host);
    options.config = config;
    if (result == 0)
        result = vhv_vm_new(&vm, host, &options);
    if (result == 0)
        result = vhv_vm_power_on(vm);
    if (result == 0)
        printf("virtualized HV is %s\n", vhv_vm_has_vhv(vm) ? "on" : "off");
    else
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_vm_free(vm);
    vhv_config_free(config);
    vhv_host_free(host);
    return result < 0;
}
