/* SPDX-License-Identifier: MIT */
/* The hosts that the fake KVM plays: a Zen with nested=1 and a Haswell with nested=1. */
#include <stdlib.h>
#include <string.h>

#include <libvhv/cpuid.h>

#include "fake_model.h"
#include "host/host.h"

#define LEAF(leaf, a, b, c, d)                                     \
    {                                                              \
        .function = (leaf), .eax = a, .ebx = b, .ecx = c, .edx = d \
    }
#define SUBLEAF(leaf, subleaf, a, b, c, d)                                                \
    {                                                                                     \
        .function = (leaf), .index = (subleaf), .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, \
        .eax = a, .ebx = b, .ecx = c, .edx = d                                            \
    }
#define END ~0u

static const struct kvm_cpuid_entry2 amd_entries[] = {
    LEAF(0x0, 0xd, 0x68747541, 0x444d4163, 0x69746e65), /* AuthenticAMD */
    LEAF(0x1, 0x00a20f10, 0x00000800, 0xf7f83203, 0x178bfbff),
    SUBLEAF(0x7, 0, 0, 0x219c91a9, 0x0040068c, 0),
    SUBLEAF(0xd, 0, 0x7, 0x340, 0x340, 0),
    SUBLEAF(0xd, 1, 0xf, 0x340, 0, 0),
    LEAF(0x40000000, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d), /* KVMKVMKVM */
    LEAF(0x40000001, 0x01007afb, 0, 0, 0),
    LEAF(0x80000000, 0x8000001f, 0x68747541, 0x444d4163, 0x69746e65),
    LEAF(0x80000001, 0x00a20f10, 0x20000000, 0x004003f5, 0x2fd3fbff),
    LEAF(0x80000008, 0x3030, 0x0111f000, 0, 0),
    LEAF(0x8000000a, 1, 8, 0, 0x100194f9),
    LEAF(0x8000001e, 0, 0, 0, 0),
    LEAF(END, 0, 0, 0, 0),
};

static const struct kvm_cpuid_entry2 intel_entries[] = {
    LEAF(0x0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69), /* GenuineIntel */
    LEAF(0x1, 0x000306c3, 0x00000800, 0xf7f83223, 0x0f8bfbff),
    SUBLEAF(0x4, 0, 0x121, 0x01c0003f, 0x3f, 0),
    SUBLEAF(0x4, 1, 0x122, 0x01c0003f, 0x3f, 0),
    SUBLEAF(0x7, 0, 0, 0x000027ab, 0, 0x9c000400),
    SUBLEAF(0xb, 0, 0, 1, 0x100, 0),
    SUBLEAF(0xb, 1, 0, 1, 0x201, 0),
    SUBLEAF(0xd, 0, 0x7, 0x340, 0x340, 0),
    SUBLEAF(0xd, 1, 0x1, 0, 0, 0),
    LEAF(0x40000000, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d),
    LEAF(0x40000001, 0x01007afb, 0, 0, 0),
    LEAF(0x80000000, 0x80000008, 0, 0, 0),
    LEAF(0x80000001, 0, 0, 0x21, 0x2c100800),
    LEAF(0x80000008, 0x3027, 0, 0, 0),
    LEAF(END, 0, 0, 0, 0),
};

#define MSR(number, value)                 \
    {                                      \
        .index = (number), .data = (value) \
    }

static const struct kvm_msr_entry amd_feature_msrs[] = {
    MSR(0x10a, 0),
    MSR(0xc0011029, 0x2),
    MSR(END, 0),
};

static const struct kvm_msr_entry intel_feature_msrs[] = {
    MSR(0x10a, 0),
    MSR(0x480, 0x00d8100011e57ed0),
    MSR(0x481, 0x0000007f00000016),
    MSR(0x482, 0xfff9fffe0401e172),
    MSR(0x483, 0x003fffff00036dff),
    MSR(0x484, 0x0000ffff000011ff),
    MSR(0x485, 0x0000000020000065),
    MSR(0x486, 0x0000000080000021),
    MSR(0x487, 0x00000000ffffffff),
    MSR(0x488, 0x0000000000002000),
    MSR(0x489, 0x00000000003767ff),
    MSR(0x48a, 0x000000000000002e),
    MSR(0x48b, 0x007137fe00000000),
    MSR(0x48c, 0x00000f0106734141),
    MSR(0x48d, 0x0000007f00000016),
    MSR(0x48e, 0xfff9fffe04006172),
    MSR(0x48f, 0x003fffff00036dfb),
    MSR(0x490, 0x0000ffff000011fb),
    MSR(0x491, 0x0000000000000001),
    MSR(END, 0),
};

/* What KVM_GET_MSR_INDEX_LIST has, with the values after reset. */
static const struct kvm_msr_entry amd_vcpu_msrs[] = {
    MSR(0x10, 0),       MSR(0x174, 0),      MSR(0x175, 0),      MSR(0x176, 0),
    MSR(0x277, 0),      MSR(0x1a0, 1),      MSR(0xc0000081, 0), MSR(0xc0000082, 0),
    MSR(0xc0000083, 0), MSR(0xc0000084, 0), MSR(0xc0000102, 0), MSR(0xc0010114, 0),
    MSR(0xc0010117, 0), MSR(0x4b564d00, 0), MSR(0x4b564d01, 0), MSR(END, 0),
};

static const struct kvm_msr_entry intel_vcpu_msrs[] = {
    MSR(0x10, 0),
    MSR(0x3a, 0),
    MSR(0x174, 0),
    MSR(0x175, 0),
    MSR(0x176, 0),
    MSR(0x277, 0),
    MSR(0x1a0, 1),
    MSR(0x480, 0x00d8100011e57ed0),
    MSR(0x485, 0x0000000020000065),
    MSR(0x486, 0x0000000080000021),
    MSR(0x488, 0x0000000000002000),
    MSR(0x48a, 0x000000000000002e),
    MSR(0x48b, 0x007137fe00000000),
    MSR(0x48c, 0x00000f0106734141),
    MSR(0x48d, 0x0000007f00000016),
    MSR(0x48e, 0xfff9fffe04006172),
    MSR(0x48f, 0x003fffff00036dfb),
    MSR(0x490, 0x0000ffff000011fb),
    MSR(0x491, 0x0000000000000001),
    MSR(0xc0000081, 0),
    MSR(0xc0000082, 0),
    MSR(0xc0000083, 0),
    MSR(0xc0000084, 0),
    MSR(0xc0000102, 0),
    MSR(END, 0),
};

const struct kvm_cpuid_entry2 *fake_cpuid_entries(void)
{
    return fake_kvm.vendor == VHV_VENDOR_INTEL ? intel_entries : amd_entries;
}

const struct kvm_msr_entry *fake_feature_msrs(void)
{
    return fake_kvm.vendor == VHV_VENDOR_INTEL ? intel_feature_msrs : amd_feature_msrs;
}

const struct kvm_msr_entry *fake_vcpu_msrs(void)
{
    return fake_kvm.vendor == VHV_VENDOR_INTEL ? intel_vcpu_msrs : amd_vcpu_msrs;
}

static bool is_vmx(uint32_t msr)
{
    return msr >= 0x480 && msr <= 0x491;
}

int fake_cpuid_copy(struct kvm_cpuid2 *to, const struct kvm_cpuid_entry2 *from, uint32_t count)
{
    if (to->nent < count)
        return -E2BIG;
    memcpy(to->entries, from, count * sizeof(*from));
    to->nent = count;
    return 0;
}

static void hide_virtualization(struct kvm_cpuid2 *cpuid)
{
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

        if (entry->function == 0x1)
            entry->ecx &= ~(1u << 5);
        else if (entry->function == 0x80000001)
            entry->ecx &= ~(1u << 2);
        else if (entry->function == 0x8000000a)
            entry->eax = entry->ebx = entry->ecx = entry->edx = 0;
    }
}

static uint32_t count_entries(void)
{
    uint32_t count = 0;

    while (fake_cpuid_entries()[count].function != END)
        count++;
    return count;
}

static int get_supported_cpuid(struct fake_object *object, void *argument)
{
    int result = fake_cpuid_copy(argument, fake_cpuid_entries(), count_entries());

    (void)object;
    if (result == 0 && !fake_kvm.nested)
        hide_virtualization(argument);
    return result;
}

static int copy_indexes(struct kvm_msr_list *list, const struct kvm_msr_entry *from)
{
    uint32_t room = list->nmsrs;

    list->nmsrs = 0;
    for (; from->index != END; from++) {
        if (is_vmx(from->index) && !fake_kvm.nested)
            continue;
        if (list->nmsrs < room)
            list->indices[list->nmsrs] = from->index;
        list->nmsrs++;
    }
    return list->nmsrs > room ? -E2BIG : 0;
}

static int get_msr_index_list(struct fake_object *object, void *argument)
{
    (void)object;
    return copy_indexes(argument, fake_vcpu_msrs());
}

static int get_feature_index_list(struct fake_object *object, void *argument)
{
    (void)object;
    return copy_indexes(argument, fake_feature_msrs());
}

static int get_feature_msrs(struct fake_object *object, void *argument)
{
    struct kvm_msrs *msrs = argument;
    const struct kvm_msr_entry *known;

    (void)object;
    for (uint32_t i = 0; i < msrs->nmsrs; i++) {
        for (known = fake_feature_msrs(); known->index != msrs->entries[i].index; known++) {
            if (known->index == END)
                return (int)i;
        }
        msrs->entries[i].data = known->data;
    }
    return (int)msrs->nmsrs;
}

static int get_api_version(struct fake_object *object, void *argument)
{
    (void)object;
    (void)argument;
    return fake_kvm.api_version;
}

static int get_run_bytes(struct fake_object *object, void *argument)
{
    (void)object;
    (void)argument;
    return FAKE_RUN_BYTES;
}

static int create_vm(struct fake_object *object, void *argument)
{
    (void)object;
    return argument ? -EINVAL : fake_object_new(FAKE_VM, fake_vm_new(), NULL);
}

const struct fake_ioctl fake_system_ioctls[] = {
    FAKE_IOCTL(KVM_GET_API_VERSION, get_api_version),
    FAKE_IOCTL(KVM_CHECK_EXTENSION, fake_check_extension),
    FAKE_IOCTL(KVM_CREATE_VM, create_vm),
    FAKE_IOCTL(KVM_GET_VCPU_MMAP_SIZE, get_run_bytes),
    FAKE_IOCTL(KVM_GET_SUPPORTED_CPUID, get_supported_cpuid),
    FAKE_IOCTL(KVM_GET_MSR_INDEX_LIST, get_msr_index_list),
    FAKE_IOCTL(KVM_GET_MSR_FEATURE_INDEX_LIST, get_feature_index_list),
    FAKE_IOCTL(KVM_GET_MSRS, get_feature_msrs),
    {0},
};

struct vhv_cpuid *fake_kvm_processor(void)
{
    uint32_t count = count_entries();
    struct kvm_cpuid2 *table = calloc(1, sizeof(*table) + count * sizeof(table->entries[0]));
    struct vhv_cpuid *processor = NULL;

    table->nent = count;
    fake_cpuid_copy(table, fake_cpuid_entries(), count);
    /* The hypervisor's leaves are KVM's, and this host has none below it. */
    for (uint32_t i = 0; i < count; i++) {
        if (table->entries[i].function == 0x1)
            table->entries[i].ecx &= ~(1u << 31);
    }
    if (vhv_cpuid_from_kvm(&processor, table) < 0)
        abort();
    free(table);
    vhv_cpuid_remove(processor, 0x40000000, 0);
    vhv_cpuid_remove(processor, 0x40000001, 0);
    return processor;
}
