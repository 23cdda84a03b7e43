/* SPDX-License-Identifier: MIT */
/* What a guest reads otherwise than KVM can give it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vhv-cpuid.h"

struct printer {
    enum vhv_vendor vendor;
    enum vhv_cpuid_style style;
    bool colour;
    size_t count;
};

/* As people who do not want it say everywhere: https://no-color.org */
static bool want_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

static void print_name(const struct printer *printer, const char *name, bool is_set)
{
    const char *quote = printer->style == VHV_CPUID_JSON ? "\"" : "";
    const char *start = "", *end = "";

    if (printer->colour) {
        start = is_set ? "\033[32m" : "\033[31m"; /* green, red */
        end = "\033[0m";
    }
    printf("%s%s%c%s%s%s", quote, start, is_set ? '+' : '-', name, end, quote);
}

/* "+HYPERVISOR" or "-SVM" for each feature that only one of the two has. */
static void print_names(const struct printer *printer, const struct vhv_cpuid_difference *found)
{
    bool json = printer->style == VHV_CPUID_JSON;
    const char *separator = json ? "" : "  ";

    for (unsigned bit = 0; bit < 32; bit++) {
        const struct vhv_feature *feature =
            vhv_feature_of_bit(found->leaf, found->subleaf, found->reg, bit, printer->vendor);

        if (!feature || !((found->a ^ found->b) >> bit & 1))
            continue;
        fputs(separator, stdout);
        print_name(printer, feature->name, found->b >> bit & 1);
        separator = json ? ", " : " ";
    }
}

static int print_line(const struct vhv_cpuid_difference *found, void *cookie)
{
    struct printer *printer = cookie;

    if (printer->count++ == 0)
        puts("leaf       subleaf  register  supported   effective");
    printf("0x%08" PRIx32 " 0x%02" PRIx32 "     %s       0x%08" PRIx32 "  0x%08" PRIx32,
           found->leaf, found->subleaf, register_names[found->reg], found->a, found->b);
    if (printer->style == VHV_CPUID_DECODED)
        print_names(printer, found);
    putchar('\n');
    return 0;
}

static int print_json(const struct vhv_cpuid_difference *found, void *cookie)
{
    struct printer *printer = cookie;

    printf("%s\n    {\"leaf\": \"0x%" PRIx32 "\", \"subleaf\": \"0x%" PRIx32
           "\", \"register\": \"%s\", ",
           printer->count++ ? "," : "", found->leaf, found->subleaf, register_names[found->reg]);
    printf("\"supported\": \"0x%08" PRIx32 "\", \"effective\": \"0x%08" PRIx32
           "\", \"features\": [",
           found->a, found->b);
    print_names(printer, found);
    fputs("]}", stdout);
    return 0;
}

int diff(const struct subject *subject, const struct choice *choice)
{
    bool json = choice->style == VHV_CPUID_JSON;
    struct printer printer = {
        .vendor = vhv_cpuid_vendor(subject->supported),
        .style = choice->style,
        .colour = !json && want_colour(),
    };

    tell_read_back(subject);
    if (json)
        fputs("{\"differences\": [", stdout);
    vhv_cpuid_compare(subject->supported, vhv_guest_cpuid_table(subject->guest),
                      json ? print_json : print_line, &printer);
    if (json)
        puts("\n]}");
    return FINE;
}
