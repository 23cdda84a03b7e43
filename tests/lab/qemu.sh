# shellcheck shell=bash
# The AMD lab: QEMU's TCG emulates a processor with SVM and nested paging.
#
# A template is an L1 that has booted and waits for a job: its memory is a file, the rest of its
# state another. A run maps the memory copy-on-write and goes on from there, in a tenth of the time
# of a boot.

emulator_need() {
    need qemu-system-x86_64:qemu-system-x86
}

# emulator_prepare: sets machine, the emulator's command line, and unless this run is to boot,
# template.
emulator_prepare() {
    local emulator
    emulator=$(command -v qemu-system-x86_64)
    : "${cpu:=max}" "${memory:=256}" "${timeout:=60}"
    # Counted time must not depend on when the job comes in.
    [[ ! $icount ]] || cold=yes
    kernel_prepare
    initramfs_prepare "$kernel/modules" virtio_pci virtio_console kvm-amd
    machine=(
        "$emulator" -nodefaults -no-user-config -display none -no-reboot
        -machine "pc,memory-backend=ram" -cpu "$cpu" -smp "$smp" -m "$memory"
        # With a thread for each processor L1 hangs now and then.
        -accel "tcg,thread=single"
        -kernel "$kernel/vmlinux" -append "$(kernel_arguments)"
        -device "isa-debug-exit,iobase=0x8900,iosize=1"
        # With an ioeventfd the end of the emulator could overtake a port's last data.
        -device "virtio-serial-pci,ioeventfd=off"
    )
    # Nor on the host's clock and randomness.
    [[ ! $icount ]] ||
        machine+=(-icount "shift=1,sleep=off" -seed 1 -rtc "base=2020-01-01,clock=vm")
    template=
    if [[ ! $cold ]]; then
        template=$cache/template-$(fingerprint "${machine[*]}" "$initramfs" "$lab/qemu.sh" \
            "$(stat -L -c '%s %Y' "$emulator")")
        cached "$template" template_make
    fi
}

kernel_arguments() {
    local arguments=(
        console=ttyS0 panic=-1 mitigations=off cryptomgr.notests
        # An emulated clock under load fails the kernel's checks of it.
        tsc=reliable no_timer_check
        "${kvm_arguments[@]/#/kvm_amd.}"
        lab.out=/dev/vport0p1 lab.err=/dev/vport0p2
        lab.status=/dev/vport0p3 lab.artifacts=/dev/vport0p4
    )
    # A template has its job to come; whether a run shows its console is not known yet.
    [[ $cold ]] || arguments+=(lab.job=/dev/vport0p5)
    [[ ! $cold || $verbose ]] || arguments+=(quiet)
    printf '%s' "${arguments[*]}"
}

# emulator_devices: sets ports. The pipe's input is job.in: a file, or when a template is made a FIFO
# in which nothing comes.
emulator_devices() {
    local name number=0
    : >"$work/job.out"
    ports=(-chardev "file,id=console,path=$work/console" -serial chardev:console)
    for name in out err status artifacts; do
        : $((++number))
        ports+=(-chardev "file,id=$name,path=$work/$name"
            -device "virtserialport,nr=$number,chardev=$name")
    done
    [[ $cold ]] ||
        ports+=(-chardev "pipe,id=job,path=$work/job" -device "virtserialport,nr=5,chardev=job")
}

# template_make DIR: boots L1 and keeps it in DIR.
template_make() {
    local dir=$1 monitor ports memory_file
    memory_file=memory-backend-file,id=ram,size=${memory}M,mem-path=$dir/ram,share=on
    mkfifo "$work/job.in" "$work/monitor"
    exec {monitor}<>"$work/monitor"
    emulator_devices
    start_child "${machine[@]}" "${ports[@]}" -initrd "$initramfs/initramfs.cpio" \
        -object "$memory_file" -monitor stdio \
        <&"$monitor" >"$work/monitor.log" 2>"$work/emulator.log"
    template_wait
    # With x-ignore-shared the memory stays where it is, in its file. Stopping L1 first would make
    # restored ones start stopped.
    printf '%s\n' 'migrate_set_capability x-ignore-shared on' "migrate \"exec:cat >$dir/state\"" \
        quit >&"$monitor"
    # The monitor echoes its input with escape sequences.
    { wait_child && [[ -s $dir/state ]]; } ||
        die "QEMU saved no template: $(grep -hv $'\e' "$work"/{monitor,emulator}.log)"
    # Pages that are all zero need no room.
    fallocate --dig-holes "$dir/ram" 2>/dev/null || :
    exec {monitor}>&-
    rm -- "$work"/{job.in,monitor}
}

# Until L1 waits for its job, or is in trouble.
template_wait() {
    local deadline=$((SECONDS + 120))
    until [[ -s $work/status ]]; do
        if [[ $SECONDS -gt $deadline ]] || ! kill -0 "$child" 2>/dev/null; then
            tail -n 20 "$work/emulator.log" "$work/console" >&2
            die "the template's L1 did not boot"
        fi
        sleep 0.1
    done
    [[ $(<"$work/status") == ready ]] || die "init in the template's L1: $(<"$work/status")"
    # Let it come to rest where it waits for the job.
    sleep 0.2
}

# emulator_run: runs $work/job.in; leaves out, err, status, artifacts, console and emulator.log in
# $work. Returns the emulator's status, that of timeout(1) when the time is over.
emulator_run() {
    local ports memory_file
    emulator_devices
    if [[ $template ]]; then
        memory_file=memory-backend-file,id=ram,size=${memory}M,mem-path=$template/ram,share=off
        run_limited "$timeout" "${machine[@]}" "${ports[@]}" -initrd "$initramfs/initramfs.cpio" \
            -object "$memory_file" -incoming defer -monitor stdio \
            2>"$work/emulator.log" >/dev/null <<END
migrate_set_capability x-ignore-shared on
migrate_incoming "exec:cat $template/state"
END
    else
        cat "$initramfs/initramfs.cpio" "$work/job.in" >"$work/initrd"
        run_limited "$timeout" "${machine[@]}" "${ports[@]}" -initrd "$work/initrd" \
            -object "memory-backend-ram,id=ram,size=${memory}M" 2>"$work/emulator.log"
    fi
}
