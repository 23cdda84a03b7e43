/* SPDX-License-Identifier: MIT */
/*
 * What the library costs over hand-written ioctls, both in the same run and in turn: port and MMIO
 * exits, a VM's life from creation to its first exit and end, and memory. Times are the monotonic
 * clock's; they are stable figures only where that counts instructions (the lab's --icount).
 */
#include <cjson/cJSON.h>
#include <libvhv/vhv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

enum {
    CODE_GPA = 0x1000,
    PORT = 0x10,
    RAM_BYTES = 0xA0000,
    MMIO_GPA = RAM_BYTES, /* the first address without memory */
    ROUNDS = 15,
    EXITS_A_ROUND = 1000,
    LIVES = 15,
    CROWD = 16, /* VMs that live at once, to see their memory */
};

/* again: out %al, $0x10; jmp again */
static const uint8_t port_code[] = {0xE6, PORT, 0xEB, 0xFC};
/* mov $0xA000, %ax; mov %ax, %ds; again: mov %al, 0; jmp again */
static const uint8_t mmio_code[] = {0xB8, 0x00, 0xA0, 0x8E, 0xD8, 0xA2, 0x00, 0x00, 0xEB, 0xFB};

struct figure {
    const char *name;
    const char *unit;
    double raw;
    double libvhv;
};

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, vhv_error_message());
    exit(1);
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return values[count / 2];
}

/* The device of the library's VM: says when enough accesses were made. */
struct counter {
    uint64_t left;
    uint64_t last_value;
};

static int count_write(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct counter *counter = cookie;

    (void)offset;
    (void)bytes;
    counter->last_value = value;
    return --counter->left == 0;
}

struct library_vm {
    struct vhv_vm *vm;
    struct vhv_vcpu *vcpu;
    struct counter counter;
};

static void library_vm_new(struct library_vm *library, const struct vhv_host *host, bool handler,
                           const void *code, size_t code_bytes)
{
    const struct vhv_vm_options options = {.size = sizeof(options), .kick_handler = handler};
    const struct vhv_bus_ops ops = {.write = count_write};

    if (vhv_vm_new(&library->vm, host, &options) < 0 ||
        vhv_memory_add(vhv_vm_memory(library->vm), 0, RAM_BYTES, NULL) < 0 ||
        vhv_memory_write(vhv_vm_memory(library->vm), CODE_GPA, code, code_bytes) < 0 ||
        vhv_bus_add(vhv_vm_bus(library->vm), VHV_SPACE_PORT, PORT, 1, &ops, &library->counter,
                    "counter") < 0 ||
        vhv_bus_add(vhv_vm_bus(library->vm), VHV_SPACE_MMIO, MMIO_GPA, 4096, &ops,
                    &library->counter, "counter") < 0 ||
        vhv_vcpu_new(&library->vcpu, library->vm, 0) < 0 || vhv_vm_power_on(library->vm) < 0 ||
        vhv_vcpu_set_entry(library->vcpu, VHV_CPU_REAL, CODE_GPA, 0) < 0)
        give_up("a VM by the library");
}

static void library_vm_run(struct library_vm *library, uint64_t exits)
{
    struct vhv_exit exit;

    library->counter.left = exits;
    if (vhv_vcpu_run(library->vcpu, &exit) < 0)
        give_up("a run by the library");
    if (exit.reason != VHV_EXIT_HANDLED) {
        fprintf(stderr, "bench: the library's run ended with %s\n",
                vhv_exit_reason_name(exit.reason));
        _exit(1);
    }
}

static void raw_run(struct raw_vm *raw, uint64_t exits)
{
    struct raw_device device = {.port = PORT, .gpa = MMIO_GPA, .writes_left = exits};

    if (raw_vm_run(raw, &device) < 0)
        give_up("a raw run");
}

/* With a handler for the kick's signal, KVM_RUN leaves the signal mask alone, as in the raw loop.
 */
static struct figure measure_exits(const char *name, int kvm, const struct vhv_host *host,
                                   bool handler, const void *code, size_t code_bytes)
{
    double raw_ns[ROUNDS], library_ns[ROUNDS];
    struct library_vm library;
    struct raw_vm raw;

    if (raw_vm_new(&raw, kvm, RAM_BYTES, code, code_bytes, CODE_GPA) < 0)
        give_up("a raw VM");
    library_vm_new(&library, host, handler, code, code_bytes);
    raw_run(&raw, EXITS_A_ROUND);
    library_vm_run(&library, EXITS_A_ROUND);
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ns();

        raw_run(&raw, EXITS_A_ROUND);
        raw_ns[i] = (now_ns() - start) / EXITS_A_ROUND;
        start = now_ns();
        library_vm_run(&library, EXITS_A_ROUND);
        library_ns[i] = (now_ns() - start) / EXITS_A_ROUND;
    }
    vhv_vm_free(library.vm);
    raw_vm_free(&raw);
    return (struct figure){name, "ns", median(raw_ns, ROUNDS), median(library_ns, ROUNDS)};
}

static double raw_life(int kvm)
{
    double start = now_ns();
    struct raw_vm raw;

    if (raw_vm_new(&raw, kvm, RAM_BYTES, port_code, sizeof(port_code), CODE_GPA) < 0)
        give_up("a raw VM's life");
    raw_run(&raw, 1);
    raw_vm_free(&raw);
    return now_ns() - start;
}

static double library_life(const struct vhv_host *host)
{
    double start = now_ns();
    struct library_vm library;

    library_vm_new(&library, host, true, port_code, sizeof(port_code));
    library_vm_run(&library, 1);
    vhv_vm_free(library.vm);
    return now_ns() - start;
}

static struct figure measure_life(int kvm, const struct vhv_host *host)
{
    double raw_ns[LIVES], library_ns[LIVES];
    struct raw_vm held;

    /* The first VM of all makes the kernel patch itself: keep one, so that no measured one is the
       first. */
    if (raw_vm_new(&held, kvm, RAM_BYTES, port_code, sizeof(port_code), CODE_GPA) < 0)
        give_up("a raw VM");
    for (int i = 0; i < LIVES; i++) {
        raw_ns[i] = raw_life(kvm);
        library_ns[i] = library_life(host);
    }
    raw_vm_free(&held);
    return (struct figure){"create, first exit, destroy", "ns", median(raw_ns, LIVES),
                           median(library_ns, LIVES)};
}

static double resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%*s %ld", &pages) != 1)
        give_up("/proc/self/statm");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Resident memory of the process for each VM, the guest's own included, which is the same for both.
 */
static struct figure measure_memory(int kvm, const struct vhv_host *host)
{
    struct library_vm library[CROWD];
    struct raw_vm raw[CROWD];
    double before = resident_bytes(), raw_bytes, library_bytes;

    for (int i = 0; i < CROWD; i++) {
        if (raw_vm_new(&raw[i], kvm, RAM_BYTES, port_code, sizeof(port_code), CODE_GPA) < 0)
            give_up("a raw VM");
        raw_run(&raw[i], 1);
    }
    raw_bytes = resident_bytes() - before;
    before = resident_bytes();
    for (int i = 0; i < CROWD; i++) {
        library_vm_new(&library[i], host, true, port_code, sizeof(port_code));
        library_vm_run(&library[i], 1);
    }
    library_bytes = resident_bytes() - before;
    for (int i = 0; i < CROWD; i++) {
        vhv_vm_free(library[i].vm);
        raw_vm_free(&raw[i]);
    }
    return (struct figure){"resident memory of a VM", "bytes", raw_bytes / CROWD,
                           library_bytes / CROWD};
}

static void print_table(const struct figure *figures, size_t count)
{
    printf("%-36s %14s %14s %8s\n", "", "raw", "libvhv", "ratio");
    for (size_t i = 0; i < count; i++) {
        const struct figure *figure = &figures[i];

        printf("%-36s %9.0f %-5s %8.0f %-5s", figure->name, figure->raw, figure->unit,
               figure->libvhv, figure->unit);
        if (figure->raw > 0)
            printf(" %7.3f", figure->libvhv / figure->raw);
        putchar('\n');
    }
}

static void print_json(const struct figure *figures, size_t count)
{
    cJSON *list = cJSON_CreateArray();
    char *text;

    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "name", figures[i].name);
        cJSON_AddStringToObject(item, "unit", figures[i].unit);
        cJSON_AddNumberToObject(item, "raw", figures[i].raw);
        cJSON_AddNumberToObject(item, "libvhv", figures[i].libvhv);
        cJSON_AddItemToArray(list, item);
    }
    text = cJSON_PrintUnformatted(list);
    printf("%s\n", text ? text : "[]");
    free(text);
    cJSON_Delete(list);
}

/* Where the clock counts instructions, the difference is what the library executes more than the
   raw loop. */
static void print_instructions(const struct figure *figure, double ns_per_instruction)
{
    printf("%-36s %.0f instructions more than raw\n", figure->name,
           (figure->libvhv - figure->raw) / ns_per_instruction);
}

enum { FIGURES = 5 };

int main(int argc, char **argv)
{
    double ns_per_instruction =
        argc == 3 && !strcmp(argv[1], "--ns-per-instruction") ? atof(argv[2]) : 0;
    const struct vhv_host_options host_options = {.size = sizeof(host_options), .policy = ""};
    struct vhv_host *host;
    struct figure figures[FIGURES];
    int kvm = raw_open();

    if (argc > 1 && ns_per_instruction <= 0) {
        fprintf(stderr, "usage: bench [--ns-per-instruction NS]\n");
        return 2;
    }
    if (kvm < 0) {
        printf("bench: skipped: /dev/kvm cannot be opened here; the lab has one\n");
        return 77;
    }
    if (vhv_host_new(&host, &host_options) < 0)
        give_up("the host");
    figures[0] = measure_exits("port exit and back", kvm, host, true, port_code, sizeof(port_code));
    figures[1] = measure_exits("MMIO exit and back", kvm, host, true, mmio_code, sizeof(mmio_code));
    figures[2] = measure_exits("port exit, kicks without a handler", kvm, host, false, port_code,
                               sizeof(port_code));
    figures[3] = measure_life(kvm, host);
    figures[4] = measure_memory(kvm, host);
    print_table(figures, FIGURES);
    for (int i = 0; i < 3 && ns_per_instruction > 0; i++)
        print_instructions(&figures[i], ns_per_instruction);
    print_json(figures, FIGURES);
    vhv_host_free(host);
    close(kvm);
    return 0;
}
