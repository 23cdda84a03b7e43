# shellcheck shell=bash
# What L1 runs from: the base archive (init, busybox, modules) and each run's job (program, its
# libraries, files, command line). Both are cpio archives in the kernel's "newc" format; their
# entries belong to root whoever makes them, and device nodes come from devtmpfs.

# initramfs_build MODULE_DIR MODULE... DIR: writes DIR/initramfs.cpio. L1 loads the modules in this
# order, each after those that it depends on.
initramfs_build() {
    local modules=$1 names=("${@:2:$#-2}") dir=${*: -1} root=$work/base name
    mkdir -p "$root"/{bin,dev,lab/modules,out,proc,root,sys}
    mkdir -m 1777 "$root/tmp"
    gcc -static -O2 -Wall -Wextra -o "$root/init" "$lab/init.c" ||
        die "cannot build init.c: is libc6-dev installed?"
    cp -- "$(command -v busybox)" "$root/bin/busybox"
    if ldd "$root/bin/busybox" >/dev/null 2>&1; then
        die "busybox needs shared libraries: install busybox-static"
    fi
    for name in $(busybox --list); do
        [[ -e $root/bin/$name ]] || ln -s busybox "$root/bin/$name"
    done
    for name in "${names[@]}"; do
        add_module "$modules" "$name" "$root/lab/modules"
    done
    archive "$root" >"$dir/initramfs.cpio"
    rm -r -- "$root"
}

# add_module FROM NAME TO: copies NAME.ko after the modules it depends on, and lists it in TO/order.
add_module() {
    local from=$1 name=$2 to=$3 dependency
    [[ ! -e $to/$name.ko ]] || return 0
    [[ -e $from/$name.ko ]] || die "the kernel package has no module $name"
    cp -- "$from/$name.ko" "$to/"
    # The section .modinfo is a run of NUL-terminated key=value strings.
    for dependency in $(sed -zn 's/^depends=//p' "$from/$name.ko" | tr ',\0' '  '); do
        add_module "$from" "$dependency" "$to"
    done
    printf '/lab/modules/%s.ko\n' "$name" >>"$to/order"
}

# job_build CPIO: the job that the options describe: program (a path, or @path in L1), arguments,
# files (SRC or SRC:DEST) and environment (NAME=VALUE).
job_build() {
    local root=$work/job path=$program file destination
    mkdir -p "$root/lab"
    if [[ $program == @* ]]; then
        path=${program#@}
    else
        path=$(realpath -s -- "$program")
        add_file "$root" "$program" "$path"
    fi
    for file in "${files[@]}"; do
        destination=${file#*:}
        [[ $file == *:* ]] || destination=$(realpath -s -- "$file")
        add_file "$root" "${file%%:*}" "$destination"
    done
    printf '%s\0' "${environment[@]}" '' "$path" "${arguments[@]}" >"$root/lab/command"
    [[ $(stat -c %s "$root/lab/command") -lt 65536 ]] || die "arguments and environment exceed 64 KiB"
    archive "$root" --dereference >"$1"
    rm -r -- "$root"
}

# add_file ROOT SRC DEST: puts SRC into the tree at DEST and, if it is a program, the files that its
# dynamic linker opens at their own paths.
add_file() {
    local root=$1 source=$2 destination=$3 linked file
    [[ -r $source ]] || die "cannot read $source"
    [[ $destination == /* ]] || die "$destination is not an absolute path"
    [[ ! $destination =~ ^/(dev|proc|sys)(/|$) ]] || die "L1 would hide $destination"
    link_file "$root" "$source" "$destination"
    [[ -f $source && -x $source ]] || return 0
    linked=$(linked_files "$source")
    while read -r file; do
        link_file "$root" "$file" "$file"
    done <<<"$linked"
}

link_file() {
    local root=$1 source=$2 destination=$3
    [[ ! -e $root$destination ]] || return 0
    mkdir -p -- "$root${destination%/*}"
    ln -s -- "$(realpath -- "$source")" "$root$destination"
}

# linked_files PROGRAM: its shared libraries and the linker's cache; nothing if it is static.
linked_files() {
    local output
    output=$(ldd -- "$1" 2>/dev/null) || return 0
    [[ $output != *'not found'* ]] || die "$1: $(grep 'not found' <<<"$output" | tr -d '\t')"
    sed -n 's/^\t\(.* => \)\?\(\/.*\) (0x[0-9a-f]*)$/\2/p' <<<"$output"
    ls /etc/ld.so.cache 2>/dev/null || :
}

# archive TREE [--dereference]: a newc archive of what is below TREE on standard output.
archive() {
    (
        cd -- "$1" || exit
        find ${2:+-L} . -mindepth 1 -print0 | LC_ALL=C sort -z |
            cpio --quiet --null --create --format=newc --owner=+0:+0 ${2:+"$2"}
    )
}
