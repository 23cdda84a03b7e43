/* SPDX-License-Identifier: MIT */
/* Captures in the form that `cpuid -r` prints, and vhv_cpuid_print() as raw lines. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "cpuid/capture.h"
#include "cpuid/registers.h"

/* Each range of leaves is told by its first one, and has at most so many. */
#define RANGE_LEAVES 0x100U

struct dump {
    const char *at;
    const char *end;
    size_t line; /* from 1 */
    size_t cpus; /* that were begun */
    size_t wanted;
    struct vhv_cpuid *cpuid; /* of the CPU that is wanted */
};

static void skip_blanks(struct dump *dump)
{
    while (dump->at < dump->end && (*dump->at == ' ' || *dump->at == '\t' || *dump->at == '\r'))
        dump->at++;
}

static bool at_line_end(const struct dump *dump)
{
    return dump->at == dump->end || *dump->at == '\n';
}

static bool take(struct dump *dump, const char *text)
{
    size_t bytes = strlen(text);

    if ((size_t)(dump->end - dump->at) < bytes || memcmp(dump->at, text, bytes) != 0)
        return false;
    dump->at += bytes;
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "0x" and one to eight hexadecimal digits. */
static bool take_number(struct dump *dump, uint32_t *value)
{
    size_t digits = 0;

    if (!take(dump, "0x"))
        return false;
    *value = 0;
    while (dump->at < dump->end && digit_value(*dump->at) >= 0) {
        *value = *value << 4 | (uint32_t)digit_value(*dump->at++);
        digits++;
    }
    return digits >= 1 && digits <= 8;
}

/* What follows "CPU": perhaps a number, and a colon. */
static bool take_head(struct dump *dump)
{
    if (take(dump, " ")) {
        while (dump->at < dump->end && *dump->at >= '0' && *dump->at <= '9')
            dump->at++;
    }
    return take(dump, ":");
}

static bool take_entry(struct dump *dump, struct vhv_cpuid_entry *entry)
{
    if (!take_number(dump, &entry->leaf))
        return false;
    skip_blanks(dump);
    if (!take_number(dump, &entry->subleaf) || !take(dump, ":"))
        return false;
    for (unsigned reg = 0; reg < VHV_CPUID_REGS; reg++) {
        skip_blanks(dump);
        if (!take(dump, vhv_cpuid_registers[reg]) || !take(dump, "=") ||
            !take_number(dump, &entry->reg[reg]))
            return false;
    }
    return true;
}

static int keep_entry(struct dump *dump, struct vhv_cpuid_entry *entry)
{
    entry->has_subleaf = vhv_cpuid_leaf_has_subleaves(entry->leaf);
    /* Some leaves are asked more than once; they answer the same. */
    if (!entry->has_subleaf && entry->subleaf > 0)
        return 0;
    if (vhv_cpuid_find(dump->cpuid, entry->leaf, entry->subleaf))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "leaf 0x%" PRIx32 ", subleaf 0x%" PRIx32 " is given twice", entry->leaf,
                        entry->subleaf);
    return vhv_cpuid_set(dump->cpuid, entry);
}

static int read_line(struct dump *dump)
{
    struct vhv_cpuid_entry entry;
    bool is_head, is_entry;

    skip_blanks(dump);
    if (at_line_end(dump))
        return 0;
    is_head = take(dump, "CPU") && take_head(dump);
    is_entry = !is_head && take_entry(dump, &entry);
    skip_blanks(dump);
    if ((!is_head && !is_entry) || !at_line_end(dump))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "neither JSON nor a line of `cpuid -r`, such as \"0x00000000 0x00: "
                        "eax=0x… ebx=0x… ecx=0x… edx=0x…\"");
    if (is_head) {
        dump->cpus++;
        return 0;
    }
    if (dump->cpus == 0) /* without a head: of one CPU */
        dump->cpus = 1;
    return dump->cpus - 1 == dump->wanted ? keep_entry(dump, &entry) : 0;
}

static int read_lines(struct dump *dump)
{
    for (dump->line = 1; dump->at < dump->end; dump->line++) {
        int result = read_line(dump);

        if (result < 0)
            return vhv_fail_within(result, "line %zu", dump->line);
        if (dump->at < dump->end)
            dump->at++;
    }
    return 0;
}

/* Beyond the last leaf of a range, processors answer with anything. */
static void drop_beyond_ranges(struct vhv_cpuid *cpuid)
{
    const struct vhv_cpuid_entry *entry;
    size_t at = 0;

    while ((entry = vhv_cpuid_at(cpuid, at))) {
        uint32_t first = entry->leaf & ~(RANGE_LEAVES - 1);
        uint32_t last = vhv_cpuid_get(cpuid, first, 0, VHV_EAX);

        if (vhv_cpuid_find(cpuid, first, 0) && last - first < RANGE_LEAVES && entry->leaf <= last)
            at++;
        else
            vhv_cpuid_remove(cpuid, entry->leaf, entry->subleaf);
    }
}

int vhv_capture_parse_dump(struct vhv_capture_parts *parts, const char *text, size_t bytes,
                           unsigned cpu)
{
    struct dump dump = {.at = text, .end = text + bytes, .wanted = cpu};
    int result = vhv_cpuid_new(&parts->cpuid);

    if (result < 0)
        return result;
    dump.cpuid = parts->cpuid;
    result = read_lines(&dump);
    if (result < 0)
        return result;
    if (cpu > 0 && cpu >= dump.cpus)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "the dump has %zu CPUs, from place 0 on: there is none at place %u",
                        dump.cpus, cpu);
    drop_beyond_ranges(parts->cpuid);
    if (vhv_cpuid_count(parts->cpuid) == 0)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "there is no CPUID in it");
    return 0;
}
