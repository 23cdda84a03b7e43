/* SPDX-License-Identifier: MIT */
/* vhv-cpuid capture, baseline and compare: what hosts can give to guests, many of them at once. */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vhv-cpuid.h"

static const char usage[] =
    "Usage: vhv-cpuid capture [OPTION]... [FILE]\n"
    "       vhv-cpuid baseline [OPTION]... FILE...\n"
    "       vhv-cpuid compare [OPTION]... FROM TO [FILE.vmx]\n"
    "\n"
    "  capture   writes what this host can give to guests, or what FILE tells, as JSON\n"
    "  baseline  tells what hosts have in common, and which of them costs what\n"
    "  compare   tells what keeps a VM, configured by FILE.vmx, from going from a host to\n"
    "            another one\n"
    "\n"
    "      --name NAME     the host's name, instead of that of this machine or of FILE\n"
    "      --device PATH   ask this device instead of /dev/kvm\n"
    "      --cpu N         of a dump of several CPUs, take the one at this place, from 0\n"
    "      --json          print the baseline as if it were a host's capture\n"
    "      --masks         print the masks that turn each host into the baseline\n"
    "      --vhv           with --masks: for VMs with vhv.enable\n"
    "  -m, --mask KEY=MASK   as of the other commands, see vhv-cpuid --help\n"
    "  -s, --set NAME=VALUE  the same\n"
    "      --guest FILE    what the guest reads: 'vhv-cpuid effective --kvm --json' on FROM\n"
    "      --help          print this\n"
    "\n"
    "A host's FILE is a capture, a table of 'vhv-cpuid supported --json', or a raw dump of\n"
    "cpuid(1); - is the standard input.\n"
    "\n"
    "Exit status: 0 fine, 1 virtualized HV does not survive (baseline), the VM may not go\n"
    "(compare), 2 wrong usage or input, or another failure, 3 KVM cannot be asked here.\n";

/* Options are known by these characters, whether or not they can be given by them. */
static const struct option options[] = {
    {"name", required_argument, NULL, 'N'},
    {"device", required_argument, NULL, 'D'},
    {"cpu", required_argument, NULL, 'C'},
    {"json", no_argument, NULL, 'j'},
    {"masks", no_argument, NULL, 'M'},
    {"vhv", no_argument, NULL, 'v'},
    {"mask", required_argument, NULL, 'm'},
    {"set", required_argument, NULL, 's'},
    {"guest", required_argument, NULL, 'G'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct wish {
    const char *name;
    const char *device;
    const char *guest_file;
    unsigned long cpu;
    bool json;
    bool masks;
    bool vhv;
    bool help;
    struct choice choice; /* of compare's VM */
    char **operands;
    size_t operand_count;
};

static int write_capture(const struct vhv_capture *capture)
{
    return vhv_capture_print(capture, stdout) < 0 ? failure(NULL) : FINE;
}

static int capture_here(struct vhv_capture **ret, const struct wish *wish)
{
    const struct vhv_host_options host_options = {.size = sizeof(host_options),
                                                  .device = wish->device};
    char hostname[VHV_CAPTURE_NAME_BYTES] = "";
    struct vhv_host *host;
    int status = FINE;

    if (gethostname(hostname, sizeof(hostname) - 1) < 0 || !hostname[0])
        strcpy(hostname, "localhost");
    if (vhv_host_new(&host, &host_options) < 0)
        return failure(NULL);
    if (vhv_host_capture(ret, host, wish->name ? wish->name : hostname) < 0)
        status = failure(NULL);
    vhv_host_free(host);
    return status;
}

/* Gives what was read the name that was asked for. */
static int rename_capture(struct vhv_capture **capture, const char *name)
{
    struct vhv_capture *renamed;
    size_t count;
    const struct vhv_msr *msrs = vhv_capture_msrs(*capture, &count);

    if (vhv_capture_new(&renamed, name, vhv_capture_cpuid(*capture), msrs, count) < 0)
        return failure("--name");
    vhv_capture_free(*capture);
    *capture = renamed;
    return FINE;
}

static int run_capture(const struct wish *wish)
{
    struct vhv_capture *capture = NULL;
    int status;

    if (wish->operand_count > 1)
        return complain("'%s' is one argument too many for 'capture'", wish->operands[1]);
    if (wish->operand_count && wish->device)
        return complain("%s takes the place of a device: leave --device out", wish->operands[0]);
    if (!wish->operand_count && wish->cpu)
        return complain("--cpu is of a dump: give a FILE, too");
    status = wish->operand_count ? load_capture(&capture, wish->operands[0], (unsigned)wish->cpu)
                                 : capture_here(&capture, wish);
    if (status == FINE && wish->operand_count && wish->name)
        status = rename_capture(&capture, wish->name);
    if (status == FINE)
        status = write_capture(capture);
    vhv_capture_free(capture);
    return status;
}

static void tell_identities(const struct vhv_baseline *baseline)
{
    const struct vhv_baseline_difference *difference;
    const char *before = "left to each host, and not the same on all: ";
    char field[128];

    for (size_t i = 0; (difference = vhv_baseline_difference(baseline, i)); i++) {
        if (difference->change != VHV_BASELINE_IDENTITY)
            continue;
        vhv_capture_field_format(&difference->field, field, sizeof(field));
        printf("%s%s", before, field);
        before = ", ";
    }
    if (before[0] == ',')
        putchar('\n');
}

static void tell_answer(const char *what, enum vhv_answer answer)
{
    printf("%s %s", what,
           answer == VHV_YES  ? "survives"
           : answer == VHV_NO ? "does not survive"
                              : "may not survive");
}

static void tell_baseline(const struct vhv_baseline *baseline)
{
    const struct vhv_baseline_nesting *nesting = vhv_baseline_nesting(baseline);
    const struct vhv_baseline_difference *difference;

    for (size_t i = 0; (difference = vhv_baseline_difference(baseline, i)); i++) {
        if (difference->change == VHV_BASELINE_CONFLICT)
            printf("conflict: %s\n", difference->text);
        else if (difference->change != VHV_BASELINE_IDENTITY)
            printf("%s\n", difference->text);
    }
    tell_identities(baseline);
    tell_answer("virtualized HV", nesting->vhv);
    if (nesting->vhv == VHV_YES)
        tell_answer(", nested paging", nesting->paging);
    printf("%s%s\n", nesting->because[0] ? ": " : "", nesting->because);
}

static int print_baseline(const struct wish *wish, const struct vhv_baseline *baseline)
{
    bool survives = vhv_baseline_nesting(baseline)->vhv == VHV_YES;

    if (wish->json)
        return write_capture(vhv_baseline_capture(baseline));
    if (!wish->masks)
        tell_baseline(baseline);
    else if (vhv_baseline_print_masks(baseline, stdout, wish->vhv) < 0)
        return failure(NULL);
    return survives || (wish->masks && !wish->vhv) ? FINE : NOT_SO;
}

static int run_baseline(const struct wish *wish)
{
    struct vhv_capture **captures = calloc(wish->operand_count + 1, sizeof(*captures));
    struct vhv_baseline *baseline = NULL;
    int status = captures ? FINE : complain("out of memory");

    if (status == FINE && wish->operand_count == 0)
        status = complain("baseline of what? Give a FILE for each host");
    if (wish->json && wish->masks)
        status = complain("--json and --masks are two forms: give one of them");
    if (wish->vhv && !wish->masks)
        status = complain("--vhv goes with --masks");
    for (size_t i = 0; i < wish->operand_count && status == FINE; i++)
        status = load_capture(&captures[i], wish->operands[i], 0);
    if (status == FINE && vhv_baseline_new(&baseline, (const struct vhv_capture *const *)captures,
                                           wish->operand_count) < 0)
        status = failure(NULL);
    if (status == FINE)
        status = print_baseline(wish, baseline);
    vhv_baseline_free(baseline);
    for (size_t i = 0; captures && i < wish->operand_count; i++)
        vhv_capture_free(captures[i]);
    free(captures);
    return status;
}

static int tell_obstacle(const struct vhv_migration_obstacle *obstacle, void *cookie)
{
    (void)cookie;
    puts(obstacle->text);
    return 0;
}

/* Whether the VM may go, whose guest reads @guest. */
static int tell_obstacles(const struct subject *subject, const struct vhv_cpuid *guest,
                          const struct vhv_capture *from, const struct vhv_capture *to)
{
    struct vhv_guest_cpuid_options asked = {.size = sizeof(asked)};
    struct vhv_migration_options migration = {.size = sizeof(migration)};
    int count;

    vhv_config_cpuid(subject->config, &asked);
    migration.requests = asked.requests;
    migration.request_count = asked.request_count;
    migration.hides_nested_paging = asked.nested_paging.value == VHV_SETTING_FALSE;
    count = vhv_migration_check(guest, from, to, &migration, tell_obstacle, NULL);
    if (count < 0)
        return failure(NULL);
    printf("the VM %s from %s to %s\n", count ? "may not go" : "may go", vhv_capture_name(from),
           vhv_capture_name(to));
    return count ? NOT_SO : FINE;
}

static int compare(const struct wish *wish, const struct vhv_capture *from,
                   const struct vhv_capture *to)
{
    struct subject subject = {.supported = vhv_capture_cpuid(from)};
    struct vhv_capture *guest = NULL;
    int status = subject_make_guest(&subject, &wish->choice);

    if (status == FINE && wish->guest_file)
        status = load_capture(&guest, wish->guest_file, 0);
    if (status == FINE)
        status = tell_obstacles(
            &subject, guest ? vhv_capture_cpuid(guest) : vhv_guest_cpuid_table(subject.guest), from,
            to);
    vhv_capture_free(guest);
    subject_end(&subject);
    return status;
}

static int run_compare(const struct wish *wish)
{
    struct vhv_capture *from = NULL, *to = NULL;
    int status;

    if (wish->operand_count < 2)
        return complain("compare what? Give a FILE for each of two hosts");
    if (wish->operand_count > 3)
        return complain("'%s' is one argument too many for 'compare'", wish->operands[3]);
    status = load_capture(&from, wish->operands[0], 0);
    if (status == FINE)
        status = load_capture(&to, wish->operands[1], 0);
    if (status == FINE)
        status = compare(wish, from, to);
    vhv_capture_free(from);
    vhv_capture_free(to);
    return status;
}

static const struct {
    const char *name;
    const char *takes;
    int (*run)(const struct wish *wish);
} commands[] = {
    {"capture", "NDC", run_capture},
    {"baseline", "jMv", run_baseline},
    {"compare", "msG", run_compare},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static size_t find_command(const char *name)
{
    size_t command = 0;

    while (command < COMMANDS - 1 && strcmp(commands[command].name, name) != 0)
        command++;
    return command;
}

static int read_cpu(unsigned long *cpu, const char *text)
{
    char *end;

    *cpu = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || *cpu > INT_MAX)
        return complain("--cpu: '%s' is not a number, such as 0", text);
    return FINE;
}

static int read_option(struct wish *wish, int option)
{
    switch (option) {
    case 'N':
        wish->name = optarg;
        return FINE;
    case 'D':
        wish->device = optarg;
        return FINE;
    case 'C':
        return read_cpu(&wish->cpu, optarg);
    case 'j':
        wish->json = true;
        return FINE;
    case 'M':
        wish->masks = true;
        return FINE;
    case 'v':
        wish->vhv = true;
        return FINE;
    case 'G':
        wish->guest_file = optarg;
        return FINE;
    default:
        wish->choice.lines[wish->choice.line_count++] = (struct line){option == 'm', optarg};
        return FINE;
    }
}

static const char *option_name(int value)
{
    const struct option *option = options;

    while (option->val != value)
        option++;
    return option->name;
}

static int read_arguments(struct wish *wish, size_t command, int argc, char **argv)
{
    int option, status = FINE;

    while (status == FINE && (option = getopt_long(argc, argv, "m:s:", options, NULL)) != -1) {
        if (option == 'h')
            wish->help = true;
        else if (option == '?')
            return complain("try vhv-cpuid %s --help", argv[0]);
        else if (!strchr(commands[command].takes, option))
            return complain("--%s is not an option of '%s'; try vhv-cpuid %s --help",
                            option_name(option), argv[0], argv[0]);
        else
            status = read_option(wish, option);
    }
    wish->operands = argv + optind;
    wish->operand_count = (size_t)(argc - optind);
    if (wish->operand_count > 2)
        wish->choice.config_file = wish->operands[2];
    return status;
}

int fleet(int argc, char **argv)
{
    struct wish wish = {0};
    size_t command = find_command(argv[1]);
    int status;

    wish.choice.lines = calloc((size_t)argc, sizeof(wish.choice.lines[0]));
    if (!wish.choice.lines)
        return complain("out of memory");
    status = read_arguments(&wish, command, argc - 1, argv + 1);
    if (status == FINE && wish.help)
        fputs(usage, stdout);
    else if (status == FINE)
        status = commands[command].run(&wish);
    free(wish.choice.lines);
    return status;
}
