# shellcheck shell=bash
# The kernel of L1: a Debian kernel package, unpacked into the cache and never installed.

readonly kernel_pattern='^linux-image-6\.1\.0-[0-9]+-cloud-amd64$'
readonly kernel_modules='(kvm.*|irqbypass|ccp|virtio.*'\
'|libata|pata_legacy|scsi_common|scsi_mod|sd_mod)\.ko'

# kernel_prepare: sets kernel to a directory with vmlinux (the ELF file) and modules/*.ko.
# VHV_LAB_KERNEL names another package than the newest that matches.
kernel_prepare() {
    local newest=$cache/kernel/newest-${VHV_LAB_KERNEL:-cloud} offer package version
    # A look-up takes half a second, and what apt offers changes only with its lists.
    if [[ ! $newest -nt /var/lib/apt/lists ]]; then
        offer=$(kernel_offer)
        [[ $offer || -s $newest ]] ||
            die "apt offers no package ${VHV_LAB_KERNEL:-like $kernel_pattern}: on Debian 12," \
                "'apt-get update' as root helps"
        mkdir -p -- "$cache/kernel"
        printf '%s\n' "${offer:-$(<"$newest")}" >"$work/newest"
        mv -- "$work/newest" "$newest"
    fi
    read -r package version <"$newest"
    kernel=$cache/kernel/${package}_${version}_$(fingerprint "$lab/kernel.sh")
    cached "$kernel" kernel_unpack "$package=$version"
}

# "PACKAGE VERSION" of the newest kernel, nothing if apt knows none.
kernel_offer() {
    local package=${VHV_LAB_KERNEL-}
    [[ $package ]] || package=$(apt-cache search --names-only "$kernel_pattern" |
        cut -d ' ' -f 1 | sort -V | tail -n 1)
    apt-cache show --no-all-versions "$package" 2>/dev/null |
        sed -n "s/^Version: /$package /p" || :
}

# kernel_unpack PACKAGE=VERSION DIR
kernel_unpack() {
    local package=$1 dir=$2 log=$work/download.log
    printf 'lab: fetching %s\n' "$package" >&2
    # As root apt would drop to a user who may not write here.
    run_child env -C "$dir" apt-get -q -o APT::Sandbox::User=root download "$package" \
        >"$log" 2>&1 || die "cannot download $package: $(tail -n 1 "$log")"
    dpkg-deb -x "$dir"/*.deb "$dir/package"
    vmlinux_from_bzimage "$dir"/package/boot/vmlinuz-* "$dir/vmlinux"
    mkdir "$dir/modules"
    find "$dir/package" -regextype posix-extended -regex ".*/$kernel_modules" \
        -exec mv -t "$dir/modules" {} +
    rm -r -- "$dir/package" "$dir"/*.deb
}

# vmlinux_from_bzimage BZIMAGE ELF: the emulators enter the ELF file by PVH; a guest that unpacks
# its own kernel takes seconds in QEMU and a minute in Bochs. The offsets are those of setup_sects,
# payload_offset and payload_length in Linux's "The Linux/x86 Boot Protocol".
vmlinux_from_bzimage() {
    local image=$1 elf=$2 sectors offset length magic unpack
    sectors=$(number_at "$image" 0x1f1 1)
    offset=$((((sectors ? sectors : 4) + 1) * 512 + $(number_at "$image" 0x248 4)))
    length=$(number_at "$image" 0x24c 4)
    magic=$(od -A n -t x1 -j "$offset" -N 4 "$image" | tr -d ' ')
    case $magic in
    02214c18) unpack=lz4 ;;
    fd377a58) unpack=xz ;;
    28b52ffd) unpack=zstd ;;
    *) die "the payload of ${image##*/} is neither lz4, xz nor zstd (it begins with $magic)" ;;
    esac
    # The last four bytes, the length of the ELF file, are no part of the compressed stream.
    head -c "$((offset + length - 4))" "$image" | tail -c "+$((offset + 1))" |
        "$unpack" -dc >"$elf" || die "cannot unpack the payload of ${image##*/}"
    [[ $(head -c 4 "$elf") == $'\x7fELF' ]] || die "the payload of ${image##*/} is no ELF file"
}

# number_at FILE OFFSET BYTES: the little-endian number there.
number_at() {
    od -A n -t "u$3" --endian=little -j "$2" -N "$3" "$1" | tr -d ' '
}
