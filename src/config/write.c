/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "config/config.h"
#include "config/line.h"

static void write_value(const char *value, FILE *stream)
{
    fputc('"', stream);
    for (; *value; value++) {
        if (*value == '"' || *value == '|' || (vhv_is_control(*value) && *value != '\t'))
            fprintf(stream, "|%02X", (unsigned)(unsigned char)*value);
        else
            fputc(*value, stream);
    }
    fputc('"', stream);
}

static void write_line(const struct vhv_line *line, FILE *stream)
{
    if (line->key) {
        fprintf(stream, "%s = ", line->key);
        write_value(line->value, stream);
        if (*line->comment)
            fputc(' ', stream);
    }
    fprintf(stream, "%s\n", line->comment);
}

int vhv_config_write(const struct vhv_config *config, FILE *stream)
{
    for (size_t i = 0; i < config->dictionary.line_count; i++)
        write_line(config->dictionary.lines[i], stream);
    if (fflush(stream) || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE,
                        "could not write the configuration: the stream has an error");
    return 0;
}
