#include <libvhv/host.h>

int main(void)
{
    const struct vhv_verdict *verdict;
    struct vhv_host *host = NULL;
    bool can_nest;

    if (vhv_host_new(&host, NULL) < 0) {
        fprintf(stderr, "%s\n", vhv_error_message());
        return 2;
    }
    verdict = vhv_host_verdict(host);
    can_nest = verdict->nesting == VHV_NESTING_YES;
    if (!can_nest)
        printf("%s: %s\n%s\n", vhv_nesting_name(verdict->nesting), verdict->because,
               verdict->remedy);
    vhv_host_free(host);
    return !can_nest;
}
