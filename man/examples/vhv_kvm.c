#include <errno.h>
#include <libvhv/kvm.h>
#include <libvhv/vcpu.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int main(void)
{
    struct vhv_vcpu *vcpu = NULL;
    struct vhv_vm *vm = NULL;
    int khz = -1;

    if (vhv_vm_new(&vm, NULL, NULL) < 0 || vhv_vcpu_new(&vcpu, vm, 0) < 0) {
        fprintf(stderr, "%s\n", vhv_error_message());
    } else {
        khz = ioctl(vhv_vcpu_kvm_fd(vcpu), KVM_GET_TSC_KHZ);
        if (khz < 0)
            fprintf(stderr, "KVM_GET_TSC_KHZ: %s\n", strerror(errno));
        else
            printf("%d kHz\n", khz);
    }
    vhv_vm_free(vm);
    return khz < 0;
}
