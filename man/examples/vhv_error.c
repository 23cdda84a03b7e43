#include <libvhv/mask.h>
#include <stdio.h>
#include <string.h>

static void print_line(enum vhv_log_level level, const char *line, void *stream)
{
    fprintf(stream, "%s: %s\n", level == VHV_LOG_WARNING ? "warning" : "info", line);
}

int main(void)
{
    struct vhv_mask mask;
    int result;

    vhv_log_set(VHV_LOG_INFO, print_line, stderr);
    result = vhv_mask_parse(&mask, "0x80000001");
    if (result < 0)
        printf("%s (cause: %s)\n%s\n", strerror(-result), vhv_cause_name(vhv_error_cause()),
               vhv_error_message());
    return 0;
}
