#include <libvhv/feature.h>

int main(void)
{
    const struct vhv_feature *feature;
    struct vhv_cpuid *processor = NULL;
    enum vhv_vendor vendor;

    if (vhv_cpuid_read_processor(&processor) < 0) {
        fprintf(stderr, "%s\n", vhv_error_message());
        return 1;
    }
    vendor = vhv_cpuid_vendor(processor);
    for (size_t i = 0; (feature = vhv_feature_at(i)); i++)
        if ((feature->vendor == VHV_VENDOR_ANY || feature->vendor == vendor) &&
            vhv_cpuid_has(processor, feature))
            printf("%s\n", feature->name);
    vhv_cpuid_free(processor);
    return 0;
}
