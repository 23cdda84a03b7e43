/* SPDX-License-Identifier: MIT */
/* The commands. Their numbers and registers are those of VMware's own guest software. */
#include "device/backdoor.h"

#include <stddef.h>

enum command {
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
    GET_VCPU_INFO = 68
};

#define UNSUPPORTED UINT32_MAX

enum { VERSION = 6, PRODUCT_ESX = 2 };

/* How far a guest's time may be behind before it is to be set: a second, as VMware has it. */
enum { MAX_TIME_LAG_US = 1000000 };

enum { NESTING_RESTRICT, NESTING_OPEN, NESTING_QUERY };

enum { VCPU_LEGACY_X2APIC_OK = 1 << 3 };

typedef void command_fn(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                        struct vhv_backdoor_registers *registers);

static void get_mhz(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                    struct vhv_backdoor_registers *registers)
{
    (void)backdoor;
    registers->rax = facts->tsc_khz ? facts->tsc_khz / 1000 : UNSUPPORTED;
}

static void get_version(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                        struct vhv_backdoor_registers *registers)
{
    (void)backdoor, (void)facts;
    registers->rax = VERSION;
    registers->rbx = VHV_BACKDOOR_MAGIC;
    registers->rcx = PRODUCT_ESX;
}

static void get_hardware_version(struct vhv_backdoor *backdoor,
                                 const struct vhv_backdoor_facts *facts,
                                 struct vhv_backdoor_registers *registers)
{
    (void)backdoor;
    registers->rax = facts->hardware_version ? facts->hardware_version : UNSUPPORTED;
}

static uint32_t read_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void get_uuid(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                     struct vhv_backdoor_registers *registers)
{
    (void)backdoor;
    registers->rax = UNSUPPORTED;
    if (!facts->uuid)
        return;
    registers->rax = read_le32(facts->uuid);
    registers->rbx = read_le32(facts->uuid + 4);
    registers->rcx = read_le32(facts->uuid + 8);
    registers->rdx = read_le32(facts->uuid + 12);
}

static void get_memory_size(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                            struct vhv_backdoor_registers *registers)
{
    uint64_t mib = facts->memory_bytes >> 20;

    (void)backdoor;
    registers->rax = mib > 0 && mib < UNSUPPORTED ? (uint32_t)mib : UNSUPPORTED;
}

static void tell_fraction(const struct vhv_backdoor_facts *facts,
                          struct vhv_backdoor_registers *registers)
{
    registers->rbx = (uint32_t)(facts->now.tv_nsec / 1000);
    registers->rcx = MAX_TIME_LAG_US;
}

/* Of a time that does not fit, there is GETTIMEFULL. */
static void get_time(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                     struct vhv_backdoor_registers *registers)
{
    (void)backdoor;
    registers->rax = UNSUPPORTED;
    if (facts->now.tv_sec < 0 || facts->now.tv_sec >= UNSUPPORTED)
        return;
    registers->rax = (uint32_t)facts->now.tv_sec;
    registers->rdx = 0; /* the time zone: minutes from UTC */
    tell_fraction(facts, registers);
}

/* EAX stays what it was, the magic number. */
static void get_time_full(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                          struct vhv_backdoor_registers *registers)
{
    (void)backdoor;
    registers->rsi = (uint32_t)((uint64_t)facts->now.tv_sec >> 32);
    registers->rdx = (uint32_t)facts->now.tv_sec;
    tell_fraction(facts, registers);
}

static void get_time_full_with_lag(struct vhv_backdoor *backdoor,
                                   const struct vhv_backdoor_facts *facts,
                                   struct vhv_backdoor_registers *registers)
{
    get_time_full(backdoor, facts, registers);
    registers->rdi = 0; /* no timer interrupt waits to be delivered late */
}

/* Who opens a channel looks for bit 16 of ECX, which could be left over from the command. */
static void refuse_message(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                           struct vhv_backdoor_registers *registers)
{
    (void)backdoor, (void)facts;
    registers->rax = UNSUPPORTED;
    registers->rcx &= 0xffff;
}

/* Linux looks for failure in EBX. */
static void get_hz(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                   struct vhv_backdoor_registers *registers)
{
    uint64_t hz = UINT64_C(1000) * facts->tsc_khz;

    (void)backdoor;
    registers->rax = hz ? (uint32_t)hz : UNSUPPORTED;
    registers->rbx = hz ? (uint32_t)(hz >> 32) : UNSUPPORTED;
    if (hz)
        registers->rcx = facts->apic_bus_hz;
}

/* The inner guest must not decide who answers its siblings. */
static uint32_t set_restricted(struct vhv_backdoor *backdoor,
                               const struct vhv_backdoor_facts *facts, bool restricted)
{
    if (facts->is_nested || (backdoor->stays_restricted && !restricted))
        return UNSUPPORTED;
    atomic_store(&backdoor->restricted, restricted);
    return 0;
}

static void control_nesting(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                            struct vhv_backdoor_registers *registers)
{
    switch ((uint32_t)registers->rcx >> 16) {
    case NESTING_RESTRICT:
        registers->rax = set_restricted(backdoor, facts, true);
        break;
    case NESTING_OPEN:
        registers->rax = set_restricted(backdoor, facts, false);
        break;
    case NESTING_QUERY:
        registers->rax = NESTING_QUERY; /* the last operation that there is */
        registers->rbx = atomic_load(&backdoor->restricted);
        break;
    default:
        registers->rax = UNSUPPORTED;
        break;
    }
}

static void get_vcpu_info(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                          struct vhv_backdoor_registers *registers)
{
    (void)backdoor;
    registers->rax = facts->has_x2apic ? VCPU_LEGACY_X2APIC_OK : 0;
}

static command_fn *const commands[] = {
    [GETMHZ] = get_mhz,
    [GETVERSION] = get_version,
    [GETHWVERSION] = get_hardware_version,
    [GETUUID] = get_uuid,
    [GETMEMSIZE] = get_memory_size,
    [GETTIME] = get_time,
    [MESSAGE] = refuse_message,
    [GETHZ] = get_hz,
    [GETTIMEFULL] = get_time_full,
    [GETTIMEFULL_WITH_LAG] = get_time_full_with_lag,
    [NESTING_CONTROL] = control_nesting,
    [GET_VCPU_INFO] = get_vcpu_info,
};

static command_fn *find(const struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                        const struct vhv_backdoor_registers *registers)
{
    uint32_t command = registers->rcx & 0xffff;

    if ((uint32_t)registers->rax != VHV_BACKDOOR_MAGIC ||
        (facts->is_nested && atomic_load(&backdoor->restricted)))
        return NULL;
    return command < sizeof(commands) / sizeof(commands[0]) ? commands[command] : NULL;
}

void vhv_backdoor_init(struct vhv_backdoor *backdoor, bool restricted)
{
    backdoor->stays_restricted = restricted;
    atomic_init(&backdoor->restricted, restricted);
}

void vhv_backdoor_answer(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                         struct vhv_backdoor_registers *registers)
{
    command_fn *command = find(backdoor, facts, registers);

    if (command)
        command(backdoor, facts, registers);
    else
        registers->rax = UNSUPPORTED;
}
