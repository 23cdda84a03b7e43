/* SPDX-License-Identifier: MIT */
/*
 * The CPUID of the processor, of KVM and of a guest, and why a guest's bit is what it is. Here are
 * options and commands; cpuid_subject.c has the tables, cpuid_explain.c and cpuid_diff.c what is
 * told of them. cpuid_fleet.c is about many hosts, cpuid_convert.c about other systems.
 */
#include "vhv-cpuid.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: vhv-cpuid [OPTION]... COMMAND [FILE.vmx]\n"
    "\n"
    "  host         the processor's own CPUID\n"
    "  supported    what KVM can give to guests here\n"
    "  effective    what a guest gets that is configured by FILE.vmx, -m and -s\n"
    "  diff         registers that a guest reads otherwise than KVM can give them\n"
    "  explain BIT  why a guest's bit is what it is: VMX, 1.ecx.5, 7.0.ebx.FSGSBASE\n"
    "  convert      policies of Firecracker, QEMU and Xen; see vhv-cpuid convert --help\n"
    "  capture, baseline, compare   what hosts have in common; see vhv-cpuid compare --help\n"
    "\n"
    "  -m, --mask KEY=MASK   a mask over those of FILE.vmx: -m 'cpuid.1.ecx=----:...'\n"
    "  -s, --set NAME=VALUE  a setting over those of FILE.vmx: -s vhv.enable=TRUE\n"
    "      --vcpus N         the guest has N vCPUs, whatever numvcpus says\n"
    "      --vcpu I          tell of vCPU I; from 0, which is the default\n"
    "      --no-irqchip      the guest has no local APIC in the kernel\n"
    "  -k, --kvm             make the guest, and tell what KVM says that it gives it\n"
    "      --measure         make the guest, and tell what CPUID answers in it\n"
    "\n"
    "      --raw             registers without the names of features\n"
    "      --decoded         registers with the names of features; the default\n"
    "      --json            for programs, and for the next two options\n"
    "      --levels          each leaf of the guest's above the same of KVM's\n"
    "      --supported FILE  'vhv-cpuid supported --json' of another host; - is stdin\n"
    "      --processor FILE  'vhv-cpuid host --json' of that host\n"
    "      --device PATH     ask this device instead of /dev/kvm\n"
    "      --help            print this\n"
    "      --version         print the library's version\n"
    "\n"
    "Exit status: 0 fine, 1 the guest does not get what was asked for, 2 wrong usage or\n"
    "input, or another failure, 3 KVM cannot be asked here: use --supported.\n";

/* Options are known by these characters, whether or not they can be given by them. */
static const struct option options[] = {
    {"mask", required_argument, NULL, 'm'},
    {"set", required_argument, NULL, 's'},
    {"vcpus", required_argument, NULL, 'N'},
    {"vcpu", required_argument, NULL, 'I'},
    {"no-irqchip", no_argument, NULL, 'n'},
    {"kvm", no_argument, NULL, 'k'},
    {"measure", no_argument, NULL, 'M'},
    {"raw", no_argument, NULL, 'r'},
    {"decoded", no_argument, NULL, 'd'},
    {"json", no_argument, NULL, 'j'},
    {"supported", required_argument, NULL, 'S'},
    {"processor", required_argument, NULL, 'P'},
    {"device", required_argument, NULL, 'D'},
    {"levels", no_argument, NULL, 'L'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

#define STYLE_OPTIONS "rdj"
#define GUEST_OPTIONS STYLE_OPTIONS "msNInkMSPD"

int complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("vhv-cpuid: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return FAILED;
}

int failure(const char *where)
{
    complain("%s%s%s", where ? where : "", where ? ": " : "", vhv_error_message());
    switch (vhv_error_cause()) {
    case VHV_CAUSE_CAPABILITY_MISSING:
    case VHV_CAUSE_KVM:
    case VHV_CAUSE_NO_KVM:
        return NO_KVM;
    case VHV_CAUSE_CANNOT_NEST:
    case VHV_CAUSE_CPUID_NOT_HONOURED:
    case VHV_CAUSE_REQUIREMENT_UNMET:
        return NOT_SO;
    default:
        return FAILED;
    }
}

static int print_table(const struct vhv_cpuid *table, const struct choice *choice)
{
    return vhv_cpuid_print(table, stdout, choice->style) < 0 ? failure(NULL) : FINE;
}

static int tell_host(const struct subject *subject, const struct choice *choice)
{
    return print_table(subject->processor, choice);
}

static int tell_supported(const struct subject *subject, const struct choice *choice)
{
    return print_table(subject->supported, choice);
}

static void print_level(const char *whose, const struct vhv_cpuid *table,
                        const struct vhv_cpuid_entry *place)
{
    printf("%s level %08" PRIX32 ", %" PRIX32 ":", whose, place->leaf, place->subleaf);
    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
        printf(" 0x%08" PRIx32, vhv_cpuid_get(table, place->leaf, place->subleaf, reg));
    putchar('\n');
}

/* As VMware's logs do: what the guest reads beside what it could. */
static int print_levels(const struct subject *subject)
{
    const struct vhv_cpuid *table = vhv_guest_cpuid_table(subject->guest);
    const struct vhv_cpuid_entry *entry;

    for (size_t i = 0; (entry = vhv_cpuid_at(table, i)); i++) {
        print_level("guest", table, entry);
        print_level("host ", subject->supported, entry);
    }
    return FINE;
}

static int tell_effective(const struct subject *subject, const struct choice *choice)
{
    tell_read_back(subject);
    if (choice->levels)
        return print_levels(subject);
    return print_table(vhv_guest_cpuid_table(subject->guest), choice);
}

static const struct command {
    const char *name;
    const char *takes; /* options, beside --help and --version */
    enum { PROCESSOR, SUPPORTED, GUEST } needs;
    int (*tell)(const struct subject *subject, const struct choice *choice);
} commands[] = {
    {"host", STYLE_OPTIONS "P", PROCESSOR, tell_host},
    {"supported", STYLE_OPTIONS "SD", SUPPORTED, tell_supported},
    {"effective", GUEST_OPTIONS "L", GUEST, tell_effective},
    {"diff", GUEST_OPTIONS, GUEST, diff},
    {"explain", GUEST_OPTIONS, GUEST, explain},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* An option that has no effect would be taken for one that has. */
static int check_options(const struct command *command, const bool *given)
{
    for (const struct option *option = options; option->name; option++) {
        if (given[option->val] && !strchr(command->takes, option->val))
            return complain("--%s changes nothing of what '%s' tells; try vhv-cpuid --help",
                            option->name, command->name);
    }
    if ((given['k'] || given['M']) && (given['S'] || given['P']))
        return complain("--%s makes a guest on this host: leave --supported and --processor out",
                        given['k'] ? "kvm" : "measure");
    if (given['S'] && given['D'])
        return complain("--supported takes the place of a device: leave --device out");
    return FINE;
}

/* Takes what stands behind the command. */
static int read_operands(struct choice *choice, const struct command *command, char **operands)
{
    int status = FINE;

    if (command->tell == explain) {
        if (!*operands)
            return complain("explain what? Give a bit, such as VMX, 1.ecx.5 or 7.0.ebx.FSGSBASE");
        status = place_parse(&choice->place, *operands++);
    }
    if (command->needs == GUEST && *operands)
        choice->config_file = *operands++;
    if (status == FINE && *operands)
        status = complain("'%s' is one argument too many for '%s'; try vhv-cpuid --help", *operands,
                          command->name);
    return status;
}

static int read_vcpu(unsigned long *vcpu, const char *text)
{
    char *end;

    *vcpu = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end)
        return complain("--vcpu: '%s' is not a number, such as 0", text);
    return FINE;
}

static int read_option(struct choice *choice, int option)
{
    switch (option) {
    case 'm':
    case 's':
        choice->lines[choice->line_count++] = (struct line){option == 'm', optarg};
        return FINE;
    case 'N':
        choice->vcpus = optarg;
        return FINE;
    case 'I':
        return read_vcpu(&choice->vcpu, optarg);
    case 'n':
        choice->no_irqchip = true;
        return FINE;
    case 'k':
        choice->with_kvm = true;
        return FINE;
    case 'M':
        choice->with_kvm = choice->measure = true;
        return FINE;
    case 'r':
        choice->style = VHV_CPUID_RAW;
        return FINE;
    case 'd':
        choice->style = VHV_CPUID_DECODED;
        return FINE;
    case 'j':
        choice->style = VHV_CPUID_JSON;
        return FINE;
    case 'L':
        choice->levels = true;
        return FINE;
    case 'S':
        choice->supported_file = optarg;
        return FINE;
    case 'P':
        choice->processor_file = optarg;
        return FINE;
    default:
        choice->device = optarg;
        return FINE;
    }
}

/* Without a command, and FINE: --help or --version have said it all. */
static int read_arguments(struct choice *choice, const struct command **command, int argc,
                          char **argv)
{
    bool given[UCHAR_MAX + 1] = {false};
    int option, status = FINE;

    while (status == FINE && (option = getopt_long(argc, argv, "km:s:", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(usage, stdout);
            return FINE;
        case 'V':
            puts(vhv_version());
            return FINE;
        case '?':
            fputs("Try vhv-cpuid --help.\n", stderr);
            return FAILED;
        default:
            given[option] = true;
            status = read_option(choice, option);
        }
    }
    if (status != FINE)
        return status;
    *command = find_command(argv[optind]);
    if (!*command && argv[optind])
        return complain("there is no command '%s'; try vhv-cpuid --help", argv[optind]);
    if (!*command)
        return complain("a command is missing; try vhv-cpuid --help");
    status = check_options(*command, given);
    return status == FINE ? read_operands(choice, *command, argv + optind + 1) : status;
}

static int run(const struct command *command, const struct choice *choice)
{
    struct subject subject = {0};
    int status = subject_load(&subject, choice);

    if (status == FINE && command->needs != PROCESSOR)
        status = subject_need_supported(&subject);
    if (status == FINE && command->needs == GUEST)
        status = subject_make_guest(&subject, choice);
    /* What is not as it was asked for is no reason not to tell what is. */
    if (status == FINE || subject.guest) {
        int told = command->tell(&subject, choice);

        status = told == FINE ? status : told;
    }
    subject_end(&subject);
    return status;
}

/* Commands that have options of their own. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} others[] = {{"baseline", fleet}, {"capture", fleet}, {"compare", fleet}, {"convert", convert}};

static int run_command(int argc, char **argv)
{
    struct choice choice = {.style = VHV_CPUID_DECODED};
    const struct command *command = NULL;
    int status;

    choice.lines = calloc((size_t)argc, sizeof(choice.lines[0]));
    if (!choice.lines)
        return complain("out of memory");
    status = read_arguments(&choice, &command, argc, argv);
    if (status == FINE && command)
        status = run(command, &choice);
    free(choice.lines);
    return status;
}

int main(int argc, char **argv)
{
    int (*run_it)(int argc, char **argv) = run_command;
    int status;

    for (size_t i = 0; argc > 1 && i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(argv[1], others[i].name) == 0)
            run_it = others[i].run;
    }
    status = run_it(argc, argv);
    if (status != FAILED && (fflush(stdout) != 0 || ferror(stdout)))
        status = complain("cannot write to standard output");
    return status;
}
