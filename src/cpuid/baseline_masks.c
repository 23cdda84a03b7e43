/* SPDX-License-Identifier: MIT */
/* Masks that turn each host into the baseline, as lines of a .vmx file. */
#include <inttypes.h>
#include <libvhv/mask.h>

#include "base/error.h"
#include "cpuid/baseline.h"

#define SVM_LEAF 0x8000000aU

/* Tells, above what masks have to do with it, what the hosts differ in there. */
static void print_differences(const struct vhv_baseline *baseline, const struct vhv_place *place,
                              FILE *stream)
{
    for (size_t i = 0; i < baseline->difference_count; i++) {
        const struct vhv_baseline_difference *difference = &baseline->differences[i];
        const struct vhv_capture_field *field = &difference->field;

        if (difference->change != VHV_BASELINE_IDENTITY && field->leaf == place->leaf &&
            field->subleaf == place->subleaf && field->reg == place->reg && !field->msr)
            fprintf(stream, "# %s\n", difference->text);
    }
}

static void print_mask(const struct vhv_baseline_mask *mask, FILE *stream)
{
    struct vhv_mask_key key = {
        .leaf = mask->place.leaf,
        .subleaf = mask->place.subleaf,
        .has_subleaf = mask->place.subleaf > 0 || vhv_cpuid_leaf_has_subleaves(mask->place.leaf),
        .reg = mask->place.reg,
    };
    char key_text[VHV_MASK_KEY_TEXT_BYTES], mask_text[VHV_MASK_TEXT_BYTES];
    struct vhv_mask ops = {{0}};

    for (unsigned bit = 0; bit < 32; bit++) {
        if (mask->hide >> bit & 1)
            ops.op[bit] = VHV_MASK_HIDE;
        else if (mask->force >> bit & 1)
            ops.op[bit] = VHV_MASK_FORCE;
    }
    vhv_mask_key_format(&key, key_text);
    vhv_mask_format(&ops, mask_text);
    fprintf(stream, "%s = \"%s\"\n", key_text, mask_text);
}

/* What virtualized HV has beyond CPUID. */
static void print_nesting(const struct vhv_baseline *baseline, FILE *stream)
{
    const struct vhv_baseline_difference *difference;
    bool is_first = true;

    if (baseline->nesting.vhv != VHV_YES)
        fprintf(stream, "# virtualized HV %s: %s\n",
                baseline->nesting.vhv == VHV_NO ? "does not survive" : "may not survive",
                baseline->nesting.because);
    else if (baseline->nesting.paging != VHV_YES)
        fprintf(stream, "# %s\nvhv.nestedPaging = \"FALSE\"\n", baseline->nesting.because);
    for (size_t i = 0; (difference = vhv_baseline_difference(baseline, i)); i++) {
        if (!difference->field.msr)
            continue;
        if (is_first)
            fputs("# The VMX capability MSRs differ, too, and masks do not reach them:\n", stream);
        is_first = false;
        fprintf(stream, "# %s\n", difference->text);
    }
}

int vhv_baseline_print_masks(const struct vhv_baseline *baseline, FILE *stream, bool vhv)
{
    fprintf(stream, "# What %zu host%s in common: %s\n", baseline->host_count,
            baseline->host_count == 1 ? " has" : "s have", baseline->hosts);
    for (size_t i = 0; i < baseline->mask_count; i++) {
        const struct vhv_baseline_mask *mask = &baseline->masks[i];

        if (!vhv && mask->place.leaf == SVM_LEAF)
            continue;
        print_differences(baseline, &mask->place, stream);
        print_mask(mask, stream);
    }
    if (vhv)
        print_nesting(baseline, stream);
    if (fflush(stream) || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE, "could not write masks: the stream has an error");
    return 0;
}
