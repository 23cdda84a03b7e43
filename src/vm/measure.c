/* SPDX-License-Identifier: MIT */
/*
 * What a guest really reads by CPUID: a VM with the same CPUID and little else runs a guest of a
 * few instructions (measure_guest.S), which answers questions in its memory.
 */
#include <libvhv/measure.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "config/config.h"
#include "cpuid/survey.h"
#include "vm/measure_guest.h"
#include "vm/vm.h"

_Static_assert(sizeof(struct vhv_cpuid_question) == MEASURE_QUESTION_BYTES &&
                   offsetof(struct vhv_cpuid_question, leaf) == MEASURE_QUESTION_LEAF &&
                   offsetof(struct vhv_cpuid_question, subleaf) == MEASURE_QUESTION_SUBLEAF &&
                   offsetof(struct vhv_cpuid_question, reg[VHV_EAX]) == MEASURE_QUESTION_EAX &&
                   offsetof(struct vhv_cpuid_question, reg[VHV_EBX]) == MEASURE_QUESTION_EBX &&
                   offsetof(struct vhv_cpuid_question, reg[VHV_ECX]) == MEASURE_QUESTION_ECX &&
                   offsetof(struct vhv_cpuid_question, reg[VHV_EDX]) == MEASURE_QUESTION_EDX,
               "the guest has another struct");

/* More than the questions on any table take up. */
enum { MEMORY_BYTES = 1 << 20 };

/* KVM_RUN may be interrupted by signals that are none of ours; a guest that needs more is lost. */
enum { MOST_RUNS = 1000 };

/* Of what a VM is made of, what its CPUID depends on. */
struct model {
    const struct vhv_host *host;
    const struct vhv_config *config; /* NULL: an empty one */
    enum vhv_irqchip irqchip;
    size_t vcpu_count;
    uint32_t vcpu_ids[VHV_VM_MAX_VCPUS];
};

/* The configuration's memory has no part in it, and may be more than there is. */
static int copy_config(struct vhv_config **ret, const struct vhv_config *from)
{
    int result = from ? vhv_config_copy(ret, from) : vhv_config_new(ret);

    if (result >= 0) {
        vhv_config_remove(*ret, "memsize");
        vhv_config_remove(*ret, "numvcpus");
    }
    return result;
}

/* What is not as it was asked for is to be seen in a guest, too: it is only reported. */
static int make_empty(struct vhv_vm **ret, const struct model *model)
{
    struct vhv_vm_options options = {
        .size = sizeof(options), .irqchip = model->irqchip, .report_only = true};
    struct vhv_config *config;
    int result = copy_config(&config, model->config);

    if (result < 0)
        return result;
    options.config = config;
    result = vhv_vm_new(ret, model->host, &options);
    vhv_config_free(config);
    return result;
}

static int complete(struct vhv_vm *vm, const struct model *model)
{
    struct vhv_memory *memory = vhv_vm_memory(vm);
    struct vhv_vcpu *vcpu;
    int result = vhv_memory_add(memory, 0, MEMORY_BYTES, NULL);

    if (result >= 0)
        result = vhv_memory_write(memory, MEASURE_CODE_GPA, vhv_measure_guest,
                                  (uint64_t)(vhv_measure_guest_end - vhv_measure_guest));
    for (size_t i = 0; i < model->vcpu_count && result >= 0; i++)
        result = vhv_vcpu_new(&vcpu, vm, model->vcpu_ids[i]);
    return result < 0 ? result : vhv_vm_power_on(vm);
}

static int make_like(struct vhv_vm **ret, const struct model *model)
{
    struct vhv_vm *vm;
    int result = make_empty(&vm, model);

    if (result < 0)
        return result;
    result = complete(vm, model);
    if (result < 0)
        vhv_vm_free(vm);
    else
        *ret = vm;
    return result;
}

static int check_end(const struct vhv_vcpu *vcpu)
{
    const struct kvm_run *run = vcpu->run;

    if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT &&
        run->io.port == MEASURE_PORT && run->io.size == 1 && run->io.count == 1 &&
        ((const uint8_t *)run)[run->io.data_offset] == MEASURE_DONE)
        return 0;
    return vhv_fail(EIO, VHV_CAUSE_KVM,
                    "vCPU %u: a guest that only executes CPUID ended with KVM's exit %u", vcpu->id,
                    run->exit_reason);
}

/* Nobody else knows of this vCPU, so nobody kicks it, and the thread's signals stay as they are. */
static int run_to_end(const struct vhv_vcpu *vcpu)
{
    int result = -EINTR;

    for (int runs = 0; runs < MOST_RUNS && result == -EINTR; runs++)
        result = vhv_kvm_run(vcpu->fd);
    if (result < 0)
        return vhv_fail(-result, VHV_CAUSE_KVM,
                        "vCPU %u: KVM_RUN of a guest that only executes CPUID: %s", vcpu->id,
                        strerrordesc_np(-result));
    return check_end(vcpu);
}

static int answer(struct vhv_vcpu *vcpu, struct vhv_cpuid_question *questions, size_t count)
{
    struct vhv_memory *memory = vhv_vm_memory(vcpu->vm);
    size_t bytes = count * sizeof(questions[0]);
    int result;

    result = vhv_memory_write_le(memory, MEASURE_COUNT_GPA, 4, count);
    if (result >= 0)
        result = vhv_memory_write(memory, MEASURE_QUESTIONS_GPA, questions, bytes);
    if (result >= 0)
        result = vhv_vcpu_set_entry(vcpu, VHV_CPU_FLAT32, MEASURE_CODE_GPA, 0);
    if (result >= 0)
        result = run_to_end(vcpu);
    if (result >= 0)
        result = vhv_memory_read(memory, MEASURE_QUESTIONS_GPA, questions, bytes);
    return result;
}

static int measure(struct vhv_cpuid **ret, struct vhv_vcpu *vcpu)
{
    const struct vhv_cpuid *table = vhv_guest_cpuid_table(vcpu->cpuid);
    struct vhv_cpuid_question *questions;
    int count = vhv_cpuid_survey(&questions, table);
    int result;

    if (count < 0)
        return count;
    result = answer(vcpu, questions, (size_t)count);
    if (result >= 0)
        result = vhv_cpuid_from_answers(ret, table, questions, (size_t)count);
    free(questions);
    return result;
}

int vhv_vm_measure(struct vhv_vm *vm)
{
    struct model model = {
        .host = vm->host,
        .config = vm->config,
        .irqchip = vm->irqchip,
        .vcpu_count = vm->vcpu_count,
    };
    struct vhv_cpuid *measured;
    struct vhv_vm *like;
    int result;

    for (size_t i = 0; i < vm->vcpu_count; i++)
        model.vcpu_ids[i] = vm->vcpus[i]->id;
    result = make_like(&like, &model);
    if (result < 0)
        return vhv_fail_within(result, "a VM that measures");
    for (size_t i = 0; i < vm->vcpu_count && result >= 0; i++) {
        result = measure(&measured, like->vcpus[i]);
        if (result < 0)
            break;
        result = vhv_guest_cpuid_measured(vm->vcpus[i]->cpuid, measured);
        vhv_cpuid_free(measured);
    }
    vhv_vm_free(like);
    return result < 0 ? result : 0;
}

int vhv_cpuid_measure(struct vhv_cpuid **ret, const struct vhv_host *host,
                      const struct vhv_vm_options *given, uint32_t vcpu_id)
{
    struct vhv_vm_options options;
    struct model model = {.host = host, .vcpu_count = 1};
    struct vhv_vm *like;
    int result = vhv_options_read(&options, sizeof(options), given, "vhv_vm_options");

    if (result < 0)
        return result;
    model.config = options.config;
    model.irqchip = options.irqchip;
    if (options.config)
        model.vcpu_count = vhv_config_vcpus(options.config);
    if (vcpu_id >= model.vcpu_count)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "there is no vCPU %u: there are %zu, from 0 on",
                        vcpu_id, model.vcpu_count);
    for (uint32_t i = 0; i < model.vcpu_count; i++)
        model.vcpu_ids[i] = options.config ? vhv_config_vcpu_id(options.config, i) : i;
    result = make_like(&like, &model);
    if (result < 0)
        return result;
    result = measure(ret, like->vcpus[vcpu_id]);
    vhv_vm_free(like);
    return result;
}
