#include <libvhv/capture.h>

int main(int argc, char **argv)
{
    const struct vhv_capture_options options = {
        .size = sizeof(options),
        .name = argc > 1 ? argv[1] : NULL,
    };
    struct vhv_capture *capture = NULL;
    static char text[1024 * 1024];
    size_t bytes = fread(text, 1, sizeof(text), stdin);
    int result = vhv_capture_parse(&capture, text, bytes, &options);

    if (result == 0)
        result = vhv_capture_print(capture, stdout);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_capture_free(capture);
    return result < 0;
}
