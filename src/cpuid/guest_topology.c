/* SPDX-License-Identifier: MIT */
/*
 * What depends on which vCPU it is, and of how many: one package with one core of one thread for
 * each vCPU. KVM's table has the host's topology instead, or none.
 * [SDM "CPUID—CPU Identification"], [APM3 "CPUID"]
 */
#include "cpuid/guest.h"

struct topology {
    struct vhv_guest_cpuid *guest;
    uint32_t id;
    uint32_t count;
    uint32_t id_bits; /* that tell the package's vCPUs apart */
};

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

static void set(const struct topology *topology, struct vhv_cpuid_field field, uint32_t values)
{
    vhv_guest_decide(topology->guest, &(struct vhv_guest_step){
                                          .field = field,
                                          .values = values,
                                          .source = VHV_SOURCE_VCPU,
                                          .applied = true,
                                          .text = "by the vCPU's id and the number of vCPUs",
                                      });
}

static bool has(const struct topology *topology, uint32_t leaf, uint32_t subleaf)
{
    return vhv_cpuid_find(topology->guest->table, leaf, subleaf);
}

static void set_leaf_1(const struct topology *topology)
{
    if (!has(topology, 0x1, 0))
        return;
    set(topology, (struct vhv_cpuid_field){0x1, 0, VHV_EBX, 0xffff0000},
        topology->id << 24 | at_most(topology->count, 255) << 16);
    set(topology, (struct vhv_cpuid_field){0x1, 0, VHV_EDX, 1u << 28},
        (uint32_t)(topology->count > 1) << 28);
}

/* Leaf 4 and its AMD twin 8000_001Dh: caches below the third level belong to one vCPU. */
static void set_caches(const struct topology *topology, uint32_t leaf)
{
    const struct vhv_cpuid_entry *entry;
    uint32_t package = (1u << topology->id_bits) - 1;

    for (uint32_t subleaf = 0; (entry = vhv_cpuid_find(topology->guest->table, leaf, subleaf)) &&
                               entry->subleaf == subleaf && (entry->reg[VHV_EAX] & 0x1f);
         subleaf++) {
        uint32_t sharing = (entry->reg[VHV_EAX] >> 5 & 7) < 3 ? 0 : at_most(package, 0xfff);

        set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EAX, 0x03ffc000}, sharing << 14);
        if (leaf == 0x4)
            set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EAX, 0xfc000000},
                at_most(package, 63) << 26);
    }
}

/* Leaf B and its successor 1F: the levels thread and core. Newer kernels give subleaf 0 alone. */
static void set_levels(const struct topology *topology, uint32_t leaf)
{
    enum { THREAD = 1, CORE = 2 };
    const struct vhv_cpuid_entry *entry;

    if (!has(topology, leaf, 0))
        return;
    for (uint32_t subleaf = 0;
         subleaf < 2 || ((entry = vhv_cpuid_find(topology->guest->table, leaf, subleaf)) &&
                         entry->subleaf == subleaf);
         subleaf++) {
        uint32_t level = subleaf == 0 ? THREAD : subleaf == 1 ? CORE : 0;
        uint32_t vcpus = level == CORE ? topology->count : level == THREAD;

        set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EAX, 0x1f},
            level == CORE ? topology->id_bits : 0);
        set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EBX, 0xffff}, vcpus);
        set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_ECX, 0xffff},
            level << 8 | (subleaf & 0xff));
        set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EDX, 0xffffffff}, topology->id);
    }
}

static void set_amd(const struct topology *topology)
{
    if (topology->guest->vendor != VHV_VENDOR_AMD)
        return;
    if (has(topology, 0x80000008, 0)) {
        set(topology, (struct vhv_cpuid_field){0x80000008, 0, VHV_ECX, 0xf0ff},
            topology->id_bits << 12 | at_most(topology->count - 1, 255));
    }
    if (has(topology, 0x8000001e, 0)) {
        set(topology, (struct vhv_cpuid_field){0x8000001e, 0, VHV_EAX, 0xffffffff}, topology->id);
        set(topology, (struct vhv_cpuid_field){0x8000001e, 0, VHV_EBX, 0xffff},
            topology->id & 0xff);
        set(topology, (struct vhv_cpuid_field){0x8000001e, 0, VHV_ECX, 0x7ff}, 0);
    }
}

void vhv_guest_topology_steps(struct vhv_guest_build *build)
{
    struct topology topology = {
        .guest = build->guest,
        .id = build->options.vcpu_id,
        .count = build->options.vcpu_count ? build->options.vcpu_count : 1,
    };

    while (topology.id_bits < 15 && topology.count > 1u << topology.id_bits)
        topology.id_bits++;
    set_leaf_1(&topology);
    set_caches(&topology, 0x4);
    set_caches(&topology, 0x8000001d);
    set_levels(&topology, 0xb);
    set_levels(&topology, 0x1f);
    set_amd(&topology);
}
