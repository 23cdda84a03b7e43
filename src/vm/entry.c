/* SPDX-License-Identifier: MIT */
/* The registers with which a vCPU starts code, without a firmware that would set them. */
#include "vm/vm.h"

#include "base/error.h"

/* Control registers and EFER [SDM "Control Registers"], [APM2 "Extended Feature Enable Register
   (EFER)"]. */
#define CR0_PE   (1u << 0)
#define CR0_ET   (1u << 4)
#define CR0_PG   (1u << 31)
#define CR4_PAE  (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)

#define RFLAGS_ALWAYS_1 (1u << 1)

/* Segment types [SDM "Code- and Data-Segment Descriptor Types"], [SDM "System Descriptor Types"].
 */
enum { TYPE_DATA_WRITE_ACCESSED = 3, TYPE_CODE_READ_ACCESSED = 11, TYPE_TSS_BUSY = 11 };

/* What the selectors would be in the usual flat descriptor table; the guest loads one of its own
   before it uses them. */
enum { SELECTOR_CODE = 8, SELECTOR_DATA = 16 };

#define REAL_LIMIT      UINT64_C(0x100000)
#define FLAT32_LIMIT    UINT64_C(0x100000000)
#define PAGE_BYTES      4096
#define CANONICAL_SHIFT 47

static int check_address(enum vhv_cpu_mode mode, uint64_t address, uint64_t cr3)
{
    int64_t high = (int64_t)address >> CANONICAL_SHIFT;

    if ((unsigned)mode > VHV_CPU_LONG)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%d is none of enum vhv_cpu_mode", (int)mode);
    if ((mode == VHV_CPU_REAL && address >= REAL_LIMIT) ||
        (mode == VHV_CPU_FLAT32 && address >= FLAT32_LIMIT) ||
        (mode == VHV_CPU_LONG && high != 0 && high != -1))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "address %#llx cannot be executed in this mode",
                        (unsigned long long)address);
    if (mode != VHV_CPU_LONG && cr3)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "cr3 is for VHV_CPU_LONG alone");
    if (mode == VHV_CPU_LONG && (cr3 == 0 || cr3 % PAGE_BYTES))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "cr3 %#llx is not the address of page tables",
                        (unsigned long long)cr3);
    return 0;
}

static void set_real(struct kvm_sregs *sregs, uint64_t address)
{
    const struct kvm_segment data = {
        .limit = 0xFFFF, .type = TYPE_DATA_WRITE_ACCESSED, .present = 1, .s = 1};

    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->cs = data;
    sregs->cs.type = TYPE_CODE_READ_ACCESSED;
    sregs->cs.base = address & 0xF0000;
    sregs->cs.selector = (uint16_t)(sregs->cs.base >> 4);
    sregs->cr0 = CR0_ET;
    sregs->cr3 = sregs->cr4 = sregs->efer = 0;
}

static void set_flat(struct kvm_sregs *sregs, bool is_long, uint64_t cr3)
{
    const struct kvm_segment data = {
        .limit = UINT32_MAX,
        .selector = SELECTOR_DATA,
        .type = TYPE_DATA_WRITE_ACCESSED,
        .present = 1,
        .s = 1,
        .db = 1,
        .g = 1,
    };

    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->cs = data;
    sregs->cs.selector = SELECTOR_CODE;
    sregs->cs.type = TYPE_CODE_READ_ACCESSED;
    sregs->cs.db = !is_long;
    sregs->cs.l = is_long;
    sregs->tr = (struct kvm_segment){.limit = 0xFFFF, .type = TYPE_TSS_BUSY, .present = 1};
    sregs->cr0 = CR0_PE | CR0_ET | (is_long ? CR0_PG : 0);
    sregs->cr3 = cr3;
    sregs->cr4 = is_long ? CR4_PAE : 0;
    sregs->efer = is_long ? EFER_LME | EFER_LMA : 0;
}

static int make_runnable(const struct vhv_vcpu *vcpu)
{
    const struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};

    if (vcpu->vm->irqchip == VHV_IRQCHIP_NONE)
        return 0;
    return vhv_kvm_set_mp_state(vcpu->fd, &runnable);
}

int vhv_vcpu_set_entry(struct vhv_vcpu *vcpu, enum vhv_cpu_mode mode, uint64_t address,
                       uint64_t cr3)
{
    struct kvm_regs regs = {.rflags = RFLAGS_ALWAYS_1};
    struct kvm_sregs sregs;
    int result;

    result = check_address(mode, address, cr3);
    if (result >= 0)
        result = vhv_vcpu_get_sregs(vcpu, &sregs);
    if (result < 0)
        return result;

    if (mode == VHV_CPU_REAL)
        set_real(&sregs, address);
    else
        set_flat(&sregs, mode == VHV_CPU_LONG, cr3);
    regs.rip = mode == VHV_CPU_REAL ? address & 0xFFFF : address;

    result = vhv_vcpu_set_sregs(vcpu, &sregs);
    if (result >= 0)
        result = vhv_vcpu_set_regs(vcpu, &regs);
    if (result >= 0)
        result = make_runnable(vcpu);
    return result;
}
