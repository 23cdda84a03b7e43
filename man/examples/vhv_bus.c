#include <libvhv/bus.h>
#include <stdio.h>

static int count_read(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value)
{
    unsigned *reads = cookie;

    (void)offset;
    (void)bytes;
    *value = ++*reads;
    return 0;
}

int main(void)
{
    static const struct vhv_bus_ops counter = {.read = count_read};
    struct vhv_bus *bus = NULL;
    unsigned reads = 0;
    uint8_t value = 0;
    int result = vhv_bus_new(&bus);

    if (result == 0)
        result = vhv_bus_add(bus, VHV_SPACE_PORT, 0x80, 1, &counter, &reads, "counter");
    for (int i = 0; i < 3 && result == 0; i++)
        result = vhv_bus_access(bus, VHV_SPACE_PORT, false, 0x80, &value, sizeof(value));
    if (result == 0)
        printf("%u\n", value);
    else
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_bus_free(bus);
    return result != 0;
}
