/* SPDX-License-Identifier: MIT */
/*
 * PID 1 of the lab's L1: sets up a small system, loads the kernel modules, runs one program and
 * reports how it ended. It knows nothing of the emulator below it; the kernel's command line names
 * the devices:
 *
 *   lab.job=PATH         where the job comes from, a cpio archive; without it the job is in the
 *                        initramfs already
 *   lab.out=PATH         the program's standard output
 *   lab.err=PATH         its standard error
 *   lab.status=PATH      a line "ready" before the job is read, at the end a line "exit N",
 *                        "signal N" or "error TEXT"
 *   lab.artifacts=PATH   what the program left in /out, a tar archive (optional)
 *   MODULE.NAME=VALUE    parameter of a module, as modprobe understands it
 *
 * A job is any files and /lab/command: strings that end with NUL, first the environment, then an
 * empty string, then the program and its arguments.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Bochs ends when "Shutdown" is written to this port; QEMU's isa-debug-exit is put there too. */
#define POWER_OFF_PORT 0x8900

#define MAX_WORDS 1024

static char *settings[MAX_WORDS];
static int status_fd = -1;

static void __attribute__((noreturn)) power_off(void)
{
    tcdrain(status_fd);
    if (ioperm(POWER_OFF_PORT, 1, 1) == 0) {
        for (const char *s = "Shutdown"; *s; s++)
            outb(*s, POWER_OFF_PORT);
    }
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
    int fd = status_fd < 0 ? STDERR_FILENO : status_fd;
    va_list args;

    va_start(args, format);
    dprintf(fd, "error ");
    vdprintf(fd, format, args);
    dprintf(fd, "\n");
    va_end(args);
    power_off();
}

static ssize_t read_file(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = read(fd, buf, size - 1);
    close(fd);
    if (n >= 0)
        buf[n] = '\0';
    return n;
}

/* Splits text into the words between separators and ends the array with NULL. */
static void split(char *text, const char *separators, char *words[MAX_WORDS])
{
    char *save = NULL;
    int count = 0;

    for (char *w = strtok_r(text, separators, &save); w && count < MAX_WORDS - 1;
         w = strtok_r(NULL, separators, &save))
        words[count++] = w;
    words[count] = NULL;
}

/* A kernel without console= opens no file descriptors for its init. */
static void open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

static void mount_filesystems(void)
{
    static const struct {
        const char *type, *dir, *options;
    } mounts[] = {
        {"devtmpfs", "/dev", NULL},
        {"proc", "/proc", NULL},
        {"sysfs", "/sys", NULL},
        {"tmpfs", "/dev/shm", "mode=1777"},
        {"devpts", "/dev/pts", NULL},
        {"hugetlbfs", "/dev/hugepages", NULL},
        {"debugfs", "/sys/kernel/debug", NULL},
    };

    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        mkdir(mounts[i].dir, 0755);
        if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0, mounts[i].options) < 0)
            fprintf(stderr, "lab: cannot mount %s: %m\n", mounts[i].dir);
        if (i == 0)
            open_standard_files();
    }
}

static void set_up_system(void)
{
    static const struct rlimit no_core = {0, 0};
    static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    static char cmdline[4096];
    int fd;

    mount_filesystems();
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_MEMLOCK, &unlimited);
    /* 2 MiB pages for tests of hugetlb memory, reserved while memory is whole. */
    fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY);
    if (fd < 0 || write(fd, "8", 1) < 0)
        fprintf(stderr, "lab: no huge pages: %m\n");
    close(fd);
    if (read_file("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
        fail("cannot read /proc/cmdline: %m");
    split(cmdline, " \n", settings);
}

/* The value of KEY=VALUE on the kernel's command line, NULL if there is none. */
static const char *setting(const char *key)
{
    size_t length = strlen(key);

    for (char **word = settings; *word; word++) {
        if (strncmp(*word, key, length) == 0 && (*word)[length] == '=')
            return *word + length + 1;
    }
    return NULL;
}

/* "kvm_amd.nested=1 kvm_amd.npt=0" on the command line gives kvm-amd.ko "nested=1 npt=0 ". */
static void module_parameters(const char *file, char *params, size_t size)
{
    size_t length = strcspn(file, ".") + 1, used = 0;
    char prefix[64];

    snprintf(prefix, sizeof(prefix), "%.*s", (int)length, file);
    for (char *c = prefix; *c; c++)
        *c = *c == '-' ? '_' : *c;
    params[0] = '\0';
    for (char **word = settings; *word && used < size; word++) {
        if (strncmp(*word, prefix, length) == 0)
            used += snprintf(params + used, size - used, "%s ", *word + length);
    }
}

/* A module that refuses (kvm-amd on a processor without SVM) is a state that tests want to see. */
static void load_modules(void)
{
    char order[4096], params[512], *paths[MAX_WORDS];
    int fd;

    if (read_file("/lab/modules/order", order, sizeof(order)) < 0)
        fail("cannot read /lab/modules/order: %m");
    split(order, "\n", paths);
    for (char **path = paths; *path; path++) {
        module_parameters(basename(*path), params, sizeof(params));
        fd = open(*path, O_RDONLY);
        if (syscall(SYS_finit_module, fd, params, 0) < 0)
            fprintf(stderr, "lab: %s %s: %m\n", *path, params);
        close(fd);
    }
}

/* Opens the device that the setting names; a virtio port shows up some time after its driver. */
static int open_device(const char *key, int flags)
{
    const char *path = setting(key);
    struct termios raw;
    int fd;

    if (!path)
        return -1;
    for (int ms = 0; (fd = open(path, flags | O_NOCTTY | O_CLOEXEC)) < 0; ms++) {
        if (errno != ENOENT || ms == 5000)
            fail("cannot open %s: %m", path);
        usleep(1000);
    }
    if (tcgetattr(fd, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(fd, TCSANOW, &raw);
    }
    return fd;
}

/* Runs argv with the given standard files (-1: the console) and returns its wait status. */
static int run(char *const argv[], char *const envp[], int in, int out, int err)
{
    int status;
    pid_t pid;

    pid = fork();
    if (pid < 0)
        fail("cannot fork: %m");
    if (pid == 0) {
        setsid();
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execve(argv[0], argv, envp);
        fprintf(stderr, "lab: cannot run %s: %m\n", argv[0]);
        _exit(125);
    }
    /* PID 1 reaps whatever its program left behind, too. */
    while (waitpid(-1, &status, 0) != pid)
        ;
    return status;
}

/* Unpacks the job, if it is not there already, and splits its command. */
static void read_job(char *envp[MAX_WORDS], char *argv[MAX_WORDS])
{
    char *const unpack[] = {"/bin/busybox", "cpio", "--quiet", "-idu", NULL};
    static char command[65536];
    char **words = envp;
    int fd, count = 0;
    ssize_t size;

    fd = open_device("lab.job", O_RDONLY);
    if (fd >= 0 && run(unpack, environ, fd, -1, -1) != 0)
        fail("cannot unpack the job");
    close(fd);
    size = read_file("/lab/command", command, sizeof(command));
    if (size < 0)
        fail("cannot read /lab/command: %m");
    for (char *s = command; s < command + size; s += strlen(s) + 1) {
        if (words == envp && *s == '\0') {
            words = argv;
            count = 0;
        } else if (count < MAX_WORDS - 1) {
            words[count++] = s;
        }
    }
}

static void send_artifacts(void)
{
    char *const pack[] = {"/bin/busybox", "tar", "-c", "-C", "/out", ".", NULL};
    int fd;

    /* Fails if the program left anything there. */
    if (rmdir("/out") == 0)
        return;
    fd = open_device("lab.artifacts", O_WRONLY);
    if (fd >= 0 && run(pack, environ, -1, fd, -1) != 0)
        fail("cannot pack /out");
    close(fd);
}

int main(void)
{
    static char *envp[MAX_WORDS], *argv[MAX_WORDS];
    int out, err, status;

    set_up_system();
    load_modules();
    status_fd = open_device("lab.status", O_WRONLY);
    out = open_device("lab.out", O_WRONLY);
    err = open_device("lab.err", O_WRONLY);
    dprintf(status_fd, "ready\n");
    read_job(envp, argv);
    status = run(argv, envp, open("/dev/null", O_RDONLY | O_CLOEXEC), out, err);
    tcdrain(out);
    tcdrain(err);
    send_artifacts();
    if (WIFSIGNALED(status))
        dprintf(status_fd, "signal %d\n", WTERMSIG(status));
    else
        dprintf(status_fd, "exit %d\n", WEXITSTATUS(status));
    power_off();
}
