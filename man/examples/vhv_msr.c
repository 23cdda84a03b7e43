#include <libvhv/vhv.h>

enum { MISC_ENABLE = 0x1a0, TSC_DEADLINE = 0x6e0 };

static const char text[] = "numvcpus = \"1\"\n"
                           "memsize = \"1\"\n";

/* mov ecx, 1a0h; rdmsr; mov ecx, 6e0h; wrmsr; hlt */
static const char guest[] = "\x66\xb9\xa0\x01\x00\x00\x0f\x32"
                            "\x66\xb9\xe0\x06\x00\x00\x0f\x30\xf4";

static const struct vhv_msr_rule rules[] = {
    {MISC_ENABLE, MISC_ENABLE, VHV_MSR_READ_WRITE, VHV_MSR_EXIT},
    {TSC_DEADLINE, TSC_DEADLINE, VHV_MSR_WRITE, VHV_MSR_IGNORE},
};

static int make(struct vhv_vm **vm, const struct vhv_config *config)
{
    const struct vhv_vm_options options = {.size = sizeof(options), .config = config};
    int result = vhv_vm_new(vm, NULL, &options);

    for (int i = 0; i < 2 && result >= 0; i++)
        result = vhv_vm_msr_rule_add(*vm, &rules[i]);
    if (result >= 0)
        result = vhv_vm_power_on(*vm);
    if (result >= 0)
        result = vhv_memory_write(vhv_vm_memory(*vm), 0x1000, guest, sizeof(guest));
    if (result >= 0)
        result = vhv_vcpu_set_entry(vhv_vm_vcpu(*vm, 0), VHV_CPU_REAL, 0x1000, 0);
    return result;
}

static int run(struct vhv_vm *vm)
{
    struct vhv_exit exit;
    int result;

    while ((result = vhv_vcpu_run(vhv_vm_vcpu(vm, 0), &exit)) == 0 && exit.reason == VHV_EXIT_MSR) {
        printf("MSR %#x is %s\n", exit.msr.index, exit.msr.is_write ? "written" : "read");
        if (!exit.msr.is_write)
            *exit.msr.value = 1;
    }
    return result;
}

int main(void)
{
    struct vhv_config *config = NULL;
    struct vhv_msr_tries tries;
    struct vhv_vm *vm = NULL;
    int result = vhv_config_parse(&config, text, sizeof(text) - 1, "example.vmx");

    if (result >= 0)
        result = make(&vm, config);
    if (result >= 0)
        result = run(vm);
    if (result >= 0 && vhv_vm_msr_rule(vm, 1, &tries))
        printf("ignored: %llu writes\n", (unsigned long long)tries.writes);
    else
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_vm_free(vm);
    vhv_config_free(config);
    return result < 0;
}
