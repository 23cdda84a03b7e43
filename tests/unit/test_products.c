/* SPDX-License-Identifier: MIT */
/* The ways of VMware's products, on hosts of both vendors. */
#include "../products.h"

#include "config/settings.h"
#include "guest.h"

/* A way on a host. */
struct trial {
    const struct product_way *way;
    struct scene *scene;
    struct vhv_config *config;
    struct vhv_config *policy;
};

static struct vhv_config *parse(const char *text, const char *name)
{
    struct vhv_config *config;

    if (vhv_config_parse(&config, text, strlen(text), name) < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

/* What VMs make of a configuration and a policy, without KVM. */
static struct trial try_on(struct scene *scene, const struct product_way *way)
{
    struct trial trial = {
        .way = way,
        .scene = scene,
        .config = parse(way->vmx, "machine.vmx"),
        .policy = parse(way->policy, "host.vmx"),
    };

    trial.policy->is_policy = true;
    assert_int_equal(vhv_config_set_policy(trial.config, trial.policy), 0);
    scene->options.vhv_allow = vhv_config_vhv_allow(trial.policy);
    vhv_config_cpuid(trial.config, &scene->options);
    made(scene);
    return trial;
}

static void trial_end(struct trial *trial)
{
    vhv_config_free(trial->config);
    vhv_config_free(trial->policy);
    scene_end(trial->scene);
}

#define assert_of(trial, condition)                                                           \
    do {                                                                                      \
        if (!(condition))                                                                     \
            fail_msg("%s, %s: not %s", (trial)->way->product, (trial)->way->way, #condition); \
    } while (0)

static void check_outcome(const struct trial *trial)
{
    const struct vhv_guest_cpuid *guest = trial->scene->guest;
    const struct product_way *way = trial->way;

    if (way->outcome == PRODUCT_REFUSES) {
        assert_of(trial, vhv_guest_cpuid_check(guest) < 0);
        assert_of(trial, vhv_error_cause() == way->cause);
        assert_of(trial, strstr(vhv_error_message(), way->message));
        return;
    }
    assert_of(trial, vhv_guest_cpuid_check(guest) == 0);
    assert_of(trial, vhv_guest_cpuid_has_vhv(guest) == (way->outcome == PRODUCT_NESTS));
    assert_of(trial, vhv_guest_cpuid_hides_hypervisor(guest) == way->hides_hypervisor);
    assert_of(trial, finding_count(trial->scene) == 0);
}

/* Wherever virtualized HV is on, what belongs to it is there, as KVM has it. */
static void check_companions(const struct trial *trial)
{
    const struct scene *scene = trial->scene;
    bool is_on = vhv_guest_cpuid_has_vhv(scene->guest);

    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
        assert_of(trial, reg_of(scene, 0x8000000a, 0, reg) ==
                             (is_on ? vhv_cpuid_get(scene->host, 0x8000000a, 0, reg) : 0));
}

static void product_ways_have_their_outcome_on_amd(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCT_WAYS; i++) {
        struct trial trial = try_on(on_amd(), &product_ways[i]);

        check_outcome(&trial);
        check_companions(&trial);
        trial_end(&trial);
    }
}

static void product_ways_have_their_outcome_on_intel(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCT_WAYS; i++) {
        struct trial trial = try_on(on_intel(), &product_ways[i]);

        check_outcome(&trial);
        trial_end(&trial);
    }
}

static int keep_what(const struct vhv_config_warning *warning, void *cookie)
{
    snprintf(cookie, 256, "%s", warning->what);
    return 0;
}

static void product_ways_are_warned_about_where_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCT_WAYS; i++) {
        struct trial trial = try_on(on_amd(), &product_ways[i]);
        const char *wanted = product_ways[i].warning;
        char what[256] = "";
        int count = vhv_config_lint(trial.config, keep_what, what);

        assert_of(&trial, count == (wanted != NULL));
        assert_of(&trial, strstr(what, wanted ? wanted : ""));
        trial_end(&trial);
    }
}

static void product_ways_without_nested_paging_are_warned_about(void **state)
{
    const struct vhv_cpuid_finding *found;

    (void)state;
    for (size_t i = 0; i < PRODUCT_WAYS; i++) {
        struct scene *scene = on_intel();
        struct trial trial;

        if (product_ways[i].outcome != PRODUCT_NESTS) {
            scene_end(scene);
            continue;
        }
        scene->options.nested_paging_offered = VHV_NO;
        trial = try_on(scene, &product_ways[i]);
        found = vhv_guest_cpuid_finding(scene->guest, 0);
        assert_of(&trial, found && !found->is_error);
        assert_of(&trial, strstr(found->text, "KVM offers guests no nested paging"));
        assert_of(&trial, found->origin.line > 0);
        trial_end(&trial);
    }
}

/* By default ESX gets it where it can; what asks for it is refused where it is not to be had. */
static void product_ways_on_hosts_that_cannot_nest_are_refused_or_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRODUCT_WAYS; i++) {
        struct scene *scene = on_amd();
        struct trial trial;

        host_bits(scene, 0x80000001, VHV_ECX, 1u << 2, 0);
        scene->options.why_not_nested = "kvm_amd was loaded with nested=0";
        trial = try_on(scene, &product_ways[i]);
        assert_of(&trial, !vhv_guest_cpuid_has_vhv(scene->guest));
        if (product_ways[i].outcome == PRODUCT_NESTS) {
            const struct vhv_cpuid_finding *found = vhv_guest_cpuid_finding(scene->guest, 0);

            assert_of(&trial, found && strstr(found->text, "asks for virtualized HV"));
            assert_of(&trial, strstr(found->text, "kvm_amd was loaded with nested=0"));
        }
        trial_end(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_ways_have_their_outcome_on_amd),
        cmocka_unit_test(product_ways_have_their_outcome_on_intel),
        cmocka_unit_test(product_ways_are_warned_about_where_they_should),
        cmocka_unit_test(product_ways_without_nested_paging_are_warned_about),
        cmocka_unit_test(product_ways_on_hosts_that_cannot_nest_are_refused_or_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
