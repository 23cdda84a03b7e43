/* SPDX-License-Identifier: MIT */
/* Interrupts by every way in, and eventfds. A guest's handler writes its vector or line to PORT_1.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests.h"

/* Makes a VM and runs the guest until it is ready for what it waits for. */
static void start(struct machine *machine, enum vhv_irqchip irqchip, bool pit, struct code code)
{
    machine->options.irqchip = irqchip;
    machine->options.pit = pit;
    machine_make(machine, CODE_RAM);
    machine_boot(machine, code);
    if (code.start != guest_halt)
        expect_out(machine, PORT_READY);
}

static void vcpu_interrupt_reaches_the_handler(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    need_vendor_module("interrupt window");
    start(machine, VHV_IRQCHIP_NONE, false, CODE(interrupt));
    assert_fails(vhv_vcpu_interrupt(machine->vcpu, VECTOR), EAGAIN, "window");
    vhv_vcpu_request_window(machine->vcpu, true);
    expect_exit(machine, &exit, VHV_EXIT_INTERRUPT_WINDOW);
    vhv_vcpu_request_window(machine->vcpu, false);
    assert_ok(vhv_vcpu_interrupt(machine->vcpu, VECTOR));
    assert_int_equal(expect_out(machine, PORT_1), VECTOR);
}

static void vcpu_interrupt_with_lapic_in_kernel_is_refused(void **state)
{
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(halt));
    assert_fails(vhv_vcpu_interrupt(machine->vcpu, VECTOR), ENXIO, "");
}

static void vcpu_nmi_reaches_the_handler(void **state)
{
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_NONE, false, CODE(nmi));
    assert_ok(vhv_vcpu_nmi(machine->vcpu));
    assert_int_equal(expect_out(machine, PORT_1), 2);
}

static void vm_irq_line_reaches_the_handler(void **state)
{
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(pic));
    assert_ok(vhv_vm_irq_line(machine->vm, PIC_LINE, true));
    assert_int_equal(expect_out(machine, PORT_1), PIC_LINE);
    assert_ok(vhv_vm_irq_line(machine->vm, PIC_LINE, false));
    assert_ok(vhv_vm_irq_line(machine->vm, PIC_LINE, true));
    assert_int_equal(expect_out(machine, PORT_1), PIC_LINE);
}

static void vm_irq_line_without_irqchip_is_refused(void **state)
{
    struct machine *machine = *state;
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

    start(machine, VHV_IRQCHIP_SPLIT, false, CODE(halt));
    assert_fails(vhv_vm_irq_line(machine->vm, PIC_LINE, true), ENXIO, "irqchip");
    assert_fails(vhv_vm_get_irqchip(machine->vm, &chip), ENXIO, "irqchip");
}

static void vm_msi_without_lapic_is_refused(void **state)
{
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_NONE, false, CODE(halt));
    assert_fails(vhv_vm_msi(machine->vm, 0xfee00000, VECTOR), ENXIO, "irqchip");
}

static void vm_pit_ticks(void **state)
{
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_KERNEL, true, CODE(pit));
    for (int i = 0; i < 3; i++)
        assert_int_equal(expect_out(machine, PORT_1), 0);
}

/* Has the local APIC accept interrupts, as a guest does by the spurious-interrupt vector register.
 */
static void enable_lapic(struct machine *machine)
{
    enum { SPURIOUS = 0xf0, ENABLE = 1 << 8 };
    struct kvm_lapic_state lapic;
    uint32_t spurious;

    assert_ok(vhv_vcpu_get_lapic(machine->vcpu, &lapic));
    memcpy(&spurious, lapic.regs + SPURIOUS, sizeof(spurious));
    spurious |= ENABLE;
    memcpy(lapic.regs + SPURIOUS, &spurious, sizeof(spurious));
    assert_ok(vhv_vcpu_set_lapic(machine->vcpu, &lapic));
}

static void expect_msi(struct machine *machine, enum vhv_irqchip irqchip)
{
    start(machine, irqchip, false, CODE(interrupt));
    enable_lapic(machine);
    assert_int_equal(vhv_vm_msi(machine->vm, 0xfee00000, VECTOR), 1);
    assert_int_equal(expect_out(machine, PORT_1), VECTOR);
}

static void vm_msi_reaches_the_handler(void **state)
{
    expect_msi(*state, VHV_IRQCHIP_KERNEL);
}

static void vm_msi_with_split_irqchip_reaches_the_handler(void **state)
{
    expect_msi(*state, VHV_IRQCHIP_SPLIT);
}

static void vcpu_get_lapic_without_one_is_refused(void **state)
{
    struct machine *machine = *state;
    struct kvm_lapic_state lapic;

    start(machine, VHV_IRQCHIP_NONE, false, CODE(halt));
    assert_fails(vhv_vcpu_get_lapic(machine->vcpu, &lapic), ENXIO, "");
    assert_fails(vhv_vcpu_set_lapic(machine->vcpu, &lapic), ENXIO, "");
}

static void vm_irqfd_raises_the_line(void **state)
{
    struct machine *machine = *state;
    int fd;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(pic));
    fd = eventfd(0, EFD_CLOEXEC);
    assert_ok(vhv_vm_irqfd_add(machine->vm, PIC_LINE, fd, -1));
    assert_int_equal(eventfd_write(fd, 1), 0);
    assert_int_equal(expect_out(machine, PORT_1), PIC_LINE);
    assert_ok(vhv_vm_irqfd_remove(machine->vm, PIC_LINE, fd));
    close(fd);
}

/* The guest's handler ends the interrupt before it tells the line. */
static void vm_irqfd_with_resampling_tells_the_end_of_interrupt(void **state)
{
    struct machine *machine = *state;
    eventfd_t count = 0;
    int fd, resample;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(pic));
    fd = eventfd(0, EFD_CLOEXEC);
    resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_ok(vhv_vm_irqfd_add(machine->vm, PIC_LINE, fd, resample));
    assert_int_equal(eventfd_write(fd, 1), 0);
    assert_int_equal(eventfd_read(resample, &count), -1);
    assert_int_equal(expect_out(machine, PORT_1), PIC_LINE);
    assert_int_equal(eventfd_read(resample, &count), 0);
    assert_int_equal(count, 1);
    close(fd);
    close(resample);
}

static void vm_set_gsi_routes_makes_an_msi_of_an_irqfd(void **state)
{
    enum { GSI = 40 };
    const struct kvm_irq_routing_entry route = {
        .gsi = GSI,
        .type = KVM_IRQ_ROUTING_MSI,
        .u.msi = {.address_lo = 0xfee00000, .data = VECTOR},
    };
    struct machine *machine = *state;
    int fd;

    start(machine, VHV_IRQCHIP_SPLIT, false, CODE(interrupt));
    enable_lapic(machine);
    fd = eventfd(0, EFD_CLOEXEC);
    assert_ok(vhv_vm_set_gsi_routes(machine->vm, &route, 1));
    assert_ok(vhv_vm_irqfd_add(machine->vm, GSI, fd, -1));
    assert_int_equal(eventfd_write(fd, 1), 0);
    assert_int_equal(expect_out(machine, PORT_1), VECTOR);
    close(fd);
}

static void vm_ioeventfd_port_is_signalled_without_an_exit(void **state)
{
    struct vhv_ioeventfd doorbell = {.space = VHV_SPACE_PORT, .address = PORT_1, .bytes = 1};
    struct machine *machine = *state;
    struct vhv_exit exit;
    eventfd_t count = 0;

    doorbell.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    start(machine, VHV_IRQCHIP_NONE, false, CODE(halt));
    assert_ok(vhv_vm_ioeventfd_add(machine->vm, &doorbell));
    assert_ok(vhv_memory_write(vhv_vm_memory(machine->vm), CODE_GPA, guest_doorbells,
                               (size_t)(guest_doorbells_end - guest_doorbells)));
    expect_exit(machine, &exit, VHV_EXIT_MMIO);
    assert_int_equal(eventfd_read(doorbell.eventfd, &count), 0);
    assert_int_equal(count, 1);

    assert_ok(vhv_vm_ioeventfd_remove(machine->vm, &doorbell));
    assert_ok(vhv_vcpu_complete(machine->vcpu));
    assert_ok(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_REAL, CODE_GPA, 0));
    assert_int_equal(expect_out(machine, PORT_1), 0x5a);
    close(doorbell.eventfd);
}

static void vm_ioeventfd_mmio_matches_the_value(void **state)
{
    struct vhv_ioeventfd doorbell = {
        .space = VHV_SPACE_MMIO,
        .address = MMIO_GPA + 4,
        .bytes = 4,
        .match_data = true,
        .data = 0x89abcdef,
    };
    struct machine *machine = *state;
    struct vhv_exit exit;
    eventfd_t count = 0;

    doorbell.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    machine_start(machine, CODE(doorbells));
    assert_ok(vhv_vm_ioeventfd_add(machine->vm, &doorbell));
    expect_out(machine, PORT_1);
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(eventfd_read(doorbell.eventfd, &count), 0);
    assert_int_equal(count, 1);
    close(doorbell.eventfd);
}

static void vm_irqchip_state_round_trip(void **state)
{
    struct kvm_irqchip written = {.chip_id = KVM_IRQCHIP_PIC_MASTER}, read = written;
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(pic));
    assert_ok(vhv_vm_get_irqchip(machine->vm, &written));
    assert_int_equal(written.chip.pic.irq_base, 0x20); /* the guest's doing */
    written.chip.pic.imr = 0x55;
    assert_ok(vhv_vm_set_irqchip(machine->vm, &written));
    assert_ok(vhv_vm_get_irqchip(machine->vm, &read));
    assert_int_equal(read.chip.pic.imr, 0x55);
}

static void vm_pit_state_round_trip(void **state)
{
    struct machine *machine = *state;
    struct kvm_pit_state2 pit;

    start(machine, VHV_IRQCHIP_KERNEL, true, CODE(pit));
    assert_ok(vhv_vm_get_pit(machine->vm, &pit));
    assert_int_equal(pit.channels[0].count, 0x1000);
    pit.channels[0].count = 0x2000;
    assert_ok(vhv_vm_set_pit(machine->vm, &pit));
    memset(&pit, 0, sizeof(pit));
    assert_ok(vhv_vm_get_pit(machine->vm, &pit));
    assert_int_equal(pit.channels[0].count, 0x2000);
}

static void vm_get_pit_without_one_is_refused(void **state)
{
    struct machine *machine = *state;
    struct kvm_pit_state2 pit;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(halt));
    assert_fails(vhv_vm_get_pit(machine->vm, &pit), ENXIO, "pit");
}

static void vm_clock_goes_on_from_what_was_set(void **state)
{
    const uint64_t hour = UINT64_C(3600000000000);
    struct kvm_clock_data clock = {.clock = hour};
    struct machine *machine = *state;

    start(machine, VHV_IRQCHIP_KERNEL, false, CODE(halt));
    assert_ok(vhv_vm_set_clock(machine->vm, &clock));
    memset(&clock, 0, sizeof(clock));
    assert_ok(vhv_vm_get_clock(machine->vm, &clock));
    assert_in_range(clock.clock, hour, hour + hour / 60);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_interrupt_reaches_the_handler),
    MACHINE_TEST(vcpu_interrupt_with_lapic_in_kernel_is_refused),
    MACHINE_TEST(vcpu_nmi_reaches_the_handler),
    MACHINE_TEST(vm_irq_line_reaches_the_handler),
    MACHINE_TEST(vm_irq_line_without_irqchip_is_refused),
    MACHINE_TEST(vm_msi_reaches_the_handler),
    MACHINE_TEST(vm_msi_with_split_irqchip_reaches_the_handler),
    MACHINE_TEST(vm_msi_without_lapic_is_refused),
    MACHINE_TEST(vcpu_get_lapic_without_one_is_refused),
    MACHINE_TEST(vm_pit_ticks),
    MACHINE_TEST(vm_irqfd_raises_the_line),
    MACHINE_TEST(vm_irqfd_with_resampling_tells_the_end_of_interrupt),
    MACHINE_TEST(vm_set_gsi_routes_makes_an_msi_of_an_irqfd),
    MACHINE_TEST(vm_ioeventfd_port_is_signalled_without_an_exit),
    MACHINE_TEST(vm_ioeventfd_mmio_matches_the_value),
    MACHINE_TEST(vm_irqchip_state_round_trip),
    MACHINE_TEST(vm_pit_state_round_trip),
    MACHINE_TEST(vm_get_pit_without_one_is_refused),
    MACHINE_TEST(vm_clock_goes_on_from_what_was_set),
};

const struct test_list interrupt_tests = TEST_LIST(tests);
