#include <libvhv/feature.h>
#include <libvhv/guest_cpuid.h>

static int print_reason(const struct vhv_cpuid_reason *reason, void *cookie)
{
    (void)cookie;
    printf("%u by %s%s: %s\n", reason->value, vhv_cpuid_source_name(reason->source),
           reason->applied ? "" : " (not applied)", reason->text);
    return 0;
}

int main(void)
{
    const struct vhv_feature *svm = vhv_feature_find("SVM");
    const struct vhv_guest_cpuid_options options = {
        .size = sizeof(options),
        .vhv_enable = {VHV_SETTING_TRUE, {"example.vmx", 1, "vhv.enable"}},
    };
    struct vhv_cpuid *supported = NULL;
    struct vhv_guest_cpuid *guest = NULL;
    int result = vhv_cpuid_read_processor(&supported);

    if (result == 0)
        result = vhv_guest_cpuid_new(&guest, supported, &options);
    if (result == 0)
        result = vhv_guest_cpuid_explain(guest, svm->leaf, svm->subleaf, svm->reg, svm->bit,
                                         print_reason, NULL);
    if (result < 0)
        fprintf(stderr, "%s\n", vhv_error_message());
    vhv_guest_cpuid_free(guest);
    vhv_cpuid_free(supported);
    return result < 0;
}
