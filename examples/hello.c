/* SPDX-License-Identifier: MIT */
/* A 16-bit guest greets: the smallest whole use of libvhv. */
#include <libvhv/vhv.h>
#include <string.h>

enum { GUEST_GPA = 0x1000, GUEST_MEMORY_BYTES = 0x10000, CONSOLE_PORT = 0xe9 };

/* Writes its greeting to the console, byte by byte, and halts. */
extern const char guest[], guest_end[];
asm(".pushsection .rodata\n"
    "guest:      .code16\n"
    "            mov $0x1000 + greeting - guest, %si\n"
    "next:       lodsb\n"
    "            test %al, %al\n"
    "            jz done\n"
    "            out %al, $0xe9\n"
    "            jmp next\n"
    "done:       hlt\n"
    "greeting:   .asciz \"Hello from a guest in 16-bit real mode.\\n\"\n"
    "guest_end:  .code64\n"
    ".popsection\n");

static int print(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)cookie, (void)offset, (void)bytes;
    putchar((int)value);
    return 0;
}

static int greet(struct vhv_vm *vm)
{
    static const struct vhv_bus_ops console = {.write = print};
    struct vhv_vcpu *vcpu;
    struct vhv_exit exit;
    int error;

    if ((error = vhv_memory_add_ram(vhv_vm_memory(vm), GUEST_MEMORY_BYTES, NULL)) < 0 ||
        (error = vhv_memory_write(vhv_vm_memory(vm), GUEST_GPA, guest,
                                  (size_t)(guest_end - guest))) < 0 ||
        (error = vhv_bus_add(vhv_vm_bus(vm), VHV_SPACE_PORT, CONSOLE_PORT, 1, &console, NULL,
                             "console")) < 0 ||
        (error = vhv_vcpu_new(&vcpu, vm, 0)) < 0 || (error = vhv_vm_power_on(vm)) < 0 ||
        (error = vhv_vcpu_set_entry(vcpu, VHV_CPU_REAL, GUEST_GPA, 0)) < 0 ||
        (error = vhv_vcpu_run(vcpu, &exit)) < 0)
        return error;
    if (exit.reason == VHV_EXIT_HLT)
        return 0;
    fprintf(stderr, "vhv-hello: the guest ended by %s\n", vhv_exit_reason_name(exit.reason));
    return 1;
}

int main(int argc, char **argv)
{
    struct vhv_vm *vm = NULL;
    int result;

    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0;

        fprintf(
            help ? stdout : stderr,
            "Usage: vhv-hello [--help]\n"
            "Runs a guest in 16-bit real mode that greets. Needs /dev/kvm; vhv-check tells more.\n"
            "Exit status: 0 it greeted, 1 it did not, 2 wrong usage.\n");
        return help ? 0 : 2;
    }
    result = vhv_vm_new(&vm, NULL, NULL);
    if (result == 0)
        result = greet(vm);
    if (result < 0)
        fprintf(stderr, "vhv-hello: %s\n", vhv_error_message());
    vhv_vm_free(vm);
    return result != 0 || fflush(stdout) != 0;
}
