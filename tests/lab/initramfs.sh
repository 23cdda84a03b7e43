# shellcheck shell=bash
# What L1 runs from: the base archive (init, busybox, modules, the C library) and each run's job
# (program, its libraries, files, command line). Both are cpio archives in the kernel's "newc"
# format; their entries belong to root whoever makes them, and device nodes come from devtmpfs.

# initramfs_prepare MODULE_DIR MODULE...: sets initramfs to a directory with initramfs.cpio and
# files, the list of what it took from this machine. L1 loads the modules in this order, each after
# those that it depends on.
initramfs_prepare() {
    local key
    key=$(fingerprint "$*" "$lab/init.c" "$lab/initramfs.sh" \
        "$(stat -L -c '%n %s %Y' "$(command -v busybox)" /lib64/ld-linux-x86-64.so.2 \
            /etc/ld.so.cache)")
    initramfs=$cache/initramfs-$key
    cached "$initramfs" initramfs_build "$@"
}

initramfs_build() {
    local modules=$1 names=("${@:2:$#-2}") dir=${*: -1} root=$work/base name
    mkdir -p "$root"/{bin,dev,lab/modules,out,proc,root,sys}
    mkdir -m 1777 "$root/tmp"
    gcc -static -O2 -Wall -Wextra -o "$root/init" "$lab/init.c" ||
        die "cannot build init.c: is libc6-dev installed?"
    cp -- "$(command -v busybox)" "$root/bin/busybox"
    ! ldd "$root/bin/busybox" >/dev/null 2>&1 ||
        die "busybox needs shared libraries: install busybox-static"
    for name in $(busybox --list); do
        [[ -e $root/bin/$name ]] || ln -s busybox "$root/bin/$name"
    done
    for name in "${names[@]}"; do
        add_module "$modules" "$name" "$root/lab/modules"
    done
    # The C library is most of what the usual job would bring; by the cache the dynamic linker
    # finds libraries where it finds them here.
    linked_files "$(command -v gcc)" | grep -E '/(libc|ld-linux-x86-64)\.so' >"$dir/files"
    printf '/etc/ld.so.cache\n' >>"$dir/files"
    xargs -d '\n' cp --dereference --parents -t "$root" -- <"$dir/files"
    archive "$root" >"$dir/initramfs.cpio"
    rm -r -- "$root"
}

# What no module needs here, but takes the kernel long to link: type information, tables for stack
# traces and of the places that a tracer can patch.
readonly module_ballast=(.BTF .BTF_ids .orc_unwind .orc_unwind_ip __mcount_loc)

# add_module FROM NAME TO: copies NAME.ko after the modules it depends on, and lists it in TO/order.
add_module() {
    local from=$1 name=$2 to=$3 dependency
    [[ ! -e $to/$name.ko ]] || return 0
    [[ -e $from/$name.ko ]] || die "the kernel package has no module $name"
    objcopy --strip-unneeded "${module_ballast[@]/#/--remove-section=}" \
        "${module_ballast[@]/#/--remove-section=.rela}" "$from/$name.ko" "$to/$name.ko"
    # The section .modinfo is a run of NUL-terminated key=value strings.
    for dependency in $(sed -zn 's/^depends=//p' "$from/$name.ko" | tr ',\0' '  '); do
        add_module "$from" "$dependency" "$to"
    done
    printf '/lab/modules/%s.ko\n' "$name" >>"$to/order"
}

# job_build CPIO: the job that the options describe: program (a path, or @path in L1), arguments,
# files (SRC or SRC:DEST) and environment.
job_build() {
    local root=$work/job path=${program#@} file name executables
    mkdir -p "$root/lab"
    if [[ $program != @* ]]; then
        [[ -f $program && -x $program ]] || die "$program is not an executable file"
        path=$(realpath -- "$program")
        add_file "$root" "$program" "$path"
    fi
    for file in "${files[@]}"; do
        if [[ $file == *:* ]]; then
            add_file "$root" "${file%%:*}" "${file#*:}"
        else
            add_file "$root" "$file" "$(realpath -s -- "$file")"
        fi
    done
    # By their own paths, from which $ORIGIN counts.
    mapfile -d '' executables < <(find -L "$root" -type f -perm -u+x -print0 |
        xargs -0 -r realpath -z --)
    if [[ ${#executables[@]} -gt 0 ]]; then
        linked_files "${executables[@]}" >"$work/linked"
        { grep -vxFf "$initramfs/files" "$work/linked" || :; } |
            xargs -r -d '\n' cp -n --symbolic-link --parents -t "$root" --
    fi
    for name in "${!environment[@]}"; do
        printf '%s=%s\0' "$name" "${environment[$name]}"
    done >"$root/lab/command"
    printf '%s\0' '' "$path" "${arguments[@]}" >>"$root/lab/command"
    [[ $(wc -c <"$root/lab/command") -lt 65536 ]] || die "arguments and environment exceed 64 KiB"
    archive "$root" --dereference >"$1"
    rm -r -- "$root"
}

# add_file ROOT SRC DEST: puts SRC into the tree at DEST, by a symbolic link.
add_file() {
    local root=$1 source=$2 destination=$3
    [[ -r $source ]] || die "cannot read $source"
    [[ $destination == /* ]] || die "$destination is not an absolute path"
    [[ ! $destination =~ ^/(dev|proc|sys)(/|$) ]] || die "L1 would hide $destination"
    mkdir -p -- "$root${destination%/*}"
    ln -s -- "$(realpath -- "$source")" "$root$destination"
}

# linked_files PROGRAM...: the paths of their shared libraries; a static program has none.
linked_files() {
    local output missing
    output=$(ldd -- "$@" 2>/dev/null) || :
    missing=$(grep 'not found' <<<"$output") || :
    [[ ! $missing ]] || die "a shared library is missing: $missing"
    sed -n 's/^\t\(.* => \)\?\(\/.*\) (0x[0-9a-f]*)$/\2/p' <<<"$output" | sort -u
}

# archive TREE [--dereference]: a newc archive of what is below TREE on standard output.
archive() {
    (
        cd -- "$1" || exit
        find ${2:+-L} . -mindepth 1 -print0 | LC_ALL=C sort -z |
            cpio --quiet --null --create --format=newc --io-size=65536 --owner=+0:+0 ${2:+"$2"}
    )
}
