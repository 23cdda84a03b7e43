/* SPDX-License-Identifier: MIT */
/* Bits that were decided one after the other become masks. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "config/config.h"
#include "config/convert.h"
#include "config/masks.h"
#include "cpuid/mask_text.h"

enum { FIRST_CAPACITY = 32 };

static int reserve(struct vhv_import *import)
{
    size_t capacity = import->capacity ? 2 * import->capacity : FIRST_CAPACITY, bytes;
    struct vhv_import_entry *grown;

    if (import->count < import->capacity)
        return 0;
    if (vhv_multiply_overflows(capacity, sizeof(*grown), &bytes))
        return vhv_fail_memory(SIZE_MAX);
    grown = realloc(import->bits, bytes);
    if (!grown)
        return vhv_fail_memory(bytes);
    import->bits = grown;
    import->capacity = capacity;
    return 0;
}

int vhv_import_mask(struct vhv_import *import, const struct vhv_mask_key *key,
                    const struct vhv_mask *mask)
{
    struct vhv_import_entry *bits;
    int result = reserve(import);

    if (result < 0)
        return result;
    bits = &import->bits[import->count];
    *bits = (struct vhv_import_entry){.key = *key, .mask = *mask, .order = import->count++};
    bits->key.has_subleaf = key->subleaf > 0 || vhv_cpuid_leaf_has_subleaves(key->leaf);
    return 0;
}

int vhv_import_bits(struct vhv_import *import, const struct vhv_mask_key *key, uint32_t bits,
                    uint8_t op)
{
    struct vhv_mask mask = {{0}};

    for (int bit = 0; bit < 32; bit++) {
        if (bits >> bit & 1)
            mask.op[bit] = op;
    }
    return vhv_import_mask(import, key, &mask);
}

int vhv_import_host_vhv(struct vhv_import *import)
{
    int result = vhv_import_bits(import, &vhv_convert_vmx, VHV_CONVERT_VMX_BIT, VHV_MASK_HOST);

    if (result < 0)
        return result;
    return vhv_import_bits(import, &vhv_convert_svm, VHV_CONVERT_SVM_BIT, VHV_MASK_HOST);
}

int vhv_import_lose(struct vhv_import *import, const char *word, const char *what, const char *why,
                    const char *remedy)
{
    const struct vhv_config_warning loss = {
        .origin = {.file = import->name, .key = word},
        .what = what,
        .why = why,
        .remedy = remedy,
    };

    return vhv_lose(&import->losses, &loss);
}

int vhv_import_fail_at(const struct vhv_import *import, const char *at, const char *format, ...)
{
    const char *line = import->text, *newline;
    char message[256];
    unsigned number = 1;
    va_list args;
    int result;

    while ((newline = memchr(line, '\n', (size_t)(at - line)))) {
        line = newline + 1;
        number++;
    }
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    result = vhv_text_fail_at(line, (size_t)(at - line), "%s", message);
    return number > 1 ? vhv_fail_within(result, "line %u", number) : result;
}

struct vhv_span vhv_span_trim(const char *text)
{
    static const char white[] = " \t\r\n";
    const char *first = text + strspn(text, white);
    size_t bytes = strlen(first);

    while (bytes && strchr(white, first[bytes - 1]))
        bytes--;
    return (struct vhv_span){.text = first, .bytes = bytes};
}

bool vhv_span_is(const struct vhv_span *span, const char *word)
{
    return strlen(word) == span->bytes && memcmp(span->text, word, span->bytes) == 0;
}

void vhv_span_show(char shown[VHV_WORD_BYTES], const struct vhv_span *span)
{
    size_t bytes = span->bytes < VHV_WORD_BYTES ? span->bytes : VHV_WORD_BYTES - 1;
    char copy[VHV_WORD_BYTES];

    memcpy(copy, span->text, bytes);
    copy[bytes] = 0;
    vhv_text_printable(shown, VHV_WORD_BYTES, copy);
}

int vhv_import_number(const struct vhv_import *import, const struct vhv_span *span,
                      uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(span->text, &end, 0);
    if (!span->bytes || *span->text < '0' || *span->text > '9' || end != span->text + span->bytes)
        return vhv_import_fail_at(import, span->text, "found no number, such as 10 or 0xa");
    if (errno == ERANGE)
        return vhv_import_fail_at(import, span->text, "found a number of more than 64 bits");
    return 0;
}

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int compare_keys(const struct vhv_mask_key *a, const struct vhv_mask_key *b)
{
    if (a->leaf != b->leaf)
        return ORDER(a->leaf, b->leaf);
    if (a->subleaf != b->subleaf)
        return ORDER(a->subleaf, b->subleaf);
    if (a->reg != b->reg)
        return ORDER(a->reg, b->reg);
    return ORDER(a->vendor, b->vendor);
}

static int compare_bits(const void *left, const void *right)
{
    const struct vhv_import_entry *a = left, *b = right;
    int by_key = compare_keys(&a->key, &b->key);

    return by_key ? by_key : ORDER(a->order, b->order);
}

/* Lays the masks from @first on that are for the same register over each other. Returns the number
 * of the first one that is for another register. */
static size_t merge(const struct vhv_import *import, size_t first, struct vhv_mask *mask,
                    bool *decides)
{
    size_t i;

    *mask = (struct vhv_mask){{0}};
    *decides = false;
    for (i = first; i < import->count; i++) {
        const struct vhv_import_entry *bits = &import->bits[i];

        if (compare_keys(&bits->key, &import->bits[first].key) != 0)
            break;
        for (int bit = 0; bit < 32; bit++) {
            if (bits->mask.op[bit] != VHV_MASK_PASS)
                mask->op[bit] = bits->mask.op[bit];
        }
    }
    for (int bit = 0; bit < 32; bit++) {
        if (mask->op[bit] == VHV_IMPORT_UNDECIDED)
            mask->op[bit] = VHV_MASK_PASS;
        *decides = *decides || mask->op[bit] != VHV_MASK_PASS;
    }
    return i;
}

static int add_masks(struct vhv_config *config, const struct vhv_import *import)
{
    unsigned number = 0;

    for (size_t first = 0, next; first < import->count; first = next) {
        char key[VHV_MASK_KEY_TEXT_BYTES], value[VHV_MASK_TEXT_BYTES];
        struct vhv_mask mask;
        bool decides;
        int result;

        next = merge(import, first, &mask, &decides);
        if (!decides)
            continue;
        vhv_mask_key_format(&import->bits[first].key, key);
        vhv_mask_format(&mask, value);
        result = vhv_config_append(config, ++number, key, value, "");
        if (result < 0)
            return result;
    }
    return 0;
}

int vhv_import_finish(struct vhv_config **ret, struct vhv_import *import)
{
    const struct vhv_line *earlier;
    struct vhv_config *config;
    int result = vhv_config_new(&config);

    if (result < 0)
        return result;
    config->lineless = true;
    config->file = strdup(import->name);
    if (!config->file)
        result = vhv_fail_memory(strlen(import->name) + 1);
    if (import->count)
        qsort(import->bits, import->count, sizeof(import->bits[0]), compare_bits);
    if (result >= 0)
        result = add_masks(config, import);
    if (result >= 0) {
        vhv_dictionary_sort(&config->dictionary, &earlier);
        result = vhv_masks_index(config);
    }
    if (result < 0) {
        vhv_config_free(config);
        return result;
    }
    *ret = config;
    return 0;
}
