/* SPDX-License-Identifier: MIT */
/* Where the tables come from: this machine, files, and the CPUID that libvhv makes for a guest. */
#include "vhv-cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_capture(struct vhv_capture **ret, FILE *stream, const char *path, unsigned cpu)
{
    const struct vhv_capture_options options = {.size = sizeof(options), .name = path, .cpu = cpu};
    char *text = NULL;
    size_t room = 0;
    /* A capture has no NUL, so this reads all of it. */
    ssize_t bytes = getdelim(&text, &room, '\0', stream);
    int status = FINE;

    if (bytes < 0 && ferror(stream))
        status = complain("%s: %s", path, strerror(errno));
    else if (vhv_capture_parse(ret, bytes < 0 ? "" : text, bytes < 0 ? 0 : (size_t)bytes,
                               &options) < 0)
        status = failure(path);
    free(text);
    return status;
}

int load_capture(struct vhv_capture **ret, const char *path, unsigned cpu)
{
    FILE *stream;
    int status;

    if (strcmp(path, "-") == 0)
        return read_capture(ret, stdin, "standard input", cpu);
    stream = fopen(path, "re");
    if (!stream)
        return complain("%s: %s", path, strerror(errno));
    status = read_capture(ret, stream, path, cpu);
    fclose(stream);
    return status;
}

static int probe_host(struct subject *subject, const struct choice *choice)
{
    const struct vhv_host_options options = {.size = sizeof(options), .device = choice->device};

    if (vhv_host_new(&subject->host, &options) < 0)
        return failure(NULL);
    subject->processor = vhv_host_processor(subject->host);
    subject->supported = vhv_host_supported(subject->host);
    return FINE;
}

int subject_load(struct subject *subject, const struct choice *choice)
{
    int status = FINE;

    if (!choice->supported_file && !choice->processor_file)
        return probe_host(subject, choice);
    if (choice->supported_file && choice->processor_file &&
        strcmp(choice->supported_file, "-") == 0 && strcmp(choice->processor_file, "-") == 0)
        return complain("--supported and --processor cannot both be standard input");
    if (choice->supported_file)
        status = load_capture(&subject->loaded_supported, choice->supported_file, 0);
    if (status == FINE && choice->processor_file)
        status = load_capture(&subject->loaded_processor, choice->processor_file, 0);
    if (subject->loaded_supported)
        subject->supported = vhv_capture_cpuid(subject->loaded_supported);
    if (subject->loaded_processor)
        subject->processor = vhv_capture_cpuid(subject->loaded_processor);
    return status;
}

int subject_need_supported(const struct subject *subject)
{
    const struct vhv_verdict *verdict;

    if (subject->supported)
        return FINE;
    if (!subject->host)
        return complain("--processor does not tell what KVM supports: give --supported, too");
    verdict = vhv_host_verdict(subject->host);
    complain("KVM cannot be asked: %s%s%s", verdict->because, verdict->remedy[0] ? "; " : "",
             verdict->remedy);
    complain("or have 'vhv-cpuid supported --json' run where there is KVM, and give its output by "
             "--supported FILE");
    return NO_KVM;
}

/* A name that is no mask's key would be taken for one of somebody else's settings. */
static int check_mask_key(const char *line)
{
    size_t bytes = strcspn(line, " \t=");
    struct vhv_mask_key parsed;
    char key[VHV_MASK_KEY_TEXT_BYTES];

    if (snprintf(key, sizeof(key), "%.*s", (int)bytes, line) >= (int)sizeof(key))
        return complain("--mask: '%.40s...' is too long for a mask's key", line);
    return vhv_mask_key_parse(&parsed, key) < 0 ? failure("--mask") : FINE;
}

static int apply_line(struct vhv_config *config, const struct line *line)
{
    int status = line->is_mask ? check_mask_key(line->text) : FINE;

    if (status == FINE && vhv_config_set_line(config, line->text) < 0)
        status = failure(line->is_mask ? "--mask" : "--set");
    return status;
}

/* The file, and over it the command line. */
static int load_config(struct subject *subject, const struct choice *choice)
{
    int status = FINE;
    int error = choice->config_file ? vhv_config_load(&subject->config, choice->config_file)
                                    : vhv_config_new(&subject->config);

    if (error < 0)
        return failure(NULL);
    for (size_t i = 0; i < choice->line_count && status == FINE; i++)
        status = apply_line(subject->config, &choice->lines[i]);
    if (status == FINE && choice->vcpus &&
        vhv_config_set(subject->config, "numvcpus", choice->vcpus) < 0)
        status = failure("--vcpus");
    if (status == FINE && subject->host &&
        vhv_config_set_policy(subject->config, vhv_host_policy(subject->host)) < 0)
        status = failure(NULL);
    if (status != FINE)
        return status;
    if (choice->vcpu >= vhv_config_vcpus(subject->config))
        return complain("--vcpu: there is no vCPU %lu: the guest has %u, from 0 on", choice->vcpu,
                        vhv_config_vcpus(subject->config));
    return FINE;
}

static int compute_guest(struct subject *subject, const struct choice *choice)
{
    struct vhv_guest_cpuid_options options = {
        .size = sizeof(options),
        .processor = subject->processor,
        .vcpu_id = vhv_config_vcpu_id(subject->config, (uint32_t)choice->vcpu),
        .vcpu_count = vhv_config_vcpus(subject->config),
        .kernel_lapic = !choice->no_irqchip,
        .tsc_deadline = true, /* as every KVM has that serves libvhv; a table does not tell */
    };

    if (subject->host)
        vhv_host_cpuid(subject->host, &options);
    vhv_config_cpuid(subject->config, &options);
    if (vhv_guest_cpuid_new(&subject->computed, subject->supported, &options) < 0)
        return failure(NULL);
    subject->guest = subject->computed;
    return FINE;
}

/* Its memory has no part in its CPUID, and may be more than there is. */
static int prepare_config(struct vhv_config *config)
{
    char vcpus[16];

    vhv_config_remove(config, "memsize");
    snprintf(vcpus, sizeof(vcpus), "%u", vhv_config_vcpus(config));
    return vhv_config_set(config, "numvcpus", vcpus);
}

/* Findings do not keep the guest from being made: they are told. */
static int make_vm(struct subject *subject, const struct choice *choice)
{
    struct vhv_vm_options options = {
        .size = sizeof(options),
        .config = subject->config,
        .irqchip = choice->no_irqchip ? VHV_IRQCHIP_NONE : VHV_IRQCHIP_KERNEL,
        .report_only = true,
        .measure = choice->measure,
    };

    if (prepare_config(subject->config) < 0 ||
        vhv_vm_new(&subject->vm, subject->host, &options) < 0 || vhv_vm_power_on(subject->vm) < 0)
        return failure(choice->measure ? "--measure" : "--kvm");
    subject->guest = vhv_vcpu_guest_cpuid(vhv_vm_vcpu(subject->vm, choice->vcpu));
    return FINE;
}

int subject_make_guest(struct subject *subject, const struct choice *choice)
{
    int status = load_config(subject, choice);

    if (status == FINE)
        status = choice->with_kvm ? make_vm(subject, choice) : compute_guest(subject, choice);
    if (status != FINE)
        return status;
    tell_warnings(subject);
    return tell_findings(subject);
}

void subject_end(struct subject *subject)
{
    vhv_vm_free(subject->vm);
    vhv_guest_cpuid_free(subject->computed);
    vhv_config_free(subject->config);
    vhv_host_free(subject->host);
    vhv_capture_free(subject->loaded_supported);
    vhv_capture_free(subject->loaded_processor);
}
