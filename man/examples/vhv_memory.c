#include <libvhv/memory.h>
#include <stdio.h>

int main(void)
{
    struct vhv_memory *memory = NULL;
    char text[16];
    int result = vhv_memory_new(&memory);

    if (result == 0)
        result = vhv_memory_add_ram(memory, UINT64_C(64) << 20, NULL);
    if (result > 0)
        result = vhv_memory_write(memory, 0x1000, "a guest", 8);
    if (result == 0)
        result = vhv_memory_read_string(memory, 0x1000, text, sizeof(text));
    if (result > 0)
        printf("%d bytes: %s\n", result, text);
    /* Refused before the first byte: it ends beyond the memory. */
    if (result > 0 && vhv_memory_fill(memory, 0x1000, 0, UINT64_C(1) << 40) < 0)
        printf("%s\n", vhv_error_message());
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_memory_free(memory);
    return result < 0;
}
