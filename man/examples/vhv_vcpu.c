#include <libvhv/vcpu.h>
#include <stdio.h>

/* in al, 0x10; inc al; out 0x11, al; hlt */
static const uint8_t guest[] = {0xe4, 0x10, 0xfe, 0xc0, 0xe6, 0x11, 0xf4};

static int run(struct vhv_vcpu *vcpu)
{
    struct vhv_exit exit;
    int result;

    while ((result = vhv_vcpu_run_once(vcpu, &exit)) == 0) {
        uint8_t *data = exit.io.data;

        if (exit.reason == VHV_EXIT_HLT)
            return 0;
        if (exit.reason != VHV_EXIT_IO) {
            fprintf(stderr, "exit: %s\n", vhv_exit_reason_name(exit.reason));
            return 1;
        }
        if (exit.io.is_write)
            printf("the guest writes %u\n", *data);
        else
            *data = 41;
    }
    return result;
}

int main(void)
{
    struct vhv_vcpu *vcpu = NULL;
    struct vhv_vm *vm = NULL;
    int result;

    if ((result = vhv_vm_new(&vm, NULL, NULL)) < 0 ||
        (result = vhv_memory_add_ram(vhv_vm_memory(vm), 1 << 20, NULL)) < 0 ||
        (result = vhv_memory_write(vhv_vm_memory(vm), 0x1000, guest, sizeof(guest))) < 0 ||
        (result = vhv_vcpu_new(&vcpu, vm, 0)) < 0 || (result = vhv_vm_power_on(vm)) < 0 ||
        (result = vhv_vcpu_set_entry(vcpu, VHV_CPU_REAL, 0x1000, 0)) < 0 ||
        (result = run(vcpu)) < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_vm_free(vm);
    return result != 0;
}
