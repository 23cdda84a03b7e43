/* SPDX-License-Identifier: MIT */
/* Facts and verdict for people and for programs, from one list of fields. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "host/host.h"

enum kind { ANSWER, NUMBER, TEXT, VENDOR };

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
};

#define FACT(kind, name)                                   \
    {                                                      \
#name, kind, offsetof(struct vhv_host_facts, name) \
    }
static const struct field fact_fields[] = {
    FACT(ANSWER, device),       FACT(ANSWER, permission),    FACT(NUMBER, open_errno),
    FACT(NUMBER, api_version),  FACT(VENDOR, vendor),        FACT(ANSWER, cpu_has),
    FACT(ANSWER, firmware_off), FACT(ANSWER, kvm_offers),    FACT(ANSWER, nested_state),
    FACT(ANSWER, feature_msrs), FACT(ANSWER, module_loaded), FACT(ANSWER, module_nested),
    FACT(ANSWER, slat),         FACT(ANSWER, guest_slat),    FACT(TEXT, module),
    FACT(TEXT, backend),        FACT(TEXT, hypervisor),      FACT(TEXT, kernel),
    FACT(TEXT, failed_probe),
};

enum { FACTS = sizeof(fact_fields) / sizeof(fact_fields[0]) };

static const char *word(const struct field *field, const void *value)
{
    static const char *const answers[] = {
        [VHV_UNKNOWN] = "unknown", [VHV_NO] = "no", [VHV_YES] = "yes"};
    static const char *const vendors[] = {
        [VHV_VENDOR_ANY] = "unknown", [VHV_VENDOR_AMD] = "amd", [VHV_VENDOR_INTEL] = "intel"};

    switch (field->kind) {
    case ANSWER:
        return answers[*(const enum vhv_answer *)value];
    case VENDOR:
        return vendors[*(const enum vhv_vendor *)value];
    default:
        return value;
    }
}

static const void *value_of(const struct field *field, const struct vhv_host_facts *facts)
{
    return (const char *)facts + field->offset;
}

static void print_line(FILE *stream, const char *name, const char *text)
{
    if (text[0])
        fprintf(stream, "%-14s %s\n", name, text);
}

static void print_text(FILE *stream, const struct vhv_host_facts *facts,
                       const struct vhv_verdict *verdict)
{
    print_line(stream, "nesting", vhv_nesting_name(verdict->nesting));
    print_line(stream, "because", verdict->because);
    print_line(stream, "remedy", verdict->remedy);
    print_line(stream, "notes", verdict->notes);
    for (size_t i = 0; i < FACTS; i++) {
        const struct field *field = &fact_fields[i];
        const void *value = value_of(field, facts);

        if (field->kind == NUMBER)
            fprintf(stream, "%-14s %d\n", field->name, *(const int *)value);
        else
            print_line(stream, field->name, word(field, value));
    }
}

/* These are false only for want of memory; cJSON then takes NULL for an object. */
static bool add_facts(cJSON *object, const struct vhv_host_facts *facts)
{
    for (size_t i = 0; i < FACTS; i++) {
        const struct field *field = &fact_fields[i];
        const void *value = value_of(field, facts);
        const cJSON *added = field->kind == NUMBER
                                 ? cJSON_AddNumberToObject(object, field->name, *(const int *)value)
                                 : cJSON_AddStringToObject(object, field->name, word(field, value));

        if (!added)
            return false;
    }
    return true;
}

static bool add_verdict(cJSON *object, const struct vhv_verdict *verdict)
{
    return cJSON_AddBoolToObject(object, "can_nest", verdict->nesting == VHV_NESTING_YES) &&
           cJSON_AddStringToObject(object, "nesting", vhv_nesting_name(verdict->nesting)) &&
           cJSON_AddStringToObject(object, "because", verdict->because) &&
           cJSON_AddStringToObject(object, "remedy", verdict->remedy) &&
           cJSON_AddStringToObject(object, "notes", verdict->notes);
}

static char *make_json(const struct vhv_host_facts *facts, const struct vhv_verdict *verdict)
{
    cJSON *root = cJSON_CreateObject();
    char *text = NULL;

    if (root && add_verdict(root, verdict) &&
        add_facts(cJSON_AddObjectToObject(root, "facts"), facts))
        text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}

int vhv_host_print(const struct vhv_host *host, FILE *stream, bool json)
{
    const struct vhv_host_facts *facts = vhv_host_facts(host);
    const struct vhv_verdict *verdict = vhv_host_verdict(host);

    if (json) {
        char *text = make_json(facts, verdict);

        if (!text)
            return vhv_fail(ENOMEM, VHV_CAUSE_NONE, "out of memory while making JSON");
        fprintf(stream, "%s\n", text);
        cJSON_free(text);
    } else {
        print_text(stream, facts, verdict);
    }
    if (fflush(stream) != 0 || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE, "could not write the host's facts");
    return 0;
}
