/* SPDX-License-Identifier: MIT */
/* vhv-cpuid convert: a configuration's masks in the words of other systems, and theirs as masks. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "vhv-cpuid.h"

static const char usage[] =
    "Usage: vhv-cpuid convert [OPTION]... [FILE]\n"
    "\n"
    "Reads CPUID masks and settings from FILE or the standard input, and writes them in\n"
    "another form. What that form cannot say is told on the standard error.\n"
    "\n"
    "      --from FORM   of FILE; vmx unless it is given, which takes json, too\n"
    "      --to FORM     of what is written; vmx unless it is given\n"
    "      --vendor V    of the hosts that it is for: amd, intel or any. Unless it is given,\n"
    "                    that of this machine's processor\n"
    "      --help        print this\n"
    "\n"
    "  vmx             a configuration, see vhv.vmx(5)\n"
    "  json            the same in JSON, see vhv.json(5)\n"
    "  firecracker     a custom CPU template\n"
    "  qemu            the value of QEMU's option cpu: host,vmx=off\n"
    "  xen             a line of xl.cfg(5): cpuid = \"host,vmx=0\"\n"
    "  xen-registers   the same by registers: cpuid = [\"0x1:ecx=xxx...\"]\n"
    "\n"
    "Exit status: 0 nothing is lost, 1 something is, 2 wrong usage or input, or another\n"
    "failure.\n";

enum { VMX = -1, JSON = -2 };

static const struct word {
    const char *text;
    int value;
} forms[] = {
    {"vmx", VMX},
    {"json", JSON},
    {"firecracker", VHV_CONVERT_FIRECRACKER},
    {"qemu", VHV_CONVERT_QEMU},
    {"xen", VHV_CONVERT_XEN},
    {"xen-registers", VHV_CONVERT_XEN_REGISTERS},
    {0},
};

static const struct word vendors[] = {
    {"any", VHV_VENDOR_ANY},
    {"amd", VHV_VENDOR_AMD},
    {"intel", VHV_VENDOR_INTEL},
    {0},
};

struct request {
    int from;
    int to;
    int vendor;
    const char *file; /* NULL: standard input */
    bool help;
};

static int tell_loss(const struct vhv_config_warning *loss, void *cookie)
{
    (void)cookie;
    fputs("vhv-cpuid: lost: ", stderr);
    if (loss->origin.key) {
        print_origin(stderr, &loss->origin);
        fputs(": ", stderr);
    }
    fprintf(stderr, "%s: %s; %s\n", loss->what, loss->why, loss->remedy);
    return 0;
}

static int read_foreign(struct vhv_config **config, const struct request *request, FILE *stream,
                        const char *name)
{
    char *text = NULL;
    size_t room = 0;
    /* Text has no NUL, so this reads all of it. */
    ssize_t bytes = getdelim(&text, &room, '\0', stream);
    int result;

    if (bytes < 0 && ferror(stream)) {
        free(text);
        return complain("%s: %s", name, strerror(errno));
    }
    result = vhv_config_import(config, (enum vhv_convert_form)request->from, bytes < 0 ? "" : text,
                               bytes < 0 ? 0 : (size_t)bytes, name, tell_loss, NULL);
    free(text);
    if (result < 0)
        return failure(NULL);
    return result > 0 ? NOT_SO : FINE;
}

static int read_any(struct vhv_config **config, const struct request *request)
{
    FILE *stream;
    int status;

    if (request->from < 0)
        return vhv_config_load(config, request->file ? request->file : "/dev/stdin") < 0
                   ? failure(NULL)
                   : FINE;
    if (!request->file)
        return read_foreign(config, request, stdin, "standard input");
    stream = fopen(request->file, "re");
    if (!stream)
        return complain("%s: %s", request->file, strerror(errno));
    status = read_foreign(config, request, stream, request->file);
    fclose(stream);
    return status;
}

static int write_any(const struct vhv_config *config, const struct request *request)
{
    int result;

    if (request->to == VMX)
        result = vhv_config_write(config, stdout);
    else if (request->to == JSON)
        result = vhv_config_write_json(config, stdout);
    else
        result = vhv_config_export(config, (enum vhv_convert_form)request->to,
                                   (enum vhv_vendor)request->vendor, stdout, tell_loss, NULL);
    if (result < 0)
        return failure(NULL);
    return result > 0 ? NOT_SO : FINE;
}

static int read_word(int *value, const struct word *words, const char *option, const char *text)
{
    for (; words->text; words++) {
        if (strcmp(words->text, text) == 0) {
            *value = words->value;
            return FINE;
        }
    }
    return complain("--%s: there is no '%s'; try vhv-cpuid convert --help", option, text);
}

/* What the masks of one vendor's hosts are for, if nobody says. */
static int own_vendor(int *vendor)
{
    struct vhv_cpuid *processor;

    if (vhv_cpuid_read_processor(&processor) < 0)
        return failure(NULL);
    *vendor = vhv_cpuid_vendor(processor);
    vhv_cpuid_free(processor);
    return FINE;
}

static int read_arguments(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"vendor", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option, status = own_vendor(&request->vendor);

    while (status == FINE && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'f')
            status = read_word(&request->from, forms, "from", optarg);
        else if (option == 't')
            status = read_word(&request->to, forms, "to", optarg);
        else if (option == 'v')
            status = read_word(&request->vendor, vendors, "vendor", optarg);
        else if (option == 'h')
            request->help = true;
        else
            return complain("try vhv-cpuid convert --help");
    }
    if (status == FINE && optind < argc && strcmp(argv[optind], "-") != 0)
        request->file = argv[optind];
    if (status == FINE && optind + 1 < argc)
        status = complain("'%s' is one argument too many for 'convert'", argv[optind + 1]);
    return status;
}

int convert(int argc, char **argv)
{
    struct request request = {.from = VMX, .to = VMX};
    struct vhv_config *config = NULL;
    int status, written;

    optind = 2; /* behind the command */
    status = read_arguments(&request, argc, argv);
    if (status == FINE && request.help)
        fputs(usage, stdout);
    if (status != FINE || request.help)
        return status;
    status = read_any(&config, &request);
    if (status != FAILED) {
        written = write_any(config, &request);
        status = written == FINE ? status : written;
    }
    vhv_config_free(config);
    return status;
}
