/* SPDX-License-Identifier: MIT */
/*
 * What depends on which vCPU it is, and of how many: sockets of cores of one thread each. KVM's
 * table has the host's topology instead, or none.
 * [SDM "CPUID—CPU Identification"], [APM3 "CPUID"]
 */
#include "cpuid/guest.h"

struct topology {
    struct vhv_guest_cpuid *guest;
    const struct vhv_origin *origin; /* of cpuid.coresPerSocket; NULL: not set */
    uint32_t id;
    uint32_t cores;   /* of a socket */
    uint32_t id_bits; /* that tell a socket's cores apart */
};

/* Bits of an APIC id that are enough for @count cores; a field of CPUID holds at most 15. */
static uint32_t bits_for(uint32_t count)
{
    uint32_t bits = 0;

    while (bits < 15 && count > 1u << bits)
        bits++;
    return bits;
}

uint32_t vhv_guest_vcpu_id(uint32_t index, uint32_t cores_per_socket)
{
    if (cores_per_socket == 0)
        return index;
    return index / cores_per_socket << bits_for(cores_per_socket) | index % cores_per_socket;
}

static uint32_t core_of(const struct topology *topology)
{
    return topology->id & ((1u << topology->id_bits) - 1);
}

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
                                          .origin = topology->origin,
                                          .text = "by the vCPU's id and the number of vCPUs",
                                      });
}

static bool has(const struct topology *topology, uint32_t leaf, uint32_t subleaf)
{
    return vhv_cpuid_find(topology->guest->table, leaf, subleaf);
}

/* The number of a socket's logical processors: Intel means their ids, used or not. */
static void set_leaf_1(const struct topology *topology)
{
    bool is_intel = topology->guest->vendor == VHV_VENDOR_INTEL;
    uint32_t processors = is_intel ? 1u << topology->id_bits : topology->cores;

    if (!has(topology, 0x1, 0))
        return;
    set(topology, (struct vhv_cpuid_field){0x1, 0, VHV_EBX, 0xffff0000},
        topology->id << 24 | at_most(processors, 255) << 16);
    set(topology, (struct vhv_cpuid_field){0x1, 0, VHV_EDX, 1u << 28},
        (uint32_t)(topology->cores > 1) << 28);
}

/* Leaf 4 and its AMD twin 8000_001Dh: caches below the third level belong to one vCPU. */
static void set_caches(const struct topology *topology, uint32_t leaf)
{
    const struct vhv_cpuid_entry *entry;
    uint32_t socket = (1u << topology->id_bits) - 1;

    for (uint32_t subleaf = 0; (entry = vhv_cpuid_find(topology->guest->table, leaf, subleaf)) &&
                               entry->subleaf == subleaf && (entry->reg[VHV_EAX] & 0x1f);
         subleaf++) {
        uint32_t sharing = (entry->reg[VHV_EAX] >> 5 & 7) < 3 ? 0 : at_most(socket, 0xfff);

        set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EAX, 0x03ffc000}, sharing << 14);
        if (leaf == 0x4)
            set(topology, (struct vhv_cpuid_field){leaf, subleaf, VHV_EAX, 0xfc000000},
                at_most(socket, 63) << 26);
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
        uint32_t vcpus = level == CORE ? topology->cores : level == THREAD;

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
            topology->id_bits << 12 | at_most(topology->cores - 1, 255));
    }
    if (has(topology, 0x8000001e, 0)) {
        set(topology, (struct vhv_cpuid_field){0x8000001e, 0, VHV_EAX, 0xffffffff}, topology->id);
        set(topology, (struct vhv_cpuid_field){0x8000001e, 0, VHV_EBX, 0xffff},
            core_of(topology) & 0xff);
        set(topology, (struct vhv_cpuid_field){0x8000001e, 0, VHV_ECX, 0x7ff},
            topology->id >> topology->id_bits & 0xff);
    }
}

/* Whether sockets can be made of the vCPUs, and this one is in one of them. */
static bool check_sockets(const struct topology *topology, uint32_t count)
{
    struct vhv_guest_finding about = {
        .found = {.is_error = true, .leaf = 0x1, .reg = VHV_EBX, .origin = *topology->origin},
    };

    if (count % topology->cores)
        vhv_guest_report(topology->guest, &about, false,
                         "is %u, which does not divide the number of vCPUs, %u", topology->cores,
                         count);
    else if (core_of(topology) >= topology->cores)
        vhv_guest_report(topology->guest, &about, false,
                         "is %u, and vCPU %u is in no socket: the vCPUs of a socket have ids from "
                         "a multiple of %u on",
                         topology->cores, topology->id, 1u << topology->id_bits);
    else
        return true;
    return false;
}

void vhv_guest_topology_steps(struct vhv_guest_build *build)
{
    uint32_t count = build->options.vcpu_count ? build->options.vcpu_count : 1;
    uint32_t cores = build->options.cores_per_socket.value;
    struct topology topology = {
        .guest = build->guest,
        .origin = cores ? &build->guest->origins[VHV_ORIGIN_CORES_PER_SOCKET] : NULL,
        .id = build->options.vcpu_id,
        .cores = cores ? cores : count,
    };

    topology.id_bits = bits_for(topology.cores);
    if (cores && !check_sockets(&topology, count)) {
        topology.cores = count;
        topology.id_bits = bits_for(count);
    }
    set_leaf_1(&topology);
    set_caches(&topology, 0x4);
    set_caches(&topology, 0x8000001d);
    set_levels(&topology, 0xb);
    set_levels(&topology, 0x1f);
    set_amd(&topology);
}
