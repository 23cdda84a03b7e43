/* SPDX-License-Identifier: MIT */
/*
 * What the pure functions cost: reading 1,000 masks, a configuration of 1,000 lines, applying it,
 * and making the CPUID of 64 vCPUs, on the table of a captured host.
 *
 *     bench-tables CAPTURE.json
 */
#include <libvhv/vhv.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES = 1000, VCPUS = 64, ROUNDS = 25, REGISTERS_A_LEAF = 4, LEAVES_A_VENDOR = 125 };

#define MASK "----:--0-:----:----:----:----:--h-:----"

static void give_up(const char *what)
{
    fprintf(stderr, "bench-tables: %s: %s\n", what, vhv_error_message());
    exit(1);
}

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct vhv_cpuid *read_table(const char *path)
{
    enum { MOST_BYTES = 1 << 20 };
    char *text = malloc(MOST_BYTES);
    FILE *file = fopen(path, "r");
    struct vhv_cpuid *table;

    if (!text || !file)
        give_up(path);
    if (vhv_cpuid_parse_json(&table, text, fread(text, 1, MOST_BYTES, file)) < 0)
        give_up(path);
    fclose(file);
    free(text);
    return table;
}

/* Each line has a key of its own: leaves by their number, for either vendor. */
static size_t write_lines(char *text, size_t bytes)
{
    static const char *const registers[] = {"eax", "ebx", "ecx", "edx"};
    size_t used = 0;

    for (unsigned i = 0; i < LINES; i++) {
        unsigned leaf = i / REGISTERS_A_LEAF % LEAVES_A_VENDOR;
        const char *vendor = i < LINES / 2 ? "amd" : "intel";

        used += (size_t)snprintf(text + used, bytes - used, "cpuid.%x.%s.%s = \"" MASK "\"\n", leaf,
                                 registers[i % REGISTERS_A_LEAF], vendor);
    }
    return used;
}

static void read_masks(void)
{
    struct vhv_mask mask;

    for (int i = 0; i < LINES; i++) {
        if (vhv_mask_parse(&mask, MASK) < 0)
            give_up("a mask");
    }
}

static void make_guests(const struct vhv_cpuid *supported, const struct vhv_config *config,
                        uint32_t count)
{
    struct vhv_guest_cpuid_options options = {
        .size = sizeof(options), .vcpu_count = count, .kernel_lapic = true};
    struct vhv_guest_cpuid *guest;

    vhv_config_cpuid(config, &options);
    for (uint32_t id = 0; id < count; id++) {
        options.vcpu_id = id;
        if (vhv_guest_cpuid_new(&guest, supported, &options) < 0)
            give_up("a guest's CPUID");
        vhv_guest_cpuid_free(guest);
    }
}

static void keep_least(double *least, double start)
{
    double us = now_us() - start;

    if (*least == 0 || us < *least)
        *least = us;
}

int main(int argc, char **argv)
{
    static char text[LINES * 80];
    double masks = 0, parse = 0, apply = 0, guests = 0;
    struct vhv_config *plain, *config;
    struct vhv_cpuid *supported;
    size_t bytes = write_lines(text, sizeof(text));

    if (argc != 2) {
        fprintf(stderr, "usage: bench-tables CAPTURE.json\n");
        return 2;
    }
    supported = read_table(argv[1]);
    if (vhv_config_new(&plain) < 0 || vhv_config_set(plain, "vhv.enable", "TRUE") < 0)
        give_up("a configuration");
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_us();

        read_masks();
        keep_least(&masks, start);
        start = now_us();
        if (vhv_config_parse(&config, text, bytes, "bench.vmx") < 0)
            give_up("the lines");
        keep_least(&parse, start);
        start = now_us();
        make_guests(supported, config, 1);
        keep_least(&apply, start);
        start = now_us();
        make_guests(supported, plain, VCPUS);
        keep_least(&guests, start);
        vhv_config_free(config);
    }
    printf("reading %d masks: %.0f us\n", LINES, masks);
    printf("reading a configuration of %d masks: %.0f us\n", LINES, parse);
    printf("applying %d masks: %.0f us\n", LINES, apply);
    printf("making the CPUID of %d vCPUs: %.0f us\n", VCPUS, guests);
    printf("{\"masks_us\":%.0f,\"configuration_us\":%.0f,\"apply_us\":%.0f,\"vcpus_us\":%.0f}\n",
           masks, parse, apply, guests);
    vhv_config_free(plain);
    vhv_cpuid_free(supported);
    return 0;
}
