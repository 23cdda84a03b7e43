/* SPDX-License-Identifier: MIT */
#include "payload.h"

void payload_load(struct machine *machine, const struct guest_parameters *parameters)
{
    struct vhv_memory *memory = vhv_vm_memory(machine->vm);

    assert_ok(vhv_memory_write(memory, GUEST_LOAD_GPA, guest_image, guest_image_bytes()));
    assert_ok(vhv_memory_write(memory, GUEST_PARAMETERS_GPA, parameters, sizeof(*parameters)));
    assert_ok(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_FLAT32, GUEST_LOAD_GPA, 0));
}

void payload_start(struct machine *machine, const struct guest_parameters *parameters)
{
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_vm_power_on(machine->vm));
    payload_load(machine, parameters);
}

static void note(struct recording *recording, int kind, bool is_inner, uint64_t value)
{
    assert_true(recording->count < sizeof(recording->events) / sizeof(recording->events[0]));
    recording->events[recording->count++] = (struct event){
        .kind = kind,
        .is_inner = is_inner,
        .tag = kind == EVENT_REPORT ? recording->tag : 0,
        .value = value,
    };
}

static void take_access(struct recording *recording, bool is_inner, const struct vhv_exit *exit)
{
    uint32_t *data = exit->io.data;

    assert_int_equal(exit->io.bytes, 4);
    switch (exit->io.port) {
    case GUEST_PORT_TAG:
        recording->tag = *data;
        break;
    case GUEST_PORT_VALUE_LOW:
        recording->value_low = *data;
        break;
    case GUEST_PORT_VALUE_HIGH:
        note(recording, EVENT_REPORT, is_inner, (uint64_t)*data << 32 | recording->value_low);
        break;
    case GUEST_PORT_END:
        recording->status = *data;
        recording->ended = true;
        break;
    case GUEST_PORT_INNER:
        if (!exit->io.is_write)
            *data = PAYLOAD_ANSWER;
        note(recording, exit->io.is_write ? EVENT_OUT : EVENT_IN, is_inner, *data);
        break;
    case GUEST_PORT_BENCH:
        recording->bench_accesses++;
        break;
    default:
        fail_msg("access to port %#x", exit->io.port);
    }
}

void payload_step(struct machine *machine, struct recording *recording)
{
    size_t before = recording->count;
    struct vhv_exit exit;
    int nested;

    while (recording->count == before && !recording->ended) {
        assert_ok(vhv_vcpu_run(machine->vcpu, &exit));
        if (exit.reason != VHV_EXIT_IO)
            fail_msg("exit is \"%s\" (%u)", vhv_exit_reason_name(exit.reason), exit.kvm_reason);
        assert_ok(nested = vhv_vcpu_is_nested(machine->vcpu));
        take_access(recording, nested, &exit);
    }
}

void payload_run(struct machine *machine, struct recording *recording)
{
    while (!recording->ended)
        payload_step(machine, recording);
}

void payload_expect_status(const struct recording *recording, enum guest_status status)
{
    if (recording->status == status)
        return;
    for (size_t i = 0; i < recording->count; i++)
        print_message("# %s: %#x = %#llx\n",
                      recording->events[i].is_inner ? "inner guest" : "guest hypervisor",
                      recording->events[i].tag, (unsigned long long)recording->events[i].value);
    fail_msg("the guest ended with status %d, not %d", recording->status, status);
}

void payload_run_until(struct machine *machine, struct recording *recording, int kind, uint32_t tag)
{
    const struct event *last;

    do {
        payload_step(machine, recording);
        if (recording->ended)
            fail_msg("the guest ended with status %d", recording->status);
        last = &recording->events[recording->count - 1];
    } while ((int)last->kind != kind || last->tag != tag);
}

static const struct event *find_report(const struct recording *recording, uint32_t tag)
{
    for (size_t i = 0; i < recording->count; i++) {
        if (recording->events[i].kind == EVENT_REPORT && recording->events[i].tag == tag)
            return &recording->events[i];
    }
    return NULL;
}

const struct event *payload_report(const struct recording *recording, uint32_t tag)
{
    const struct event *event = find_report(recording, tag);

    if (!event)
        fail_msg("the guest has not reported %#x", tag);
    return event;
}

bool payload_has_report(const struct recording *recording, uint32_t tag)
{
    return find_report(recording, tag);
}

void payload_parameters(struct machine *machine, struct guest_parameters *parameters)
{
    assert_ok(vhv_memory_read(vhv_vm_memory(machine->vm), GUEST_PARAMETERS_GPA, parameters,
                              sizeof(*parameters)));
}
