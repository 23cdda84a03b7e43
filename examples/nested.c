/* SPDX-License-Identifier: MIT */
/*
 * A guest that is a hypervisor and runs a guest of its own: each step of both is told, and checked.
 * nested_story.c knows the steps; the guest itself is in tests/guest.
 */
#include "nested_story.h"

#include <getopt.h>
#include <stdlib.h>

#include "image.h"

enum { AS_IT_MUST = 0, NOT_AS_IT_MUST = 1, BAD_USAGE = 2, CANNOT_NEST = 3 };

static const char usage[] =
    "Usage: vhv-nested [--off] [--no-nested-paging] [-m LINE]... [FILE.vmx]\n"
    "\n"
    "Runs a guest hypervisor, which runs an inner guest, and tells every step of both. FILE.vmx\n"
    "configures the machine; vhv.enable is taken as TRUE where the file says nothing of it.\n"
    "\n"
    "  --off                switch virtualized HV off: the guest must not be able to use it\n"
    "  --no-nested-paging   the guest hypervisor does without NPT or EPT\n"
    "  -m, --mask LINE      a line as of FILE.vmx, such as 'cpuid.1.ecx = \"----:...:----\"'\n"
    "  --help               print this\n"
    "\n"
    "Exit status: 0 all went as it must, 1 it did not, 2 wrong usage or configuration,\n"
    "3 virtualized HV cannot be had here (vhv-check tells more).\n";

struct choice {
    struct vhv_config *config;
    char **lines; /* for the configuration; ends with NULL */
    bool is_off, nested_paging;
};

/* Returns the exit status for the failure that this thread has had last. */
static int failure(void)
{
    fprintf(stderr, "vhv-nested: %s\n", vhv_error_message());
    switch (vhv_error_cause()) {
    case VHV_CAUSE_NO_KVM:
    case VHV_CAUSE_CANNOT_NEST:
        return CANNOT_NEST;
    default:
        return NOT_AS_IT_MUST;
    }
}

/* Loads the guest into a VM of one vCPU that is powered on. */
static int prepare(struct vhv_vm *vm, const struct choice *choice)
{
    const struct guest_parameters parameters = {
        .mode = choice->is_off ? GUEST_PROBE : GUEST_NESTED,
        .flags = choice->nested_paging ? GUEST_NESTED_PAGING : 0,
    };
    struct vhv_memory *memory = vhv_vm_memory(vm);
    struct vhv_vcpu *vcpu = vhv_vm_vcpu(vm, 0);
    int error = 0;

    if (vhv_memory_count(memory) == 0)
        error = vhv_memory_add_ram(memory, GUEST_MEMORY_BYTES, NULL);
    if (error >= 0 && !vcpu)
        error = vhv_vcpu_new(&vcpu, vm, 0);
    if (error < 0 || (error = vhv_vm_power_on(vm)) < 0 ||
        (error = vhv_memory_write(memory, GUEST_LOAD_GPA, guest_image, guest_image_bytes())) < 0 ||
        (error = vhv_memory_write(memory, GUEST_PARAMETERS_GPA, &parameters, sizeof(parameters))) <
            0 ||
        (error = vhv_vcpu_set_entry(vcpu, VHV_CPU_FLAT32, GUEST_LOAD_GPA, 0)) < 0)
        return error;
    story_say("virtualized HV is %s", vhv_vm_has_vhv(vm) ? "on" : "off");
    return 0;
}

static int run(struct vhv_vcpu *vcpu, const struct choice *choice)
{
    unsigned exits[2] = {0}; /* of the guest hypervisor, of the inner guest */
    struct story story;
    struct vhv_exit exit;
    int error;

    story_start(&story, choice->is_off, choice->nested_paging);
    while (!story.ended) {
        int nested;

        if ((error = vhv_vcpu_run_once(vcpu, &exit)) < 0 ||
            (error = nested = vhv_vcpu_is_nested(vcpu)) < 0)
            return error;
        exits[nested]++;
        if (exit.reason == VHV_EXIT_IO) {
            story_tell(&story, nested, &exit);
        } else {
            story_fail(&story, "unexpected exit: %s", vhv_exit_reason_name(exit.reason));
            break;
        }
    }
    story_say("saw %u exits of the guest hypervisor and %u of the inner guest", exits[0], exits[1]);
    story_say(story.failed ? "not all went as it must" : "all went as it must");
    return story.failed ? NOT_AS_IT_MUST : AS_IT_MUST;
}

static int make_and_run(const struct choice *choice)
{
    struct vhv_vm_options options = {.size = sizeof(options), .config = choice->config};
    struct vhv_vm *vm = NULL;
    int result = vhv_vm_new(&vm, NULL, &options);

    if (result == 0)
        result = prepare(vm, choice);
    if (result == 0)
        result = run(vhv_vm_vcpu(vm, 0), choice);
    fflush(stdout);
    if (result < 0)
        result = failure();
    vhv_vm_free(vm);
    return result;
}

static const struct option options[] = {
    {"off", no_argument, NULL, 'o'},
    {"no-nested-paging", no_argument, NULL, 'n'},
    {"mask", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int warn(const struct vhv_config_warning *warning, void *cookie)
{
    const struct vhv_origin *origin = &warning->origin;

    (void)cookie;
    fprintf(stderr, "vhv-nested: warning: %s:%u: %s: %s: %s; %s\n", origin->file, origin->line,
            origin->key, warning->what, warning->why, warning->remedy);
    return 0;
}

/* The file first, then the lines of the command line, in their order. */
static int read_config(struct choice *choice, const char *file)
{
    int error = file ? vhv_config_load(&choice->config, file) : vhv_config_new(&choice->config);

    if (error == 0 && file)
        vhv_config_lint(choice->config, warn, NULL);
    for (char **line = choice->lines; error == 0 && *line; line++)
        error = vhv_config_set_line(choice->config, *line);
    if (error == 0 && choice->is_off)
        error = vhv_config_set(choice->config, "vhv.enable", "FALSE");
    else if (error == 0 && !vhv_config_get(choice->config, "vhv.enable"))
        error = vhv_config_set(choice->config, "vhv.enable", "TRUE");
    return error;
}

static int bad_usage(const char *message)
{
    fprintf(stderr, "vhv-nested: %s\n", message);
    return BAD_USAGE;
}

/* Returns -1, or the exit status if there is nothing to run. */
static int read_options(struct choice *choice, int argc, char **argv)
{
    size_t count = 0;
    int option;

    while ((option = getopt_long(argc, argv, "m:", options, NULL)) != -1) {
        switch (option) {
        case 'o':
            choice->is_off = true;
            break;
        case 'n':
            choice->nested_paging = false;
            break;
        case 'm':
            choice->lines[count++] = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return AS_IT_MUST;
        default:
            fputs("Try vhv-nested --help.\n", stderr);
            return BAD_USAGE;
        }
    }
    if (argc - optind > 1)
        return bad_usage("more than one FILE.vmx; try vhv-nested --help");
    return read_config(choice, argv[optind]) < 0 ? bad_usage(vhv_error_message()) : -1;
}

int main(int argc, char **argv)
{
    struct choice choice = {.nested_paging = true};
    int status;

    choice.lines = calloc((size_t)argc + 1, sizeof(*choice.lines));
    if (!choice.lines)
        return bad_usage("no memory");
    status = read_options(&choice, argc, argv);
    if (status < 0)
        status = make_and_run(&choice);
    vhv_config_free(choice.config);
    free(choice.lines);
    return status;
}
