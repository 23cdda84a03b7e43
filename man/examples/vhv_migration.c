#include <libvhv/feature.h>
#include <libvhv/migration.h>

static int print_obstacle(const struct vhv_migration_obstacle *obstacle, void *cookie)
{
    (void)cookie;
    puts(obstacle->text);
    return 0;
}

static int take_feature_away(struct vhv_cpuid *cpuid, const struct vhv_feature *feature)
{
    const struct vhv_cpuid_entry *found = vhv_cpuid_find(cpuid, feature->leaf, feature->subleaf);
    struct vhv_cpuid_entry entry;

    if (!found)
        return 0;
    entry = *found;
    entry.reg[feature->reg] &= ~(UINT32_C(1) << feature->bit);
    return vhv_cpuid_set(cpuid, &entry);
}

int main(void)
{
    struct vhv_cpuid *cpuid = NULL;
    struct vhv_capture *here = NULL, *there = NULL;
    struct vhv_guest_cpuid *guest = NULL;
    int result = vhv_cpuid_read_processor(&cpuid);

    if (result == 0)
        result = vhv_capture_new(&here, "here", cpuid, NULL, 0);
    if (result == 0)
        result = take_feature_away(cpuid, vhv_feature_find("AVX2"));
    if (result == 0)
        result = vhv_capture_new(&there, "there", cpuid, NULL, 0);
    if (result == 0)
        result = vhv_guest_cpuid_new(&guest, vhv_capture_cpuid(here), NULL);
    if (result == 0)
        result = vhv_migration_check(vhv_guest_cpuid_table(guest), here, there, NULL,
                                     print_obstacle, NULL);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_guest_cpuid_free(guest);
    vhv_capture_free(there);
    vhv_capture_free(here);
    vhv_cpuid_free(cpuid);
    return result != 0;
}
