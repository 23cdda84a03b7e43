/* SPDX-License-Identifier: MIT */
/* What is legal and probably not meant: masks and misspelt names. */
#include <stdio.h>
#include <string.h>

#include "config/lint.h"
#include "config/masks.h"
#include "config/settings.h"
#include "cpuid/guest.h"
#include "cpuid/mask_text.h"

/* Names that differ in at most this many characters look like slips of the same name. */
enum { SLIPS = 2, MAX_NAME_BYTES = 40 };

enum { VMX_BIT = 5 };

int vhv_lint_warn(struct vhv_lint *lint, const char *what, const char *why, const char *remedy)
{
    const struct vhv_config_warning warning = {
        .origin = vhv_config_origin(lint->layer, lint->line),
        .what = what,
        .why = why,
        .remedy = remedy,
    };

    lint->count++;
    return lint->warning(&warning, lint->cookie);
}

static int lint_install(struct vhv_lint *lint, const struct vhv_cpuid_request *request)
{
    char what[48];
    int bit = 31;

    while (bit >= 0 && request->mask.op[bit] != VHV_MASK_INSTALL)
        bit--;
    if (bit < 0)
        return 0;
    snprintf(what, sizeof(what), "bit %d is 'i'", bit);
    return vhv_lint_warn(lint, what, "what 'i' means was never published; it is taken as '-'",
                         "write '-', or the character for what the guest is to see");
}

static bool decides_only(const struct vhv_mask *mask, int bit)
{
    for (int i = 0; i < 32; i++) {
        if (i != bit && vhv_mask_op_decides(mask->op[i]))
            return false;
    }
    return vhv_mask_op_decides(mask->op[bit]);
}

static int lint_vmx(struct vhv_lint *lint, const struct vhv_cpuid_request *request)
{
    if (request->key.leaf != 1 || request->key.reg != VHV_ECX ||
        !decides_only(&request->mask, VMX_BIT) || request->mask.op[VMX_BIT] != VHV_MASK_HIDE)
        return 0;
    return vhv_lint_warn(
        lint, "the mask clears VMX (bit 5), not the hypervisor bit (bit 31)",
        "lines like it are published to hide the hypervisor, which the guest still finds; "
        "VMX is off anyway unless it is asked for",
        "to hide the hypervisor set hypervisor.cpuid.v0 = \"FALSE\"; bit 31 is the mask's "
        "leftmost character");
}

static int lint_fixed(struct vhv_lint *lint, const struct vhv_cpuid_request *request)
{
    const struct vhv_mask_key *key = &request->key;
    const struct vhv_guest_fixed *fixed = NULL;
    char what[64];
    int bit, low, high;

    for (bit = 31; bit >= 0 && !fixed; bit--) {
        if (vhv_mask_op_decides(request->mask.op[bit]))
            fixed = vhv_guest_fixed(key->leaf, key->subleaf, key->reg, 1u << bit);
    }
    if (!fixed)
        return 0;
    low = __builtin_ctz(fixed->field.bits);
    high = 31 - __builtin_clz(fixed->field.bits);
    if (low == high)
        snprintf(what, sizeof(what), "the mask does not reach bit %d", low);
    else
        snprintf(what, sizeof(what), "the mask does not reach bits %d to %d", high, low);
    return vhv_lint_warn(lint, what, fixed->text, "write '-' there");
}

static int lint_mask(struct vhv_lint *lint)
{
    static int (*const checks[])(struct vhv_lint *, const struct vhv_cpuid_request *) = {
        lint_install, lint_vmx, lint_fixed};
    struct vhv_cpuid_request request = {0};
    int result = 0;

    vhv_mask_key_parse(&request.key, lint->line->key);
    vhv_mask_parse(&request.mask, lint->line->value);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && result == 0; i++)
        result = checks[i](lint, &request);
    return result;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* How many characters have to be put in, taken out or replaced to make one name of the other. */
static unsigned slips_between(const char *a, const char *b)
{
    unsigned row[MAX_NAME_BYTES + 1];
    size_t b_bytes = strlen(b);

    if (strlen(a) > MAX_NAME_BYTES || b_bytes > MAX_NAME_BYTES)
        return UINT32_MAX;
    for (unsigned j = 0; j <= b_bytes; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0]++;

        for (size_t j = 0; j < b_bytes; j++) {
            unsigned replaced = diagonal + (vhv_ascii_lower(a[i]) != vhv_ascii_lower(b[j]));

            diagonal = row[j + 1];
            row[j + 1] = least(replaced, row[j] + 1, diagonal + 1);
        }
    }
    return row[b_bytes];
}

static int lint_unknown_name(struct vhv_lint *lint)
{
    const char *name, *like = NULL;
    unsigned least_slips = SLIPS + 1;
    char remedy[64];

    for (size_t i = 0; (name = vhv_setting_name(i)); i++) {
        unsigned slips = slips_between(lint->line->key, name);

        if (slips == 0)
            return 0;
        if (slips < least_slips) {
            least_slips = slips;
            like = name;
        }
    }
    if (!like)
        return 0;
    snprintf(remedy, sizeof(remedy), "if %s is meant, write that", like);
    return vhv_lint_warn(lint, "no setting has this name",
                         "names that are not known have no effect", remedy);
}

static int lint_item(struct vhv_lint *lint)
{
    int result;

    if (vhv_is_mask_key(lint->line->key))
        return lint_mask(lint);
    result = vhv_lint_setting(lint);
    return result ? result : lint_unknown_name(lint);
}

static int lint_layer(struct vhv_lint *lint, const struct vhv_config *layer)
{
    int result = layer->policy ? lint_layer(lint, layer->policy) : 0;

    lint->layer = layer;
    for (size_t i = 0; i < layer->dictionary.item_count && result == 0; i++) {
        lint->line = layer->dictionary.items[i];
        result = lint_item(lint);
    }
    return result;
}

int vhv_config_lint(const struct vhv_config *config, vhv_config_warning_fn warning, void *cookie)
{
    struct vhv_lint lint = {.config = config, .warning = warning, .cookie = cookie};
    int result = lint_layer(&lint, config);

    return result ? result : lint.count;
}
