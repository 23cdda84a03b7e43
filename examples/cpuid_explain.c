/* SPDX-License-Identifier: MIT */
/* Why a guest's bit is what it is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vhv-cpuid.h"

enum { PLACE_BYTES = 32 };

const char *const register_names[VHV_CPUID_REGS] = {"eax", "ebx", "ecx", "edx"};

/* By enum vhv_mask_op. */
static const char mask_characters[] = "-01hrtfxi";

static struct place place_of(const struct vhv_feature *feature)
{
    return (struct place){feature->leaf, feature->subleaf, feature->reg, feature->bit};
}

/* "1.ecx.5" or "7.0.ebx.0". */
static void place_format(char text[PLACE_BYTES], const struct place *place)
{
    char subleaf[16] = "";

    if (place->subleaf || vhv_cpuid_leaf_has_subleaves(place->leaf))
        snprintf(subleaf, sizeof(subleaf), ".%" PRIx32, place->subleaf);
    snprintf(text, PLACE_BYTES, "%" PRIx32 "%s.%s.%u", place->leaf, subleaf,
             register_names[place->reg], place->bit);
}

/* Reads the register, in the syntax of a mask's key. */
static int parse_register(struct place *place, const char *text, size_t bytes)
{
    static const char prefix[] = "cpuid.";
    bool has_prefix = strncasecmp(text, prefix, strlen(prefix)) == 0;
    char copy[VHV_MASK_KEY_TEXT_BYTES];
    struct vhv_mask_key key;

    if (snprintf(copy, sizeof(copy), "%s%.*s", has_prefix ? "" : prefix, (int)bytes, text) >=
        (int)sizeof(copy))
        return complain("'%s' is too long for a bit's place", text);
    if (vhv_mask_key_parse(&key, copy) < 0)
        return failure(NULL);
    *place = (struct place){key.leaf, key.subleaf, key.reg, 0};
    return FINE;
}

static int parse_name_within(struct place *place, const char *name)
{
    const struct vhv_feature *feature = vhv_feature_find(name);
    char text[PLACE_BYTES];
    struct place found;

    if (!feature)
        return complain("'%s' is neither a bit, 0 to 31, nor the name of a feature", name);
    found = place_of(feature);
    place_format(text, &found);
    if (found.leaf != place->leaf || found.subleaf != place->subleaf || found.reg != place->reg)
        return complain("%s is in another register: it is %s", feature->name, text);
    *place = found;
    return FINE;
}

int place_parse(struct place *place, const char *text)
{
    const struct vhv_feature *feature = vhv_feature_find(text);
    const char *dot = strrchr(text, '.');
    unsigned long bit;
    char *end;
    int status;

    if (feature) {
        *place = place_of(feature);
        return FINE;
    }
    if (!dot)
        return complain("'%s' is no name of a feature; 'vhv-cpuid host' shows names, and a bit can "
                        "be written as 1.ecx.5 or 7.0.ebx.5",
                        text);
    status = parse_register(place, text, (size_t)(dot - text));
    if (status != FINE)
        return status;
    bit = strtoul(dot + 1, &end, 10);
    if (dot[1] < '0' || dot[1] > '9' || *end || bit > 31)
        return parse_name_within(place, dot + 1);
    place->bit = (unsigned)bit;
    return FINE;
}

/* "mask       1  hypervisor.vmx:12: cpuid.1.ecx has 'h': the mask takes what KVM can give ..." */
static int print_reason(const struct vhv_cpuid_reason *reason, void *cookie)
{
    (void)cookie;
    printf("%-9s  %c  ", vhv_cpuid_source_name(reason->source),
           reason->applied ? (char)('0' + reason->value) : '-');
    if (reason->origin.key) {
        print_origin(stdout, &reason->origin);
        if (reason->source == VHV_SOURCE_MASK)
            printf(" has '%c'", mask_characters[reason->op]);
        fputs(": ", stdout);
    }
    printf("%s%s\n", reason->applied ? "" : "not applied: ", reason->text);
    return 0;
}

/* Bytes of other encodings than UTF-8 are passed on as they are. */
static void print_json_text(const char *name, const char *text)
{
    printf("\"%s\": \"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static int print_json_reason(const struct vhv_cpuid_reason *reason, void *cookie)
{
    const char **separator = cookie;

    printf("%s\n    {", *separator);
    *separator = ",";
    print_json_text("source", vhv_cpuid_source_name(reason->source));
    printf(", \"value\": %u, \"applied\": %s, ", reason->value, reason->applied ? "true" : "false");
    if (reason->origin.key) {
        print_json_text("key", reason->origin.key);
        fputs(", ", stdout);
    }
    if (reason->origin.file) {
        print_json_text("file", reason->origin.file);
        printf(", \"line\": %u, ", reason->origin.line);
    }
    if (reason->source == VHV_SOURCE_MASK)
        printf("\"mask\": \"%c\", ", mask_characters[reason->op]);
    print_json_text("text", reason->text);
    putchar('}');
    return 0;
}

int explain(const struct subject *subject, const struct choice *choice)
{
    const struct place *place = &choice->place;
    const struct vhv_cpuid *table = vhv_guest_cpuid_table(subject->guest);
    const struct vhv_feature *feature = vhv_feature_of_bit(
        place->leaf, place->subleaf, place->reg, place->bit, vhv_cpuid_vendor(subject->supported));
    const char *name = feature ? feature->name : "", *section = feature ? feature->section : "";
    unsigned value = vhv_cpuid_get(table, place->leaf, place->subleaf, place->reg) >> place->bit;
    bool json = choice->style == VHV_CPUID_JSON;
    const char *separator = "";
    char text[PLACE_BYTES];

    place_format(text, place);
    if (json) {
        printf("{\"bit\": \"%s\", \"name\": \"%s\", ", text, name);
        print_json_text("section", section);
        printf(", \"value\": %u, \"reasons\": [", value & 1);
    } else {
        printf(feature ? "%s %s [%s]\n" : "%s%s%s\n", text, name, section);
    }
    if (vhv_guest_cpuid_explain(subject->guest, place->leaf, place->subleaf, place->reg, place->bit,
                                json ? print_json_reason : print_reason, &separator) < 0)
        return failure(NULL);
    if (json)
        puts("\n]}");
    else
        printf("guest      %u  what the guest reads\n", value & 1);
    return FINE;
}
