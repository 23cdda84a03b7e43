/* SPDX-License-Identifier: MIT */
/* What can be told about the host without asking KVM. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/probe.h"

/* [SDM "IA32_FEATURE_CONTROL MSR"], [APM2 "VM_CR MSR"] */
enum {
    MSR_FEATURE_CONTROL = 0x3a,
    FEATURE_CONTROL_LOCKED = 1 << 0,
    FEATURE_CONTROL_VMX = 1 << 2, /* outside SMX */
    VM_CR_SVMDIS = 1 << 4
};
#define MSR_VM_CR 0xc0010114

static bool has_bit(const struct vhv_cpuid *table, uint32_t leaf, unsigned bit)
{
    return vhv_cpuid_get(table, leaf, 0, VHV_ECX) >> bit & 1;
}

bool vhv_host_shows_virtualization(const struct vhv_cpuid *table, enum vhv_vendor vendor)
{
    bool vmx = has_bit(table, 1, 5), svm = has_bit(table, 0x80000001, 2);

    switch (vendor) {
    case VHV_VENDOR_INTEL:
        return vmx;
    case VHV_VENDOR_AMD:
        return svm;
    default:
        return vmx || svm;
    }
}

/* The hypervisor below may show anything as its name. */
static void read_hypervisor(struct vhv_host_facts *facts, const struct vhv_cpuid *processor)
{
    uint32_t name[3];

    if (!has_bit(processor, 1, 31))
        return;
    for (int i = 0; i < 3; i++)
        name[i] = vhv_cpuid_get(processor, 0x40000000, 0, VHV_EBX + i);
    memcpy(facts->hypervisor, name, sizeof(name));
    for (char *c = facts->hypervisor; *c; c++) {
        if (!isascii(*c) || !isprint(*c))
            *c = '?';
    }
    if (!facts->hypervisor[0])
        strcpy(facts->hypervisor, "unnamed");
}

/* KVM shows others' interfaces first, if it is told to: its own is then in a later range of leaves.
 * QEMU's TCG is an emulator. */
bool vhv_host_is_under_foreign_hypervisor(const struct vhv_host *host)
{
    static const char kvm[12] = "KVMKVMKVM", emulator[12] = "TCGTCGTCGTCG";
    const struct vhv_cpuid *processor = host->processor;
    uint32_t name[3];

    if (!has_bit(processor, 1, 31))
        return false;
    for (uint32_t leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
        for (int i = 0; i < 3; i++)
            name[i] = vhv_cpuid_get(processor, leaf, 0, VHV_EBX + i);
        if (memcmp(name, kvm, sizeof(name)) == 0 || memcmp(name, emulator, sizeof(name)) == 0)
            return false;
    }
    return true;
}

static enum vhv_answer directory_exists(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) ? VHV_YES : VHV_NO;
    return errno == ENOENT ? VHV_NO : VHV_UNKNOWN;
}

static enum vhv_answer module_loaded(const char *sysfs, const char *module)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/module", sysfs);
    if (directory_exists(path) != VHV_YES)
        return VHV_UNKNOWN;
    snprintf(path, sizeof(path), "%s/module/%s", sysfs, module);
    return directory_exists(path);
}

static enum vhv_answer module_parameter(const char *sysfs, const char *module,
                                        const char *parameter)
{
    char path[PATH_MAX];
    FILE *file;
    int value;

    snprintf(path, sizeof(path), "%s/module/%s/parameters/%s", sysfs, module, parameter);
    file = fopen(path, "re");
    if (!file)
        return VHV_UNKNOWN;
    value = getc(file);
    fclose(file);
    if (value == 'Y' || value == '1')
        return VHV_YES;
    return value == 'N' || value == '0' ? VHV_NO : VHV_UNKNOWN;
}

static void read_backend(struct vhv_host_facts *facts, const char *sysfs)
{
    char path[PATH_MAX];
    DIR *directory;
    struct dirent *entry;

    snprintf(path, sizeof(path), "%s/module", sysfs);
    directory = opendir(path);
    if (!directory)
        return;
    while ((entry = readdir(directory))) {
        if (strncmp(entry->d_name, "kvm_", 4) == 0 && strcmp(entry->d_name, "kvm_intel") != 0 &&
            strcmp(entry->d_name, "kvm_amd") != 0 &&
            strlen(entry->d_name) < sizeof(facts->backend)) {
            strcpy(facts->backend, entry->d_name);
            break;
        }
    }
    closedir(directory);
}

static void read_modules(struct vhv_host_facts *facts, const char *sysfs)
{
    bool intel = facts->vendor == VHV_VENDOR_INTEL;

    read_backend(facts, sysfs);
    if (facts->vendor == VHV_VENDOR_ANY)
        return;
    strcpy(facts->module, intel ? "kvm_intel" : "kvm_amd");
    facts->module_loaded = module_loaded(sysfs, facts->module);
    facts->module_nested = module_parameter(sysfs, facts->module, "nested");
    facts->slat = module_parameter(sysfs, facts->module, intel ? "ept" : "npt");
}

static bool read_msr(const char *path, off_t index, uint64_t *value)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes;

    if (fd < 0)
        return false;
    bytes = pread(fd, value, sizeof(*value), index);
    close(fd);
    return bytes == sizeof(*value);
}

/* Whether the kernel uses the feature: it takes the flag away when the firmware has it off. */
static enum vhv_answer cpuinfo_has(const char *path, const char *flag)
{
    enum vhv_answer answer = VHV_UNKNOWN;
    size_t room = 0;
    char *line = NULL, *rest, *word;
    FILE *file = fopen(path, "re");

    if (!file)
        return VHV_UNKNOWN;
    while (answer == VHV_UNKNOWN && getline(&line, &room, file) >= 0) {
        if (strncmp(line, "flags", 5) != 0)
            continue;
        answer = VHV_NO;
        for (word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
            if (strcmp(word, flag) == 0)
                answer = VHV_YES;
        }
    }
    free(line);
    fclose(file);
    return answer;
}

static enum vhv_answer firmware_off(enum vhv_vendor vendor, const struct vhv_host_paths *paths)
{
    const uint64_t on = FEATURE_CONTROL_VMX, locked = FEATURE_CONTROL_LOCKED;
    uint64_t value;

    if (vendor == VHV_VENDOR_INTEL && read_msr(paths->msr, MSR_FEATURE_CONTROL, &value))
        return (value & (locked | on)) == locked ? VHV_YES : VHV_NO;
    if (vendor == VHV_VENDOR_AMD && read_msr(paths->msr, MSR_VM_CR, &value))
        return value & VM_CR_SVMDIS ? VHV_YES : VHV_NO;
    /* Older kernels show svm whatever the firmware says: that it is there proves nothing. */
    switch (cpuinfo_has(paths->cpuinfo, vendor == VHV_VENDOR_INTEL ? "vmx" : "svm")) {
    case VHV_NO:
        return VHV_YES;
    case VHV_YES:
        return vendor == VHV_VENDOR_INTEL ? VHV_NO : VHV_UNKNOWN;
    default:
        return VHV_UNKNOWN;
    }
}

void vhv_host_probe_system(struct vhv_host *host, const struct vhv_host_paths *paths)
{
    struct vhv_host_facts *facts = &host->facts;
    struct utsname name;

    facts->vendor = vhv_cpuid_vendor(host->processor);
    facts->cpu_has =
        vhv_host_shows_virtualization(host->processor, facts->vendor) ? VHV_YES : VHV_NO;
    read_hypervisor(facts, host->processor);
    read_modules(facts, paths->sysfs);
    if (facts->cpu_has == VHV_YES && facts->vendor != VHV_VENDOR_ANY)
        facts->firmware_off = firmware_off(facts->vendor, paths);
    if (uname(&name) == 0)
        snprintf(facts->kernel, sizeof(facts->kernel), "%s", name.release);
}
