/* SPDX-License-Identifier: MIT */
#include "config/dictionary.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpuid/mask_text.h"

enum { FIRST_CAPACITY = 16 };

int vhv_key_compare(const char *a, const char *b)
{
    while (*a && vhv_ascii_lower(*a) == vhv_ascii_lower(*b)) {
        a++;
        b++;
    }
    return (unsigned char)vhv_ascii_lower(*a) - (unsigned char)vhv_ascii_lower(*b);
}

struct vhv_span vhv_span_of(const char *text)
{
    return (struct vhv_span){.text = text, .bytes = strlen(text)};
}

static char *append_text(char *at, const char *text, size_t bytes)
{
    memcpy(at, text, bytes);
    at[bytes] = 0;
    return at + bytes + 1;
}

struct vhv_line *vhv_line_new(unsigned number, const struct vhv_span *key,
                              const struct vhv_span *value, const char *comment)
{
    size_t comment_bytes = strlen(comment);
    size_t bytes = sizeof(struct vhv_line) + comment_bytes + 1 + (key ? key->bytes + 1 : 0) +
                   (value ? value->bytes + 1 : 0);
    struct vhv_line *line = malloc(bytes);
    char *at;

    if (!line) {
        vhv_fail_memory(bytes);
        return NULL;
    }
    *line = (struct vhv_line){.number = number, .comment = line->text};
    at = append_text(line->text, comment, comment_bytes);
    if (key) {
        line->key = at;
        at = append_text(at, key->text, key->bytes);
        line->value = at;
        append_text(at, value->text, value->bytes);
    }
    return line;
}

struct vhv_line *vhv_line_copy(const struct vhv_line *line)
{
    struct vhv_span key, value;

    if (!line->key)
        return vhv_line_new(line->number, NULL, NULL, line->comment);
    key = vhv_span_of(line->key);
    value = vhv_span_of(line->value);
    return vhv_line_new(line->number, &key, &value, line->comment);
}

void vhv_dictionary_clear(struct vhv_dictionary *dictionary)
{
    for (size_t i = 0; i < dictionary->line_count; i++)
        free(dictionary->lines[i]);
    free(dictionary->lines);
    free(dictionary->items);
    free(dictionary->sorted);
    memset(dictionary, 0, sizeof(*dictionary));
}

static int grow(struct vhv_line ***array, size_t capacity)
{
    size_t bytes = capacity * sizeof(**array);
    struct vhv_line **grown = realloc(*array, bytes);

    if (!grown)
        return vhv_fail_memory(bytes);
    *array = grown;
    return 0;
}

/* Every line has taken more memory than its pointers, so that doubling them cannot overflow. */
int vhv_dictionary_reserve(struct vhv_dictionary *dictionary)
{
    if (dictionary->line_count == dictionary->line_capacity) {
        size_t capacity =
            dictionary->line_capacity ? 2 * dictionary->line_capacity : FIRST_CAPACITY;
        int result = grow(&dictionary->lines, capacity);

        if (result < 0)
            return result;
        dictionary->line_capacity = capacity;
    }
    if (dictionary->item_count == dictionary->item_capacity) {
        size_t capacity =
            dictionary->item_capacity ? 2 * dictionary->item_capacity : FIRST_CAPACITY;
        int result = grow(&dictionary->items, capacity);

        if (result >= 0)
            result = grow(&dictionary->sorted, capacity);
        if (result < 0)
            return result;
        dictionary->item_capacity = capacity;
    }
    return 0;
}

void vhv_dictionary_append(struct vhv_dictionary *dictionary, struct vhv_line *line)
{
    dictionary->lines[dictionary->line_count++] = line;
    if (!line->key)
        return;
    dictionary->items[dictionary->item_count] = line;
    dictionary->sorted[dictionary->item_count] = line;
    dictionary->item_count++;
}

/* By name; equal names by their order in the file. */
static int compare_lines(const void *a, const void *b)
{
    const struct vhv_line *one = *(const struct vhv_line *const *)a;
    const struct vhv_line *other = *(const struct vhv_line *const *)b;
    int order = vhv_key_compare(one->key, other->key);

    if (order)
        return order;
    return one->number < other->number ? -1 : one->number > other->number;
}

const struct vhv_line *vhv_dictionary_sort(struct vhv_dictionary *dictionary,
                                           const struct vhv_line **earlier)
{
    struct vhv_line **sorted = dictionary->sorted;
    const struct vhv_line *twice = NULL;

    if (dictionary->item_count == 0)
        return NULL;
    qsort(sorted, dictionary->item_count, sizeof(sorted[0]), compare_lines);
    for (size_t i = 1; i < dictionary->item_count; i++) {
        if (vhv_key_compare(sorted[i - 1]->key, sorted[i]->key) == 0 &&
            (!twice || sorted[i]->number < twice->number)) {
            *earlier = sorted[i - 1];
            twice = sorted[i];
        }
    }
    return twice;
}

/* The place in the index that a name has, or would have. */
static size_t place_of(const struct vhv_dictionary *dictionary, const char *key)
{
    size_t low = 0, high = dictionary->item_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (vhv_key_compare(dictionary->sorted[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_key_at(const struct vhv_dictionary *dictionary, size_t place, const char *key)
{
    return place < dictionary->item_count &&
           vhv_key_compare(dictionary->sorted[place]->key, key) == 0;
}

const struct vhv_line *vhv_dictionary_find(const struct vhv_dictionary *dictionary, const char *key)
{
    size_t place = place_of(dictionary, key);

    return has_key_at(dictionary, place, key) ? dictionary->sorted[place] : NULL;
}

/* @line is in @array. */
static size_t index_of(struct vhv_line *const *array, const struct vhv_line *line)
{
    size_t i = 0;

    while (array[i] != line)
        i++;
    return i;
}

void vhv_dictionary_put(struct vhv_dictionary *dictionary, struct vhv_line *line)
{
    size_t place = place_of(dictionary, line->key);
    struct vhv_line **sorted = dictionary->sorted;
    struct vhv_line *old;

    if (!has_key_at(dictionary, place, line->key)) {
        size_t above = dictionary->item_count - place;

        vhv_dictionary_append(dictionary, line);
        memmove(sorted + place + 1, sorted + place, above * sizeof(sorted[0]));
        sorted[place] = line;
        return;
    }
    old = sorted[place];
    dictionary->lines[index_of(dictionary->lines, old)] = line;
    dictionary->items[index_of(dictionary->items, old)] = line;
    sorted[place] = line;
    free(old);
}

static void take_out(struct vhv_line **array, size_t count, struct vhv_line *line)
{
    size_t place = index_of(array, line);

    memmove(array + place, array + place + 1, (count - place - 1) * sizeof(array[0]));
}

void vhv_dictionary_remove(struct vhv_dictionary *dictionary, const struct vhv_line *line)
{
    struct vhv_line *owned = dictionary->lines[index_of(dictionary->lines, line)];

    take_out(dictionary->lines, dictionary->line_count--, owned);
    take_out(dictionary->items, dictionary->item_count, owned);
    take_out(dictionary->sorted, dictionary->item_count--, owned);
    free(owned);
}
