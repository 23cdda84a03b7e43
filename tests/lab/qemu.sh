# shellcheck shell=bash
# The AMD lab: QEMU's TCG emulates a processor with SVM and nested paging.
#
# A template is an L1 that has booted and waits for a job: its memory is a file, the rest of its
# state another one. A run maps the memory copy-on-write and goes on from there, in a tenth of the
# time of a boot.

qemu_need() {
    need qemu-system-x86_64:qemu-system-x86 busybox:busybox-static lz4:lz4 xz:xz-utils
}

# qemu_prepare: sets machine (the emulator's command line) and, unless the run is to boot, template.
qemu_prepare() {
    local emulator key
    emulator=$(command -v qemu-system-x86_64)
    : "${cpu:=max}" "${memory:=256}" "${timeout:=60}"
    kernel_prepare
    key=$(fingerprint "$kernel" "$lab/init.c" "$lab/initramfs.sh" "$(stat "$(command -v busybox)")")
    cached "$cache/initramfs-$key" initramfs_build "$kernel/modules" \
        virtio_pci virtio_console kvm-amd
    initramfs=$cache/initramfs-$key/initramfs.cpio
    template=
    machine=(
        "$emulator" -nodefaults -no-user-config -display none -no-reboot
        -machine pc,memory-backend=ram -cpu "$cpu" -smp "$smp" -m "$memory"
        # With several threads L1 hangs now and then.
        -accel tcg,thread=single
        -kernel "$kernel/vmlinux"
        -device isa-debug-exit,iobase=0x8900,iosize=1
        -device virtio-serial-pci
    )
    append="console=ttyS0 panic=-1 mitigations=off tsc=reliable no_timer_check"
    append+=" $(module_settings kvm_amd "$kvm_arguments")"
    append+=" lab.out=/dev/vport0p1 lab.err=/dev/vport0p2 lab.status=/dev/vport0p3"
    append+=" lab.artifacts=/dev/vport0p4"
    if [[ $icount ]]; then
        machine+=(-icount "shift=1,sleep=off")
    elif [[ ! $cold ]]; then
        append+=" lab.job=/dev/vport0p5"
        machine+=(-initrd "$initramfs" -append "$append")
        key=$(fingerprint "${machine[*]}" "$lab/qemu.sh" "$(stat "$emulator")")
        template=$cache/template-$key
        cached "$template" template_make
    fi
}

# Where L1's console and virtio ports end.
ports() {
    local console=$1 out=$2 err=$3 job=$4
    printf '%s\0' \
        -chardev "file,id=console,path=$console" -serial chardev:console \
        -chardev "file,id=out,path=$out" -device virtserialport,nr=1,chardev=out \
        -chardev "file,id=err,path=$err" -device virtserialport,nr=2,chardev=err \
        -chardev "file,id=status,path=$work/status" -device virtserialport,nr=3,chardev=status \
        -chardev "file,id=artifacts,path=$work/artifacts" \
        -device virtserialport,nr=4,chardev=artifacts \
        -chardev "pipe,id=job,path=$job" -device virtserialport,nr=5,chardev=job
}

template_make() {
    local dir=$1 ports
    mkfifo "$work/none.in" "$work/monitor"
    : >"$work/none.out"
    : >"$work/status"
    exec {monitor}<>"$work/monitor"
    mapfile -d '' ports < <(ports "$work/console" /dev/null /dev/null "$work/none")
    start_child "${machine[@]}" "${ports[@]}" -monitor stdio \
        -object "memory-backend-file,id=ram,size=${memory}M,mem-path=$dir/ram,share=on" \
        <&"$monitor" >"$work/log"
    until grep -q ready "$work/status"; do
        kill -0 "$child" 2>/dev/null || die "$(tail -n 20 "$work/log" "$work/console")"
        sleep 0.05
    done
    sleep 0.2
    cat >&"$monitor" <<END
migrate_set_capability x-ignore-shared on
migrate "exec:cat > $dir/state"
quit
END
    wait_child || die "the template's emulator failed"
    exec {monitor}>&-
}

qemu_run() {
    local console=$work/console ports output errors memory_backend
    exec {output}> >(exec cat) ; output_pid=$!
    exec {errors}> >(exec cat >&2); errors_pid=$!
    [[ ! $verbose ]] || console=/dev/fd/$errors
    : >"$work/job.out"
    mapfile -d '' ports < <(ports "$console" /dev/fd/$output /dev/fd/$errors "$work/job")
    if [[ $template ]]; then
        run_child timeout -k 2 "$timeout" "${machine[@]}" "${ports[@]}" -monitor stdio \
            -object "memory-backend-file,id=ram,size=${memory}M,mem-path=$template/ram,share=off" -incoming defer >$work/log <<END
migrate_set_capability x-ignore-shared on
migrate_incoming "exec:cat $template/state"
END
    fi
    status=$?
    exec {output}>&- {errors}>&-
    wait $output_pid $errors_pid
    return $status
}
