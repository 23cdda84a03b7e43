/* SPDX-License-Identifier: MIT */
/* Descriptors, mappings, the log, and failing on demand. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_model.h"

enum { MOST_OBJECTS = 128 };

struct fake_kvm fake_kvm;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct vhv_kvm_ops *kernel_ops;
static struct fake_object objects[MOST_OBJECTS]; /* fd 0: free */
static struct kvm_run *mappings[MOST_OBJECTS];
static struct fake_vm *youngest_vm;

/* A use that the kernel would not notice, or would answer by breaking something else. */
static void misuse(const char *what)
{
    fprintf(stderr, "fake KVM: %s\n", what);
    abort();
}

/* Counts a call. Returns 0, or -errno if it is the one to fail. */
static int enter(const char *name)
{
    struct fake_call *call = &fake_kvm.log[fake_kvm.calls++ % FAKE_LOG_CALLS];

    call->name = name;
    call->result = fake_kvm.calls == fake_kvm.fail_call ? -fake_kvm.fail_errno : 0;
    return call->result;
}

static int leave(int result)
{
    fake_kvm.log[(fake_kvm.calls - 1) % FAKE_LOG_CALLS].result = result;
    pthread_mutex_unlock(&lock);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

static struct fake_object *find(int fd)
{
    for (int i = 0; i < MOST_OBJECTS; i++) {
        if (fd > 0 && objects[i].fd == fd)
            return &objects[i];
    }
    return NULL;
}

/* Real descriptors, so that nothing else has their numbers and the statistics can be read. */
int fake_object_new(enum fake_kind kind, struct fake_vm *vm, struct fake_vcpu *vcpu)
{
    for (int i = 0; i < MOST_OBJECTS; i++) {
        if (objects[i].fd)
            continue;
        objects[i] = (struct fake_object){
            .fd = memfd_create("fake KVM", MFD_CLOEXEC), .kind = kind, .vm = vm, .vcpu = vcpu};
        if (objects[i].fd < 0)
            misuse("no memory file");
        if (kind == FAKE_VM) {
            vm->older = youngest_vm;
            youngest_vm = vm;
        }
        return objects[i].fd;
    }
    misuse("too many descriptors");
    return -EMFILE;
}

static void free_object(struct fake_object *object)
{
    close(object->fd);
    object->fd = 0;
    if (object->kind == FAKE_VCPU)
        fake_vcpu_free(object->vcpu);
    if (object->kind == FAKE_VM) {
        if (youngest_vm == object->vm)
            youngest_vm = object->vm->older;
        fake_vm_unref(object->vm);
    }
}

static int fake_open(const char *path, int flags)
{
    int result;

    pthread_mutex_lock(&lock);
    if (!(flags & O_CLOEXEC) || strcmp(path, "/dev/kvm") != 0)
        misuse("only /dev/kvm, and close-on-exec");
    result = enter("open");
    return leave(result < 0 ? result : fake_object_new(FAKE_SYSTEM, NULL, NULL));
}

static int fake_close(int fd)
{
    struct fake_object *object;

    pthread_mutex_lock(&lock);
    object = find(fd);
    if (!object)
        misuse("close of a descriptor that is not open");
    free_object(object);
    pthread_mutex_unlock(&lock);
    return 0;
}

static const struct fake_ioctl *find_ioctl(enum fake_kind kind, unsigned long request)
{
    static const struct fake_ioctl *const tables[] = {
        [FAKE_SYSTEM] = fake_system_ioctls,
        [FAKE_VM] = fake_vm_ioctls,
        [FAKE_VCPU] = fake_vcpu_ioctls,
    };

    if (kind == FAKE_STATS)
        misuse("ioctl on statistics");
    for (const struct fake_ioctl *known = tables[kind]; known->name; known++) {
        if (known->request == request)
            return known;
    }
    return NULL;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
    struct fake_object *object;
    const struct fake_ioctl *known;
    int result;

    pthread_mutex_lock(&lock);
    object = find(fd);
    if (!object)
        misuse("ioctl on a descriptor that is not open");
    known = find_ioctl(object->kind, request);
    result = enter(known ? known->name : "unknown ioctl");
    if (result == 0)
        result = known ? known->handler(object, argument) : -ENOTTY;
    return leave(result);
}

static void *fake_mmap(int fd, size_t bytes)
{
    struct fake_object *object;
    void *run = MAP_FAILED;
    int result;

    pthread_mutex_lock(&lock);
    object = find(fd);
    if (!object || object->kind != FAKE_VCPU || object->vcpu->run || bytes != FAKE_RUN_BYTES)
        misuse("mmap of something else than a vCPU's page, or twice");
    result = enter("mmap");
    for (int i = 0; result == 0 && run == MAP_FAILED; i++) {
        if (mappings[i])
            continue;
        run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (run == MAP_FAILED)
            misuse("no memory");
        mappings[i] = object->vcpu->run = run;
    }
    leave(result);
    return run;
}

static int fake_munmap(void *address, size_t bytes)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_OBJECTS; i++) {
        if (objects[i].fd && objects[i].kind == FAKE_VCPU && objects[i].vcpu->run == address)
            objects[i].vcpu->run = NULL;
    }
    for (int i = 0; i < MOST_OBJECTS; i++) {
        if (address && mappings[i] == address && bytes == FAKE_RUN_BYTES) {
            mappings[i] = NULL;
            munmap(address, bytes);
            pthread_mutex_unlock(&lock);
            return 0;
        }
    }
    misuse("munmap of what is not mapped");
    return -1;
}

void fake_kvm_install(enum vhv_vendor vendor)
{
    static const struct vhv_kvm_ops ops = {
        .open = fake_open,
        .close = fake_close,
        .ioctl = fake_ioctl,
        .mmap = fake_mmap,
        .munmap = fake_munmap,
    };

    if (!kernel_ops)
        kernel_ops = vhv_kvm_ops;
    vhv_kvm_ops = &ops;
    memset(&fake_kvm, 0, sizeof(fake_kvm));
    fake_kvm.vendor = vendor;
    fake_kvm.api_version = KVM_API_VERSION;
    fake_kvm.nested = true;
    fake_kvm.missing_capability = -1;
}

void fake_kvm_remove(void)
{
    for (int i = 0; i < MOST_OBJECTS; i++) {
        if (objects[i].fd)
            free_object(&objects[i]);
        if (mappings[i])
            munmap(mappings[i], FAKE_RUN_BYTES);
        mappings[i] = NULL;
    }
    youngest_vm = NULL;
    if (kernel_ops)
        vhv_kvm_ops = kernel_ops;
}

unsigned fake_kvm_descriptors(void)
{
    unsigned count = 0;

    for (int i = 0; i < MOST_OBJECTS; i++)
        count += objects[i].fd != 0;
    return count;
}

unsigned fake_kvm_mappings(void)
{
    unsigned count = 0;

    for (int i = 0; i < MOST_OBJECTS; i++)
        count += mappings[i] != NULL;
    return count;
}

const struct kvm_userspace_memory_region *fake_kvm_slot(unsigned slot)
{
    return youngest_vm && youngest_vm->slots[slot].memory_size ? &youngest_vm->slots[slot] : NULL;
}

unsigned fake_kvm_slots(void)
{
    unsigned count = 0;

    for (unsigned slot = 0; slot < FAKE_SLOTS; slot++)
        count += fake_kvm_slot(slot) != NULL;
    return count;
}

void fake_kvm_write_page(unsigned slot, uint64_t page)
{
    if (!fake_kvm_slot(slot) || !youngest_vm->dirty[slot])
        misuse("the slot has no dirty log");
    youngest_vm->dirty[slot][page / 64] |= UINT64_C(1) << page % 64;
}

bool fake_kvm_msr_is_allowed(uint32_t index, bool is_write)
{
    return fake_vm_msr_is_allowed(youngest_vm, index, is_write);
}

uint64_t fake_kvm_msr_exits(void)
{
    return youngest_vm->msr_exits;
}

unsigned fake_kvm_count(const char *name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake_kvm.calls && i < FAKE_LOG_CALLS; i++)
        count += strcmp(fake_kvm.log[i].name, name) == 0;
    return count;
}
