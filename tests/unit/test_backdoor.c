/* SPDX-License-Identifier: MIT */
/* The backdoor's commands: registers in, registers out. */
#include <string.h>

#include "../cmocka.h"
#include "device/backdoor.h"

enum {
    GETMHZ = 1,
    GETVERSION = 10,
    GETHWVERSION = 17,
    GETUUID = 19,
    GETMEMSIZE = 20,
    GETTIME = 23,
    MESSAGE = 30,
    GETHZ = 45,
    GETTIMEFULL = 46,
    GETTIMEFULL_WITH_LAG = 55,
    NESTING_CONTROL = 63,
    GET_VCPU_INFO = 68,
    STEALCLOCK = 91
};

enum { RESTRICT = 0, OPEN = 1, QUERY = 2 };

#define NONE UINT32_MAX

static const uint8_t uuid[VHV_BACKDOOR_UUID_BYTES] = {0x56, 0x4d, 1, 2,  3,  4,  5,  6,
                                                      7,    8,    9, 10, 11, 12, 13, 14};

static const struct vhv_backdoor_facts all_known = {
    .memory_bytes = UINT64_C(3) << 30,
    .tsc_khz = 4800123,
    .apic_bus_hz = 1000000000,
    .hardware_version = 9,
    .uuid = uuid,
    .has_x2apic = true,
    .now = {.tv_sec = 0x123456789, .tv_nsec = 987654321},
};

/* What a guest has in its registers, upper halves included, that no answer may be mixed up with. */
static struct vhv_backdoor_registers asking(uint32_t rcx)
{
    return (struct vhv_backdoor_registers){
        .rax = UINT64_C(0xa1) << 32 | VHV_BACKDOOR_MAGIC,
        .rbx = UINT64_C(0xb2000000b3),
        .rcx = UINT64_C(0xc4) << 32 | rcx,
        .rdx = UINT64_C(0xd5000000d6),
        .rsi = UINT64_C(0xe7000000e8),
        .rdi = UINT64_C(0xf9000000fa),
    };
}

static struct vhv_backdoor_registers ask(struct vhv_backdoor *backdoor,
                                         const struct vhv_backdoor_facts *facts, uint32_t rcx)
{
    struct vhv_backdoor_registers registers = asking(rcx);

    vhv_backdoor_answer(backdoor, facts, &registers);
    return registers;
}

/* Of a backdoor that nobody has restricted. */
static struct vhv_backdoor_registers ask_once(const struct vhv_backdoor_facts *facts, uint32_t rcx)
{
    struct vhv_backdoor backdoor;

    vhv_backdoor_init(&backdoor, false);
    return ask(&backdoor, facts, rcx);
}

static void assert_registers(struct vhv_backdoor_registers is, struct vhv_backdoor_registers wanted)
{
    assert_int_equal(is.rax, wanted.rax);
    assert_int_equal(is.rbx, wanted.rbx);
    assert_int_equal(is.rcx, wanted.rcx);
    assert_int_equal(is.rdx, wanted.rdx);
    assert_int_equal(is.rsi, wanted.rsi);
    assert_int_equal(is.rdi, wanted.rdi);
}

/* As where there is no device. */
static void assert_none(struct vhv_backdoor_registers is, struct vhv_backdoor_registers asked)
{
    asked.rax = NONE;
    assert_registers(is, asked);
}

static void answer_version_has_magic_and_product(void **state)
{
    struct vhv_backdoor_registers wanted = asking(GETVERSION);

    (void)state;
    wanted.rax = 6;
    wanted.rbx = VHV_BACKDOOR_MAGIC;
    wanted.rcx = 2;
    assert_registers(ask_once(&all_known, GETVERSION), wanted);
}

static void answer_mhz_is_the_tscs(void **state)
{
    struct vhv_backdoor_registers wanted = asking(GETMHZ);

    (void)state;
    wanted.rax = 4800;
    assert_registers(ask_once(&all_known, GETMHZ), wanted);
}

/* More than 32 bits of Hz. */
static void answer_hz_is_the_tscs_and_the_buss(void **state)
{
    struct vhv_backdoor_registers wanted = asking(GETHZ);

    (void)state;
    wanted.rax = UINT64_C(4800123000) & UINT32_MAX;
    wanted.rbx = 1;
    wanted.rcx = 1000000000;
    assert_registers(ask_once(&all_known, GETHZ), wanted);
}

static void answer_hardware_version_is_the_vms(void **state)
{
    struct vhv_backdoor_registers wanted = asking(GETHWVERSION);

    (void)state;
    wanted.rax = 9;
    assert_registers(ask_once(&all_known, GETHWVERSION), wanted);
}

static void answer_uuid_has_its_first_byte_lowest(void **state)
{
    struct vhv_backdoor_registers wanted = asking(GETUUID);

    (void)state;
    wanted.rax = 0x02014d56;
    wanted.rbx = 0x06050403;
    wanted.rcx = 0x0a090807;
    wanted.rdx = 0x0e0d0c0b;
    assert_registers(ask_once(&all_known, GETUUID), wanted);
}

static void answer_memory_size_is_in_mib(void **state)
{
    struct vhv_backdoor_facts facts = all_known;

    (void)state;
    assert_int_equal(ask_once(&facts, GETMEMSIZE).rax, 3072);
    facts.memory_bytes = (UINT64_C(5) << 20) - 1;
    assert_int_equal(ask_once(&facts, GETMEMSIZE).rax, 4);
    facts.memory_bytes = UINT64_C(1) << 60;
    assert_int_equal(ask_once(&facts, GETMEMSIZE).rax, NONE);
}

static void answer_time_fits_32_bits_or_is_none(void **state)
{
    struct vhv_backdoor_facts facts = all_known;
    struct vhv_backdoor_registers wanted = asking(GETTIME);

    (void)state;
    assert_none(ask_once(&facts, GETTIME), wanted);
    facts.now.tv_sec = 0xfffffffe;
    wanted.rax = 0xfffffffe;
    wanted.rbx = 987654;
    wanted.rcx = 1000000;
    wanted.rdx = 0;
    assert_registers(ask_once(&facts, GETTIME), wanted);
    facts.now.tv_sec = -1;
    assert_none(ask_once(&facts, GETTIME), asking(GETTIME));
}

static void answer_full_time_has_64_bits_and_the_magic(void **state)
{
    struct vhv_backdoor_registers wanted = asking(GETTIMEFULL);

    (void)state;
    wanted.rbx = 987654;
    wanted.rcx = 1000000;
    wanted.rdx = 0x23456789;
    wanted.rsi = 1;
    assert_registers(ask_once(&all_known, GETTIMEFULL), wanted);
    wanted.rdi = 0;
    assert_registers(ask_once(&all_known, GETTIMEFULL_WITH_LAG), wanted);
}

/* Of each step of a message: no status bit may be left over from the command. */
static void answer_message_is_refused_whatever_its_step(void **state)
{
    (void)state;
    for (uint32_t step = 0; step < 8; step++) {
        struct vhv_backdoor_registers wanted = asking(MESSAGE);

        wanted.rax = NONE;
        wanted.rcx = MESSAGE;
        assert_registers(ask_once(&all_known, step << 16 | MESSAGE), wanted);
    }
}

static void answer_vcpu_info_tells_of_x2apic_alone(void **state)
{
    struct vhv_backdoor_facts facts = all_known;

    (void)state;
    assert_int_equal(ask_once(&facts, GET_VCPU_INFO).rax, 1 << 3);
    facts.has_x2apic = false;
    assert_int_equal(ask_once(&facts, GET_VCPU_INFO).rax, 0);
}

static void answer_what_is_not_known_is_none(void **state)
{
    static const uint32_t needy[] = {GETMHZ, GETHWVERSION, GETUUID, GETMEMSIZE};
    static const struct vhv_backdoor_facts nothing;
    struct vhv_backdoor_registers wanted = asking(GETHZ);

    (void)state;
    for (size_t i = 0; i < sizeof(needy) / sizeof(needy[0]); i++)
        assert_none(ask_once(&nothing, needy[i]), asking(needy[i]));
    wanted.rax = wanted.rbx = NONE;
    assert_registers(ask_once(&nothing, GETHZ), wanted);
}

static bool is_command(uint32_t command)
{
    static const uint32_t known[] = {
        GETMHZ,  GETVERSION, GETHWVERSION, GETUUID, GETTIME,     GETMEMSIZE,
        MESSAGE, GETHZ,      63,           68,      GETTIMEFULL, GETTIMEFULL_WITH_LAG,
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == command)
            return true;
    }
    return false;
}

/* STEALCLOCK among them. */
static void answer_other_commands_are_none(void **state)
{
    (void)state;
    for (uint32_t command = 0; command <= 0xffff; command++) {
        if (!is_command(command))
            assert_none(ask_once(&all_known, command), asking(command));
    }
    assert_false(is_command(STEALCLOCK));
}

static void answer_other_magic_is_none(void **state)
{
    static const uint64_t others[] = {0, VHV_BACKDOOR_MAGIC + 1, VHV_BACKDOOR_MAGIC & 0xffff,
                                      UINT32_MAX, (uint64_t)VHV_BACKDOOR_MAGIC << 32};
    struct vhv_backdoor backdoor;

    (void)state;
    vhv_backdoor_init(&backdoor, false);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct vhv_backdoor_registers asked = asking(GETVERSION), registers;

        asked.rax = others[i];
        registers = asked;
        vhv_backdoor_answer(&backdoor, &all_known, &registers);
        assert_none(registers, asked);
    }
}

static void assert_query(struct vhv_backdoor *backdoor, bool restricted)
{
    struct vhv_backdoor_registers wanted = asking(QUERY << 16 | NESTING_CONTROL);

    wanted.rax = QUERY;
    wanted.rbx = restricted;
    assert_registers(ask(backdoor, &all_known, QUERY << 16 | NESTING_CONTROL), wanted);
}

static uint64_t control(struct vhv_backdoor *backdoor, uint32_t operation, bool is_nested)
{
    struct vhv_backdoor_facts facts = all_known;

    facts.is_nested = is_nested;
    return ask(backdoor, &facts, operation << 16 | NESTING_CONTROL).rax;
}

static uint64_t version(struct vhv_backdoor *backdoor, bool is_nested)
{
    struct vhv_backdoor_facts facts = all_known;

    facts.is_nested = is_nested;
    return ask(backdoor, &facts, GETVERSION).rax;
}

static void nesting_open_answers_the_inner_guest(void **state)
{
    struct vhv_backdoor backdoor;

    (void)state;
    vhv_backdoor_init(&backdoor, false);
    assert_query(&backdoor, false);
    assert_int_equal(version(&backdoor, true), 6);
}

static void nesting_guest_restricts_and_opens(void **state)
{
    struct vhv_backdoor backdoor;

    (void)state;
    vhv_backdoor_init(&backdoor, false);
    assert_int_equal(control(&backdoor, RESTRICT, false), 0);
    assert_query(&backdoor, true);
    assert_int_equal(version(&backdoor, true), NONE);
    assert_int_equal(version(&backdoor, false), 6);
    assert_int_equal(control(&backdoor, OPEN, false), 0);
    assert_query(&backdoor, false);
    assert_int_equal(version(&backdoor, true), 6);
}

static void nesting_restricted_by_the_host_stays_so(void **state)
{
    struct vhv_backdoor backdoor;

    (void)state;
    vhv_backdoor_init(&backdoor, true);
    assert_query(&backdoor, true);
    assert_int_equal(control(&backdoor, OPEN, false), NONE);
    assert_int_equal(control(&backdoor, RESTRICT, false), 0);
    assert_int_equal(control(&backdoor, OPEN, false), NONE);
    assert_query(&backdoor, true);
    assert_int_equal(version(&backdoor, true), NONE);
}

static void nesting_inner_guest_changes_nothing(void **state)
{
    struct vhv_backdoor backdoor;

    (void)state;
    vhv_backdoor_init(&backdoor, false);
    assert_int_equal(control(&backdoor, RESTRICT, true), NONE);
    assert_query(&backdoor, false);
    assert_int_equal(control(&backdoor, QUERY, true), QUERY);
    assert_int_equal(control(&backdoor, RESTRICT, false), 0);
    assert_int_equal(control(&backdoor, OPEN, true), NONE);
    assert_int_equal(control(&backdoor, QUERY, true), NONE);
    assert_query(&backdoor, true);
}

static void nesting_other_operations_are_none(void **state)
{
    struct vhv_backdoor backdoor;

    (void)state;
    vhv_backdoor_init(&backdoor, false);
    for (uint32_t operation = QUERY + 1; operation <= 0xffff; operation++)
        assert_int_equal(control(&backdoor, operation, false), NONE);
    assert_query(&backdoor, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_version_has_magic_and_product),
        cmocka_unit_test(answer_mhz_is_the_tscs),
        cmocka_unit_test(answer_hz_is_the_tscs_and_the_buss),
        cmocka_unit_test(answer_hardware_version_is_the_vms),
        cmocka_unit_test(answer_uuid_has_its_first_byte_lowest),
        cmocka_unit_test(answer_memory_size_is_in_mib),
        cmocka_unit_test(answer_time_fits_32_bits_or_is_none),
        cmocka_unit_test(answer_full_time_has_64_bits_and_the_magic),
        cmocka_unit_test(answer_message_is_refused_whatever_its_step),
        cmocka_unit_test(answer_vcpu_info_tells_of_x2apic_alone),
        cmocka_unit_test(answer_what_is_not_known_is_none),
        cmocka_unit_test(answer_other_commands_are_none),
        cmocka_unit_test(answer_other_magic_is_none),
        cmocka_unit_test(nesting_open_answers_the_inner_guest),
        cmocka_unit_test(nesting_guest_restricts_and_opens),
        cmocka_unit_test(nesting_restricted_by_the_host_stays_so),
        cmocka_unit_test(nesting_inner_guest_changes_nothing),
        cmocka_unit_test(nesting_other_operations_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
