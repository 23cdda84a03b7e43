/* SPDX-License-Identifier: MIT */
/*
 * Sockets and cores, read from CPUID as Linux reads them: each of its ways must find each vCPU in
 * the same place.
 */
#include "cpuid/guest.h"

#include "guest.h"

/* Where a vCPU is. */
struct place {
    uint32_t socket;
    uint32_t core;
};

/* The number of bits that tell @count apart. */
static unsigned order_of(uint32_t count)
{
    unsigned order = 0;

    while (1u << order < count)
        order++;
    return order;
}

static struct place split(uint32_t id, unsigned core_bits)
{
    return (struct place){id >> core_bits, id & ((1u << core_bits) - 1)};
}

/* Leaf B or 1F: each level's shift leads to the next one. */
static struct place by_levels(const struct scene *scene, uint32_t leaf)
{
    unsigned shift = 0;

    for (uint32_t subleaf = 0; reg_of(scene, leaf, subleaf, VHV_ECX) & 0xff00; subleaf++)
        shift = reg_of(scene, leaf, subleaf, VHV_EAX) & 0x1f;
    assert_int_equal(reg_of(scene, leaf, 0, VHV_EAX) & 0x1f, 0); /* one thread */
    assert_int_equal(reg_of(scene, leaf, 0, VHV_EBX), 1);
    return split(reg_of(scene, leaf, 0, VHV_EDX), shift);
}

/* Leaf 1's number of a package's processors, of which leaf 4 says how many are cores. */
static struct place by_leaves_1_and_4(const struct scene *scene)
{
    uint32_t id = reg_of(scene, 1, 0, VHV_EBX) >> 24;
    uint32_t processors = reg_of(scene, 1, 0, VHV_EBX) >> 16 & 0xff;
    uint32_t cores = (reg_of(scene, 4, 0, VHV_EAX) >> 26) + 1;

    if (!bit_of(scene, 1, VHV_EDX, 28))
        processors = 1;
    assert_int_equal(processors / cores, 1); /* one thread */
    return split(id, order_of(processors));
}

static struct place by_leaf_80000008(const struct scene *scene)
{
    uint32_t id = reg_of(scene, 1, 0, VHV_EBX) >> 24;
    uint32_t cores = (reg_of(scene, 0x80000008, 0, VHV_ECX) & 0xff) + 1;
    unsigned bits = reg_of(scene, 0x80000008, 0, VHV_ECX) >> 12 & 15;

    return split(id, bits ? bits : order_of(cores));
}

static struct place by_leaf_8000001e(const struct scene *scene)
{
    uint32_t ebx = reg_of(scene, 0x8000001e, 0, VHV_EBX);

    assert_int_equal(reg_of(scene, 0x8000001e, 0, VHV_EAX), scene->options.vcpu_id);
    assert_int_equal(ebx >> 8 & 0xff, 0); /* one thread */
    /* A node to a socket. */
    return (struct place){reg_of(scene, 0x8000001e, 0, VHV_ECX) & 0xff, ebx & 0xff};
}

/* The number of the cache that the vCPU shares with others. */
static uint32_t cache_of(const struct scene *scene, uint32_t leaf, uint32_t subleaf)
{
    uint32_t sharing = (reg_of(scene, leaf, subleaf, VHV_EAX) >> 14 & 0xfff) + 1;

    return scene->options.vcpu_id >> order_of(sharing);
}

static void assert_place(const char *how, const struct scene *scene, struct place found,
                         struct place wanted)
{
    if (found.socket != wanted.socket || found.core != wanted.core)
        fail_msg("%s: vCPU %u of %u, %u per socket: socket %u core %u, not socket %u core %u", how,
                 scene->options.vcpu_id, scene->options.vcpu_count,
                 scene->options.cores_per_socket.value, found.socket, found.core, wanted.socket,
                 wanted.core);
}

static void assert_amd(const struct scene *scene, struct place wanted)
{
    assert_place("80000008", scene, by_leaf_80000008(scene), wanted);
    assert_place("8000001e", scene, by_leaf_8000001e(scene), wanted);
    assert_int_equal(cache_of(scene, 0x8000001d, 0), scene->options.vcpu_id);
    assert_int_equal(cache_of(scene, 0x8000001d, 1), wanted.socket);
}

static void assert_intel(const struct scene *scene, struct place wanted)
{
    assert_place("1 and 4", scene, by_leaves_1_and_4(scene), wanted);
    assert_place("1f", scene, by_levels(scene, 0x1f), wanted);
    assert_int_equal(cache_of(scene, 4, 0), scene->options.vcpu_id);
    assert_int_equal(cache_of(scene, 4, 2), wanted.socket);
}

/* Every vCPU of a VM, with @per_socket cores in a socket or, if it is 0, one socket. */
static void assert_all(struct scene *scene, uint32_t count, uint32_t per_socket, bool is_amd)
{
    uint32_t cores = per_socket ? per_socket : count;

    scene->options.vcpu_count = count;
    scene->options.cores_per_socket.value = per_socket;
    for (uint32_t i = 0; i < count; i++) {
        const struct place wanted = {i / cores, i % cores};

        scene->options.vcpu_id = vhv_guest_vcpu_id(i, per_socket);
        made(scene);
        assert_int_equal(finding_count(scene), 0);
        assert_place("b", scene, by_levels(scene, 0xb), wanted);
        assert_int_equal(bit_of(scene, 1, VHV_EDX, 28), cores > 1);
        if (is_amd)
            assert_amd(scene, wanted);
        else
            assert_intel(scene, wanted);
    }
}

static void assert_every_shape(struct scene *scene, bool is_amd)
{
    for (uint32_t count = 1; count <= 64; count++) {
        assert_all(scene, count, 0, is_amd);
        for (uint32_t per_socket = 1; per_socket <= count; per_socket++) {
            if (count % per_socket == 0)
                assert_all(scene, count, per_socket, is_amd);
        }
    }
    scene_end(scene);
}

static void topology_of_every_shape_is_as_linux_reads_it_on_amd(void **state)
{
    (void)state;
    assert_every_shape(on_amd(), true);
}

static void topology_of_every_shape_is_as_linux_reads_it_on_intel(void **state)
{
    struct scene *scene = on_intel();
    const struct vhv_cpuid_entry leaf_1f = {.leaf = 0x1f, .has_subleaf = true};

    (void)state;
    assert_int_equal(vhv_cpuid_set(scene->host, &leaf_1f), 0);
    assert_every_shape(scene, false);
}

static void topology_ids_of_vcpus_stay_below_128(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 64; count++) {
        for (uint32_t per_socket = 0; per_socket <= count; per_socket++) {
            if (per_socket == 0 || count % per_socket == 0)
                assert_true(vhv_guest_vcpu_id(count - 1, per_socket) < 128);
        }
    }
    assert_int_equal(vhv_guest_vcpu_id(5, 0), 5);
    assert_int_equal(vhv_guest_vcpu_id(5, 3), 6);
    assert_int_equal(vhv_guest_vcpu_id(5, 1), 5);
}

static void topology_names_cores_per_socket_as_its_reason(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_count = 4;
    scene->options.cores_per_socket = (struct vhv_cpuid_number){
        .value = 2, .origin = {"hypervisor.vmx", 4, "cpuid.coresPerSocket"}};
    made(scene);
    assert_contains(chain_of(scene, 0xb, 1, VHV_EBX, 1).words,
                    "hypervisor.vmx:4:cpuid.coresPerSocket: by the vCPU's id and the number of");
    scene_end(scene);
}

static void topology_keeps_a_masks_bits(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_count = 4;
    scene->options.cores_per_socket.value = 2;
    ask(scene, 1, "cpuid.80000008.ecx", "----:----:----:----:0101:----:0000:1111");
    made(scene);
    assert_int_equal(reg_of(scene, 0x80000008, 0, VHV_ECX) & 0xf0ff, 0x500f);
    scene_end(scene);
}

static void topology_that_does_not_divide_is_an_error(void **state)
{
    static const char text[] = "hypervisor.vmx:4: cpuid.coresPerSocket is 4, which does not divide "
                               "the number of vCPUs, 6";
    struct scene *scene = on_intel();

    (void)state;
    scene->options.vcpu_count = 6;
    scene->options.vcpu_id = 5;
    scene->options.cores_per_socket = (struct vhv_cpuid_number){
        .value = 4, .origin = {"hypervisor.vmx", 4, "cpuid.coresPerSocket"}};
    made(scene);
    assert_true(finding(scene, text)->is_error);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EINVAL, text);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_NONE);
    assert_place("one socket", scene, by_levels(scene, 0xb), (struct place){0, 5});
    scene->options.vcpu_count = 0;
    scene->options.vcpu_id = 0;
    made(scene);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EINVAL, "the number of vCPUs, 1");
    scene_end(scene);
}

static void topology_id_between_sockets_is_an_error(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_count = 6;
    scene->options.vcpu_id = 3;
    scene->options.cores_per_socket.value = 3;
    made(scene);
    assert_fails(
        vhv_guest_cpuid_check(scene->guest), EINVAL,
        "cpuid.coresPerSocket is 3, and vCPU 3 is in no socket: the vCPUs of a socket have "
        "ids from a multiple of 4 on");
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topology_of_every_shape_is_as_linux_reads_it_on_amd),
        cmocka_unit_test(topology_of_every_shape_is_as_linux_reads_it_on_intel),
        cmocka_unit_test(topology_ids_of_vcpus_stay_below_128),
        cmocka_unit_test(topology_names_cores_per_socket_as_its_reason),
        cmocka_unit_test(topology_keeps_a_masks_bits),
        cmocka_unit_test(topology_that_does_not_divide_is_an_error),
        cmocka_unit_test(topology_id_between_sockets_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
