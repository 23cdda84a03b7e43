/* SPDX-License-Identifier: MIT */
/* Running the nested guest of tests/guest in a test's machine. */
#ifndef VHV_TESTS_PAYLOAD_H
#define VHV_TESTS_PAYLOAD_H

#include "image.h"
#include "machine.h"

/* What the guest did that a program sees, in its order. */
struct event {
    enum { EVENT_REPORT, EVENT_OUT, EVENT_IN } kind; /* the last two: of GUEST_PORT_INNER */
    bool is_inner;
    uint32_t tag;
    uint64_t value;
};

struct recording {
    struct event events[64];
    size_t count;
    bool ended;
    enum guest_status status;
    unsigned bench_accesses; /* to GUEST_PORT_BENCH */
    uint32_t tag, value_low; /* of a report that is not complete yet */
};

/* What GUEST_PORT_INNER is answered. */
#define PAYLOAD_ANSWER 0x5ea1ed00

/* machine_make() with the RAM that the guest needs, power-on, load, entry. */
void payload_start(struct machine *machine, const struct guest_parameters *parameters);
/* The last two for a machine that is powered on. */
void payload_load(struct machine *machine, const struct guest_parameters *parameters);

/* Runs until the next event or the guest's end. */
void payload_step(struct machine *machine, struct recording *recording);
/* Runs until the guest's end. */
void payload_run(struct machine *machine, struct recording *recording);
/* The guest has ended with a status; if not, what it did is told. */
void payload_expect_status(const struct recording *recording, enum guest_status status);
/* Runs until the event that is told, which must come. */
void payload_run_until(struct machine *machine, struct recording *recording, int kind,
                       uint32_t tag);

/* The first report of a tag; fails the test if there is none. */
const struct event *payload_report(const struct recording *recording, uint32_t tag);
bool payload_has_report(const struct recording *recording, uint32_t tag);

/* Reads back what the guest has filled in. */
void payload_parameters(struct machine *machine, struct guest_parameters *parameters);

#endif
