/* SPDX-License-Identifier: MIT */
/*
 * QEMU's -cpu: a model, and properties that are turned on and off.
 * Source: [QEMU documentation "QEMU / KVM CPU model configuration"].
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "config/convert.h"

/* The next item behind @item; empty ones are passed over. Returns false at the end. */
static bool next_item(struct vhv_span *item, const char *end)
{
    const char *at = item->text + item->bytes;

    while (at < end && *at == ',')
        at++;
    *item = (struct vhv_span){.text = at};
    while (at < end && *at != ',')
        at++;
    item->bytes = (size_t)(at - item->text);
    return item->bytes > 0;
}

/* 1 for on, 0 for off, -1 for what is neither. */
static int boolean_of(const struct vhv_span *value)
{
    static const char *const on[] = {"on", "yes", "true", "y"};
    static const char *const off[] = {"off", "no", "false", "n"};

    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        if (vhv_span_is(value, on[i]))
            return 1;
        if (vhv_span_is(value, off[i]))
            return 0;
    }
    return -1;
}

static int import_model(struct vhv_import *import, const struct vhv_span *model)
{
    char shown[VHV_WORD_BYTES];
    int result;

    vhv_span_show(shown, model);
    if (!vhv_span_is(model, "host") && !vhv_span_is(model, "max"))
        return vhv_import_lose(import, shown, "the model has bits of its own",
                               "masks change what a guest would have, which is what KVM supports "
                               "on its host",
                               "write masks for what the guest must not see");
    result = vhv_import_host_vhv(import);
    if (result < 0)
        return result;
    return vhv_import_lose(import, shown, "the model has what KVM supports, but for a few bits",
                           "a guest here has bits that QEMU leaves out unless told, such as "
                           "INVARIANT_TSC and TOPOEXT",
                           "write masks for what the guest must not see");
}

static int lose_property(struct vhv_import *import, const struct vhv_span *name)
{
    char shown[VHV_WORD_BYTES];

    vhv_span_show(shown, name);
    return vhv_import_lose(import, shown, "the property stands for no bit of CPUID here",
                           "masks say bits alone",
                           "see whether a setting of vhv.vmx(5) does what it does");
}

static int import_number(struct vhv_import *import, const struct vhv_field_name *field,
                         const struct vhv_span *value)
{
    uint64_t number;
    int result = vhv_import_number(import, value, &number);

    if (result >= 0)
        result = vhv_import_field(import, field, number);
    if (result == -ERANGE)
        return vhv_import_fail_at(import, value->text, "found a number that is too large");
    return result;
}

static int import_feature(struct vhv_import *import, const struct vhv_span *name, uint8_t op)
{
    int result = vhv_import_feature(import, VHV_NAMER_QEMU, name, op);

    return result == 0 ? lose_property(import, name) : result;
}

/* name=value, or a name alone, which is on. Returns whether there is a value. */
static bool split(const struct vhv_span *item, struct vhv_span *name, struct vhv_span *value)
{
    const char *equals = memchr(item->text, '=', item->bytes);

    *name = *item;
    *value = (struct vhv_span){.text = "on", .bytes = 2};
    if (!equals)
        return false;
    name->bytes = (size_t)(equals - item->text);
    value->text = equals + 1;
    value->bytes = item->bytes - name->bytes - 1;
    return true;
}

static int import_property(struct vhv_import *import, const struct vhv_span *item, uint8_t on_op)
{
    struct vhv_span name, value;
    bool has_value = split(item, &name, &value);
    const struct vhv_field_name *field = vhv_field_find(VHV_NAMER_QEMU, &name);
    /* What these say goes into the operation of all others, or is for QEMU's messages. */
    bool is_about_all = vhv_span_is(&name, "enforce") || vhv_span_is(&name, "check");
    int on = boolean_of(&value);

    if (field && !has_value)
        return vhv_import_fail_at(import, item->text + item->bytes, "found no '=' and number");
    if (field)
        return import_number(import, field, &value);
    if (!is_about_all && !vhv_is_feature(VHV_NAMER_QEMU, &name))
        return lose_property(import, &name);
    if (on < 0)
        return vhv_import_fail_at(import, value.text, "found neither on nor off");
    return is_about_all ? 0 : import_feature(import, &name, on ? on_op : VHV_MASK_HIDE);
}

/* A feature that the host lacks is a message, unless QEMU is told to enforce what it was asked. */
static uint8_t op_of_on(const struct vhv_span *model, const char *end)
{
    struct vhv_span item = *model, name, value;
    uint8_t op = VHV_MASK_HOST;

    while (next_item(&item, end)) {
        split(&item, &name, &value);
        if (vhv_span_is(&name, "enforce"))
            op = boolean_of(&value) == 1 ? VHV_MASK_TRUE : VHV_MASK_HOST;
    }
    return op;
}

/* In QEMU's order: properties, then +name, then -name, which therefore win. */
static int import_items(struct vhv_import *import, const struct vhv_span *model, const char *end)
{
    static const char passes[] = {0, '+', '-'};
    uint8_t on_op = op_of_on(model, end);
    int result = 0;

    for (size_t i = 0; i < sizeof(passes); i++) {
        struct vhv_span item = *model;

        while (result >= 0 && next_item(&item, end)) {
            char sign = *item.text == '+' || *item.text == '-' ? *item.text : 0;
            struct vhv_span name = {.text = item.text + 1, .bytes = item.bytes - 1};

            if (sign != passes[i])
                continue;
            if (!sign)
                result = import_property(import, &item, on_op);
            else
                result = import_feature(import, &name, sign == '+' ? on_op : VHV_MASK_HIDE);
        }
    }
    return result;
}

int vhv_qemu_import(struct vhv_import *import)
{
    struct vhv_span text = vhv_span_trim(import->text);
    const char *end = text.text + text.bytes;
    struct vhv_span model = {.text = text.text, .bytes = strcspn(text.text, ",= \t\r\n")};
    const char *white = text.text + strcspn(text.text, " \t\r\n");
    int result;

    if (white < end)
        return vhv_import_fail_at(import, white,
                                  "found white space: this is one word, such as "
                                  "host,vmx=off");
    if (model.bytes == 0 || *model.text == '+' || *model.text == '-' ||
        (model.text + model.bytes < end && model.text[model.bytes] == '='))
        return vhv_import_fail_at(import, model.text,
                                  "found no CPU model, which comes first, such as host");
    result = import_model(import, &model);
    return result < 0 ? result : import_items(import, &model, end);
}

static void write_feature(FILE *stream, const char *name, uint8_t op)
{
    bool on = op == VHV_MASK_FORCE || op == VHV_MASK_TRUE || op == VHV_MASK_HOST;

    fprintf(stream, ",%s=%s", name, on ? "on" : "off");
}

static void write_number(FILE *stream, const char *name, uint32_t number)
{
    fprintf(stream, ",%s=%" PRIu32, name, number);
}

int vhv_qemu_export(struct vhv_export *export)
{
    static const struct vhv_name_writer writer = {
        .namer = VHV_NAMER_QEMU, .feature = write_feature, .field = write_number};

    fputs("host", export->stream);
    vhv_export_names(export, &writer);
    fputc('\n', export->stream);
    return 0;
}
