#include <libvhv/vhv.h>
#include <stdio.h>

/* mov eax, 0x564d5868; mov ecx, 20; mov dx, 0x5658; in eax, dx; out 0x10, eax; hlt */
static const uint8_t guest[] = {0x66, 0xb8, 0x68, 0x58, 0x4d, 0x56, 0x66, 0xb9, 20,   0,   0,
                                0,    0xba, 0x58, 0x56, 0x66, 0xed, 0x66, 0xe7, 0x10, 0xf4};

static int print(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)cookie;
    (void)offset;
    (void)bytes;
    printf("the guest has %u MiB\n", (unsigned)value);
    return 0;
}

int main(void)
{
    static const struct vhv_bus_ops printer = {.write = print};
    struct vhv_vcpu *vcpu = NULL;
    struct vhv_vm *vm = NULL;
    struct vhv_exit exit;
    int result;

    if ((result = vhv_vm_new(&vm, NULL, NULL)) < 0 ||
        (result = vhv_memory_add_ram(vhv_vm_memory(vm), 16 << 20, NULL)) < 0 ||
        (result = vhv_memory_write(vhv_vm_memory(vm), 0x1000, guest, sizeof(guest))) < 0 ||
        (result = vhv_backdoor_add(vm, NULL)) < 0 ||
        (result = vhv_bus_add(vhv_vm_bus(vm), VHV_SPACE_PORT, 0x10, 4, &printer, NULL, NULL)) < 0 ||
        (result = vhv_vcpu_new(&vcpu, vm, 0)) < 0 || (result = vhv_vm_power_on(vm)) < 0 ||
        (result = vhv_vcpu_set_entry(vcpu, VHV_CPU_REAL, 0x1000, 0)) < 0 ||
        (result = vhv_vcpu_run(vcpu, &exit)) < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_vm_free(vm);
    return result < 0;
}
