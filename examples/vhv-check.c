/* SPDX-License-Identifier: MIT */
/* Tells whether this host's guests can be hypervisors, and if not, why not and what to do. */
#include <getopt.h>
#include <libvhv/vhv.h>

enum { CAN_NEST = 0, CANNOT_NEST = 1, FAILED = 2 };

static const char usage[] =
    "Usage: vhv-check [--json] [--quiet] [--device PATH]\n"
    "\n"
    "Tells whether a guest of KVM on this host can be a hypervisor itself: what was found, the\n"
    "verdict, and where it is no, the reason and the remedy.\n"
    "\n"
    "  --json         print a JSON object\n"
    "  --quiet        print nothing\n"
    "  --device PATH  ask this device instead of /dev/kvm\n"
    "  --help         print this\n"
    "  --version      print the library's version\n"
    "\n"
    "Exit status: 0 guests can nest, 1 they cannot, 2 wrong usage or another failure.\n";

enum { OPTION_JSON = 1, OPTION_QUIET, OPTION_DEVICE, OPTION_HELP, OPTION_VERSION };

static const struct option options[] = {
    {"json", no_argument, NULL, OPTION_JSON},           {"quiet", no_argument, NULL, OPTION_QUIET},
    {"device", required_argument, NULL, OPTION_DEVICE}, {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},     {0},
};

static int check(const struct vhv_host_options *host_options, bool quiet, bool json)
{
    struct vhv_host *host = NULL;
    int result = vhv_host_new(&host, host_options);

    if (result == 0 && !quiet)
        result = vhv_host_print(host, stdout, json);
    if (result == 0)
        result = vhv_host_verdict(host)->nesting == VHV_NESTING_YES ? CAN_NEST : CANNOT_NEST;
    if (result < 0 || fflush(stdout) != 0) {
        fprintf(stderr, "vhv-check: %s\n", result < 0 ? vhv_error_message() : "cannot write");
        result = FAILED;
    }
    vhv_host_free(host);
    return result;
}

int main(int argc, char **argv)
{
    struct vhv_host_options host_options = {.size = sizeof(host_options)};
    bool json = false, quiet = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPTION_JSON:
            json = true;
            break;
        case OPTION_QUIET:
            quiet = true;
            break;
        case OPTION_DEVICE:
            host_options.device = optarg;
            break;
        case OPTION_HELP:
            fputs(usage, stdout);
            return 0;
        case OPTION_VERSION:
            puts(vhv_version());
            return 0;
        default:
            fputs("Try vhv-check --help.\n", stderr);
            return FAILED;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "vhv-check: unexpected argument '%s'; try vhv-check --help\n",
                argv[optind]);
        return FAILED;
    }
    return check(&host_options, quiet, json);
}
