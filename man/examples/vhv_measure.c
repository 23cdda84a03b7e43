#include <libvhv/vhv.h>

static const char text[] = "numvcpus = \"1\"\n"
                           "hypervisor.cpuid.v0 = \"FALSE\"\n";

static void print_findings(const struct vhv_guest_cpuid *guest)
{
    const struct vhv_cpuid_finding *found;

    for (size_t i = 0; (found = vhv_guest_cpuid_finding(guest, i)); i++)
        printf("%s: %s\n", found->is_error ? "error" : "warning", found->text);
}

int main(void)
{
    struct vhv_vm_options options = {.size = sizeof(options), .report_only = true, .measure = true};
    struct vhv_config *config = NULL;
    struct vhv_vm *vm = NULL;
    int result = vhv_config_parse(&config, text, sizeof(text) - 1, "example.vmx");

    options.config = config;
    if (result == 0)
        result = vhv_vm_new(&vm, NULL, &options);
    if (result == 0)
        result = vhv_vm_power_on(vm);
    if (result == 0)
        print_findings(vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, 0)));
    else
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_vm_free(vm);
    vhv_config_free(config);
    return result < 0;
}
