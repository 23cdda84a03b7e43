#!/bin/bash
# Tests of the lab itself: selftest.sh [VENDOR]. Prints TAP.
# shellcheck disable=SC2317 # the tests are called by name
set -uo pipefail

lab=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
vendor=${1:-amd}
tmp=$(mktemp -d)
trap 'rm -rf -- "$tmp"' EXIT
# Runs leave their temporary files here, if they leave any.
mkdir "$tmp/tmp"
export TMPDIR=$tmp/tmp

said=$("$lab/run" --vendor "$vendor" --skip-missing --prepare 2>&1)
case $? in
0) ;;
77)
    printf '1..0 # SKIP %s\n' "$said"
    exit 0
    ;;
*)
    printf 'Bail out! %s\n' "$said"
    exit 1
    ;;
esac

# in_lab [OPTIONS] [--] PROGRAM...: leaves stdout, stderr and status, says them when a test fails.
in_lab() {
    "$lab/run" --vendor "$vendor" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
    status=$?
}

is_status() {
    [[ $status -eq $1 ]]
}

is_output() {
    diff <(printf '%s\n' "$@") "$tmp/stdout" >"$tmp/diff"
}

# build NAME [GCC ARGUMENT...]: a program from the C on standard input.
build() {
    gcc -x c -Wall -Wextra -Werror -o "$tmp/$1" - "${@:2}"
}

build kvm <<'END'
#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* Says whether KVM offers its guests the vendor's virtualization. */
int main(void)
{
    static struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[256];
    } cpuid = {.head.nent = 256};
    unsigned int a, b, c, d, leaf, bit;
    int kvm = open("/dev/kvm", O_RDWR);

    if (kvm < 0) {
        printf("no /dev/kvm\n");
        return 1;
    }
    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != 12 || ioctl(kvm, KVM_CREATE_VM, 0) < 0 ||
        ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) < 0)
        return 2;
    __cpuid(0, a, b, c, d);
    leaf = b == signature_INTEL_ebx ? 1 : 0x80000001;
    bit = b == signature_INTEL_ebx ? 5 : 2;
    for (unsigned int i = 0; i < cpuid.head.nent; i++) {
        if (cpuid.entries[i].function == leaf)
            printf("nested %s\n", cpuid.entries[i].ecx >> bit & 1 ? "yes" : "no");
    }
    return 0;
}
END

test_kvm_offers_nested_virtualization() {
    in_lab "$tmp/kvm"
    is_status 0 && is_output 'nested yes'
}

test_kvm_args_nested_off_takes_it_away() {
    in_lab --kvm-args nested=0 "$tmp/kvm"
    is_status 0 && is_output 'nested no'
}

test_qemu_kvm_args_reach_the_module() {
    in_lab --kvm-args 'nested=1 npt=0' @/bin/cat /sys/module/kvm_amd/parameters/{nested,npt}
    is_status 0 && is_output 1 N
}

test_qemu_cpu_without_svm_has_no_kvm() {
    in_lab --cpu max,-svm "$tmp/kvm"
    is_status 1 && is_output 'no /dev/kvm'
}

test_exit_status_is_the_programs() {
    local expected statuses=(0 1 77 255)
    # Every run is a boot there.
    [[ $vendor == amd ]] || statuses=(255)
    for expected in "${statuses[@]}"; do
        in_lab @/bin/sh -c "exit $expected"
        is_status "$expected" || return
    done
}

test_signal_gives_128_and_its_number() {
    in_lab @/bin/sh -c 'kill -SEGV $$'
    is_status 139
}

test_timeout_ends_and_says_so() {
    local limit=2
    [[ $vendor == amd ]] || limit=40
    # In Bochs sleep would not take long.
    in_lab --timeout "$limit" @/bin/sh -c 'echo begun; while :; do :; done'
    is_status 124 && is_output begun && grep -q "time limit of $limit seconds" "$tmp/stderr"
}

test_panic_of_the_kernel_is_a_failure_of_the_lab() {
    in_lab @/bin/sh -c 'echo c >/proc/sysrq-trigger'
    is_status 125 && grep -q 'ended without a result' "$tmp/stderr" &&
        grep -q 'sysrq' "$tmp/stderr"
}

test_output_comes_byte_for_byte() {
    head -c 100000 /dev/urandom >"$tmp/bytes"
    in_lab --file "$tmp/bytes:/bytes" @/bin/cat /bytes
    is_status 0 && cmp -s "$tmp/bytes" "$tmp/stdout"
}

test_standard_error_is_apart() {
    in_lab @/bin/sh -c 'echo to out; echo to err >&2'
    is_status 0 && is_output 'to out' && diff <(echo 'to err') "$tmp/stderr"
}

test_standard_input_is_empty() {
    in_lab @/bin/wc -c <<<'not for L1'
    is_status 0 && is_output 0
}

test_arguments_and_environment_come_unchanged() {
    # shellcheck disable=SC2016 # for the shell in L1
    in_lab --env 'A=x  y' --env B= --env HOME=/h @/bin/sh -c \
        'printf "<%s>" "$@" "$A" "${B-unset}" "$HOME"' sh 'a  b' '' $'c\nd' '*'
    is_status 0 && [[ $(<"$tmp/stdout") == $'<a  b><><c\nd><*><x  y><></h>' ]]
}

test_out_brings_artifacts_back() {
    in_lab --out "$tmp/artifacts" @/bin/sh -c \
        'mkdir /out/d; echo one >/out/a; head -c 3000000 /dev/zero >/out/d/zero; exit 3'
    is_status 3 && [[ $(<"$tmp/artifacts/a") == one ]] &&
        cmp -s <(head -c 3000000 /dev/zero) "$tmp/artifacts/d/zero"
}

test_file_brings_files_and_directories() {
    mkdir -p "$tmp/tree/sub"
    echo one >"$tmp/tree/a"
    ln -s ../a "$tmp/tree/sub/link"
    in_lab --file "$tmp/tree/a" --file "$tmp/tree:/some/where" @/bin/cat \
        "$tmp/tree/a" /some/where/sub/link
    is_status 0 && is_output one one
}

test_program_brings_its_libraries() {
    mkdir -p "$tmp/lib"
    build lib/libanswer.so -shared -fPIC <<<'int answer(void) { return 42; }'
    build answer -L"$tmp/lib" -lanswer -Wl,-rpath,"\$ORIGIN/lib" \
        <<<'int answer(void); int main(void) { return answer(); }'
    in_lab "$tmp/answer"
    is_status 42
}

test_qemu_static_program_runs() {
    build static -static <<<'int main(void) { return 9; }'
    in_lab "$tmp/static"
    is_status 9
}

test_program_that_is_not_there_is_a_failure_of_the_lab() {
    in_lab "$tmp/nowhere"
    is_status 125 && grep -q "$tmp/nowhere" "$tmp/stderr" || return
    in_lab @/bin/nowhere
    is_status 125 && grep -q /bin/nowhere "$tmp/stderr"
}

test_unknown_option_is_refused() {
    in_lab --no-such-option @/bin/true
    is_status 125 && grep -q -e --no-such-option "$tmp/stderr"
}

test_missing_package_is_named() {
    mkdir "$tmp/bin"
    ln -s /usr/bin/* "$tmp/bin"
    rm "$tmp/bin/lz4"
    PATH=$tmp/bin in_lab @/bin/true
    is_status 125 && grep -q 'missing: lz4$' "$tmp/stderr" || return
    PATH=$tmp/bin in_lab --skip-missing @/bin/true
    is_status 77 && grep -q 'missing: lz4$' "$tmp/stderr"
}

build system <<'END'
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Uses what L1 promises, and says what is amiss. */
int main(void)
{
    struct rlimit core, memlock;
    char *huge = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

    if (huge == MAP_FAILED)
        perror("huge pages");
    else
        memset(huge, 1, 4 << 20);
    if (shm_open("/object", 0102, 0600) < 0)
        perror("/dev/shm");
    if (access("/dev/hugepages", W_OK) < 0 || access("/sys/kernel/debug/kvm", R_OK) < 0 ||
        access("/proc/self", R_OK) < 0 || access("/tmp", W_OK) < 0)
        perror("file systems");
    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_MEMLOCK, &memlock);
    if (core.rlim_cur != 0 || memlock.rlim_cur != RLIM_INFINITY)
        fprintf(stderr, "limits\n");
    printf("uid %d, %ld processors\n", getuid(), sysconf(_SC_NPROCESSORS_ONLN));
    return 0;
}
END

test_system_is_set_up() {
    in_lab "$tmp/system"
    is_status 0 && is_output 'uid 0, 1 processors' && [[ ! -s $tmp/stderr ]]
}

test_smp_gives_processors() {
    in_lab --smp 2 "$tmp/system"
    is_status 0 && is_output 'uid 0, 2 processors'
}

test_cpu_that_is_not_there_is_a_failure_of_the_lab() {
    in_lab --cpu no-such-model @/bin/true
    is_status 125 && grep -q no-such-model "$tmp/stderr"
}

test_qemu_cold_boots() {
    in_lab --cold --memory 128 "$tmp/kvm"
    is_status 0 && is_output 'nested yes'
}

test_verbose_shows_the_kernels_console() {
    in_lab --verbose @/bin/sh -c 'echo mark >/dev/kmsg'
    is_status 0 && grep -q mark "$tmp/stderr"
}

build clock <<'END'
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (volatile int i = 0; i < 1000000; i++)
        ;
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%ld\n", (end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec);
    return 0;
}
END

test_qemu_icount_repeats_time_within_a_percent() {
    local first
    in_lab --icount "$tmp/clock"
    is_status 0 || return
    first=$(<"$tmp/stdout")
    in_lab --icount "$tmp/clock"
    is_status 0 && [[ $((($(<"$tmp/stdout") - first) * 100 / first)) -eq 0 ]]
}

test_qemu_runs_in_sequence_all_succeed() {
    local i
    for ((i = 0; i < 20; i++)); do
        in_lab "$tmp/kvm"
        is_status 0 && is_output 'nested yes' || return
    done
}

test_runs_in_parallel_leave_each_other_alone() {
    local i pids=()
    for i in 1 2; do
        "$lab/run" --vendor "$vendor" --out "$tmp/parallel$i" @/bin/sh -c \
            "sleep 1; echo $i >/out/number; exit $i" &
        pids+=($!)
    done
    for i in 1 2; do
        wait "${pids[i - 1]}"
        [[ $? -eq $i && $(<"$tmp/parallel$i/number") -eq $i ]] || return
    done
}

# Whether emulators work for this test: their command lines name its directory.
emulators() {
    grep -qsaE "([q]emu-system|[b]ochs).*$tmp" /proc/[0-9]*/cmdline
}

# eventually COMMAND...: within some seconds.
eventually() {
    local i
    for ((i = 0; i < 100; i++)); do
        "$@" && return
        sleep 0.1
    done
    return 1
}

no_emulators() {
    ! emulators
}

test_killed_run_takes_its_emulator_along() {
    local signal pid
    for signal in TERM KILL; do
        "$lab/run" --vendor "$vendor" @/bin/sleep 1000 2>/dev/null &
        pid=$!
        eventually emulators || return
        kill -"$signal" "$pid"
        wait "$pid" 2>/dev/null
        eventually no_emulators || return
        # Nobody can clean up after SIGKILL.
        [[ $signal == KILL || -z $(ls "$TMPDIR") ]] || return
    done
    rm -rf -- "${TMPDIR:?}"/*
}

test_no_run_left_temporary_files() {
    [[ -z $(ls "$TMPDIR") ]]
}

number=0
failed=0
mapfile -t tests < <(grep -o '^test_[a-z0-9_]*' "${BASH_SOURCE[0]}")
# Bochs lacks what these test.
[[ $vendor == amd ]] || mapfile -t tests < <(printf '%s\n' "${tests[@]}" | grep -v '^test_qemu_')
printf '1..%d\n' "${#tests[@]}"
for name in "${tests[@]}"; do
    : $((++number))
    : >"$tmp/stdout"
    : >"$tmp/stderr"
    status=none
    if "$name"; then
        printf 'ok %d - %s\n' "$number" "${name#test_}"
    else
        failed=1
        printf 'not ok %d - %s\n# status %s\n' "$number" "${name#test_}" "$status"
        head -c 2000 "$tmp/stdout" "$tmp/stderr" | tr -c '[:print:]\n' . | sed 's/^/# /'
    fi
done
exit "$failed"
