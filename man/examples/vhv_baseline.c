#include <libvhv/baseline.h>

enum { HOSTS = 64, BYTES = 1024 * 1024 };

static int load(struct vhv_capture **ret, const char *path)
{
    const struct vhv_capture_options options = {.size = sizeof(options), .name = path};
    static char text[BYTES];
    FILE *stream = fopen(path, "r");
    size_t bytes = stream ? fread(text, 1, sizeof(text), stream) : 0;

    if (stream)
        fclose(stream);
    return vhv_capture_parse(ret, text, bytes, &options);
}

int main(int argc, char **argv)
{
    const struct vhv_baseline_difference *difference;
    struct vhv_capture *captures[HOSTS] = {NULL};
    struct vhv_baseline *baseline = NULL;
    size_t count = 0;
    int result = 0;

    for (; result == 0 && count + 1 < (size_t)argc && count < HOSTS; count++)
        result = load(&captures[count], argv[count + 1]);
    if (result == 0)
        result = vhv_baseline_new(&baseline, (const struct vhv_capture *const *)captures, count);
    for (size_t i = 0; baseline && (difference = vhv_baseline_difference(baseline, i)); i++)
        fprintf(stderr, "%s\n", difference->text);
    if (result == 0)
        result = vhv_baseline_print_masks(baseline, stdout, true);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_baseline_free(baseline);
    for (size_t i = 0; i < HOSTS; i++)
        vhv_capture_free(captures[i]);
    return result < 0;
}
