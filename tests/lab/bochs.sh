# shellcheck shell=bash
# The Intel lab: Bochs emulates a processor with VT-x and EPT, or one with AMD-V.
#
# There is no BIOS and no boot loader: kernel, base archive and job are one flat image that Bochs
# puts into memory, and the firmware (rom.asm) enters the kernel by PVH. Each of L1's four serial
# ports is a file of this machine: the console, the program's standard output, its standard error
# and the status. They are slow, so artifacts go to a disk, if any are wanted.

# Instructions in a second of guest time. Time-outs in L1 assume a machine of about this speed.
readonly bochs_instructions_per_second=50000000

# More than that Bochs would swap to a file.
readonly bochs_max_memory=2048

# A panic ends the run; with "halt" an idle processor costs nothing. The rest leaves out what takes
# long in an emulator and makes no difference to a test.
readonly bochs_kernel_arguments=(
    console=ttyS0,115200 panic=-1 oops=panic reboot=t idle=halt
    mitigations=off rodata=off init_on_alloc=0 noreplace-smp audit=0 lsm= cryptomgr.notests
    lab.out=/dev/ttyS1 lab.err=/dev/ttyS2 lab.status=/dev/ttyS3
    pata_legacy.probe_mask=1
)

# Where Linux 6.1 spends the second half of its boot: event tracing, type information for BPF, sysfs
# files of the slab allocator, self-tests of cryptography, certificates. A name that the kernel does
# not know does no harm; choose_initcalls boots once to see whether it can do without the others.
readonly bochs_slow_initcalls=(
    trace_eval_init tracer_init_tracefs init_kprobe_trace ftrace_check_for_weak_functions
    bpf_key_sig_kfuncs_init bpf_prog_test_run_init bpf_rstat_kfunc_init bpf_tcp_ca_kfunc_init
    cubictcp_register kfunc_init
    slab_sysfs_init
    blake2s_mod_init crypto_kdf108_init
    load_system_certificate_list
)

emulator_need() {
    need bochs-bin:bochs nasm:nasm python3:python3 unshare:util-linux
}

# emulator_prepare: sets module, that of the vendor, and flat, a directory with the flat kernel
# (image), where it goes and begins (layout) and the initcalls that it can do without (initcalls).
emulator_prepare() {
    : "${memory:=256}" "${timeout:=300}"
    [[ $memory -le $bochs_max_memory ]] || die "Bochs takes at most $bochs_max_memory MiB"
    [[ ! $cpu ]] || check_cpu
    case $vendor in
    intel)
        module=kvm-intel
        : "${cpu:=corei7_haswell_4770}"
        ;;
    amd-bochs)
        module=kvm-amd
        : "${cpu:=ryzen}"
        ;;
    esac
    kernel_prepare
    initramfs_prepare "$kernel/modules" "$module" ${out:+pata_legacy sd_mod}
    flat=$cache/flat-$(fingerprint "$kernel" "$lab"/{bochs.sh,image.py,rom.asm})
    cached "$flat" flat_make
}

check_cpu() {
    local models
    models=$(bochs-bin --help cpu 2>&1) || :
    grep -qxF -e "$cpu" <<<"$models" || die "Bochs has no model $cpu: see 'bochs-bin --help cpu'"
}

# flat_make DIR
flat_make() {
    local flat=$1
    python3 "$lab/image.py" "$kernel/vmlinux" "$flat/image" >"$flat/layout" ||
        die "image.py cannot lay out $kernel/vmlinux"
    choose_initcalls
}

choose_initcalls() {
    local program=@/bin/true arguments=() files=() timeout=120
    job_build "$work/job.in"
    (IFS=, && printf '%s' "${bochs_slow_initcalls[*]}") >"$flat/initcalls"
    if ! boots; then
        : >"$flat/initcalls"
        boots || report_status "$status_lab_failed"
        printf 'lab: this kernel needs its slow initcalls\n' >&2
    fi
}

boots() {
    emulator_run || :
    [[ $(tail -n 1 "$work/status") == 'exit 0' ]]
}

# emulator_run: runs $work/job.in; leaves out, err, status, artifacts, console and emulator.log in
# $work. Returns the emulator's status, that of timeout(1) when the time is over.
emulator_run() {
    local isolate=(unshare --net) status=0
    # Root can do without user namespaces, which not every machine allows.
    [[ $EUID -eq 0 ]] || isolate+=(--map-root-user)
    rm -f -- "$work"/{console,out,err,status,artifacts}
    # Bochs makes a port's file when the first byte comes.
    touch "$work"/{console,out,err,status}
    write_machine
    # The display listens for viewers at every address, so the emulator gets a network of its own.
    run_limited "$timeout" "${isolate[@]}" setpriv --pdeathsig KILL \
        env -C "$work" bochs-bin -q -f "$work/bochsrc" -rc "$work/debugger" \
        </dev/null >"$work/emulator.log" 2>&1 || status=$?
    # Which plug-ins it has loaded is of no use to anybody.
    sed -i '/^0*i\[/d' "$work/emulator.log"
    return "$status"
}

# write_machine: the image of memory, the firmware and Bochs' configuration.
write_machine() {
    local address entry kernel_bytes image_bytes
    read -r address entry <"$flat/layout"
    cat "$flat/image" "$initramfs/initramfs.cpio" "$work/job.in" >"$work/image" ||
        die "cannot write the image of L1's memory"
    kernel_bytes=$(stat -c %s "$flat/image")
    image_bytes=$(stat -c %s "$work/image")
    kernel_arguments >"$work/cmdline"
    # It looks for the command line where it runs.
    env -C "$work" nasm -f bin -Wall -Werror -o rom \
        -D IMAGE="$address" -D IMAGE_END="$((address + image_bytes))" -D ENTRY="$entry" \
        -D INITRAMFS="$((address + kernel_bytes))" \
        -D INITRAMFS_BYTES="$((image_bytes - kernel_bytes))" \
        -D MEMORY_END="$((memory << 20))" -D CPUS="$smp" "$lab/rom.asm" ||
        die "nasm fails on rom.asm"
    bochs_configuration "$address" >"$work/bochsrc"
    # The debugger is part of Debian's build.
    printf 'continue\nquit\n' >"$work/debugger"
}

kernel_arguments() {
    local arguments=("${bochs_kernel_arguments[@]}" "${kvm_arguments[@]/#/${module/-/_}.}")
    arguments+=("initcall_blacklist=$(<"$flat/initcalls")")
    [[ ! $out ]] || arguments+=(lab.artifacts=/dev/sda)
    [[ $verbose ]] || arguments+=(quiet)
    printf '%s' "${arguments[*]}"
}

# bochs_configuration ADDRESS: of the image.
bochs_configuration() {
    local parts=(
        "cpu: model=$cpu, count=$smp, ips=$bochs_instructions_per_second, reset_on_triple_fault=0"
        "memory: guest=$memory, host=$memory"
        "romimage: file=rom"
        # Some video BIOS there must be.
        "vgaromimage: file=rom"
        "optramimage1: file=image, address=$1"
        "com1: enabled=1, mode=file, dev=console"
        "com2: enabled=1, mode=file, dev=out"
        "com3: enabled=1, mode=file, dev=err"
        "com4: enabled=1, mode=file, dev=status"
        # The speaker would open this machine's sound card.
        "plugin_ctrl: speaker=0"
        "ata1: enabled=0"
        "clock: sync=none, time0=utc"
        "config_interface: textconfig"
        "display_library: rfb, options=\"timeout=0\""
        "log: /dev/null"
        "panic: action=fatal"
        "error: action=ignore"
        "info: action=ignore"
        "debug: action=ignore"
    )
    if [[ $out ]]; then
        # 1024 cylinders of Bochs' size, of which those are stored that are written to.
        truncate -s "$((1024 * 16 * 63 * 512))" "$work/artifacts"
        parts+=("ata0-master: type=disk, mode=flat, path=artifacts, cylinders=0")
    else
        parts+=("ata0: enabled=0")
    fi
    printf '%s\n' "${parts[@]}"
}
