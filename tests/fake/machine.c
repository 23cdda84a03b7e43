/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void give_up(const char *what)
{
    perror(what);
    abort();
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void machine_write(const struct machine *machine, const char *path, const void *data, size_t bytes,
                   long offset)
{
    char whole[PATH_MAX];
    int fd;

    snprintf(whole, sizeof(whole), "%s/%s", machine->root, path);
    for (char *slash = strchr(whole + strlen(machine->root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(whole, 0700);
        *slash = '/';
    }
    fd = open(whole, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || pwrite(fd, data, bytes, offset) != (ssize_t)bytes)
        give_up(whole);
    close(fd);
}

void machine_write_text(const struct machine *machine, const char *path, const char *text)
{
    machine_write(machine, path, text, strlen(text), 0);
}

void machine_remove(const struct machine *machine, const char *path)
{
    char whole[PATH_MAX];

    snprintf(whole, sizeof(whole), "%s/%s", machine->root, path);
    if (remove(whole) != 0)
        give_up(whole);
}

static void write_module(const struct machine *machine, const char *name, const char *slat)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "sys/module/%s/parameters/nested", name);
    machine_write_text(machine, path, "1\n");
    snprintf(path, sizeof(path), "sys/module/%s/parameters/%s", name, slat);
    machine_write_text(machine, path, "Y\n");
}

struct machine *machine_new(enum vhv_vendor vendor)
{
    struct machine *machine = calloc(1, sizeof(*machine));

    if (!machine)
        give_up("machine");
    strcpy(machine->root, "/tmp/libvhv-test-XXXXXX");
    if (!mkdtemp(machine->root))
        give_up(machine->root);
    snprintf(machine->sysfs, sizeof(machine->sysfs), "%s/sys", machine->root);
    snprintf(machine->msr, sizeof(machine->msr), "%s/msr", machine->root);
    snprintf(machine->cpuinfo, sizeof(machine->cpuinfo), "%s/cpuinfo", machine->root);
    machine->paths = (struct vhv_host_paths){
        .device = "/dev/kvm",
        .sysfs = machine->sysfs,
        .msr = machine->msr,
        .cpuinfo = machine->cpuinfo,
    };
    machine_write_text(machine, "cpuinfo", "model name : x\nflags\t\t: fpu vmx svm nx\n");
    if (vendor == VHV_VENDOR_INTEL)
        write_module(machine, "kvm_intel", "ept");
    else
        write_module(machine, "kvm_amd", "npt");
    fake_kvm_install(vendor);
    machine->processor = fake_kvm_processor();
    return machine;
}

void machine_free(struct machine *machine)
{
    fake_kvm_remove();
    vhv_cpuid_free(machine->processor);
    if (nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        give_up(machine->root);
    free(machine);
}

struct vhv_host *machine_probe(struct machine *machine)
{
    struct vhv_cpuid *processor = machine->processor;
    struct vhv_host *host;

    machine->processor = fake_kvm_processor();
    if (vhv_host_probe(&host, processor, &machine->paths) < 0)
        give_up(vhv_error_message());
    return host;
}

int machine_setup_amd(void **state)
{
    *state = machine_new(VHV_VENDOR_AMD);
    return 0;
}

int machine_setup_intel(void **state)
{
    *state = machine_new(VHV_VENDOR_INTEL);
    return 0;
}

int machine_teardown(void **state)
{
    unsigned held = fake_kvm_descriptors() + fake_kvm_mappings();

    machine_free(*state);
    return held == 0 ? 0 : -1;
}
