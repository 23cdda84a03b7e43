# shellcheck shell=bash
# What every part of the lab uses: the cache, errors, clean-up. Sourced by run.

lab=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cache=$(realpath -m -- "${VHV_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libvhv/lab}")
readonly lab cache

# Exit statuses of the lab itself, as timeout(1) and automake's test driver know them.
readonly status_skipped=77 status_timeout=124 status_lab_failed=125

work=            # scratch directory of this run
half_made=       # cache entry that is being made
child=           # process that must not outlive this run

die() {
    printf 'lab: %s\n' "$*" >&2
    exit "$status_lab_failed"
}

# What die said in a subshell is not said again.
on_error() {
    [[ $1 -ne $status_lab_failed ]] || exit "$1"
    die "$2: '$3' failed with status $1"
}

clean_up() {
    local status=$?
    trap - EXIT
    if [[ $child ]]; then
        kill -KILL "$child" 2>/dev/null || :
        wait "$child" 2>/dev/null || :
    fi
    rm -rf -- ${work:+"$work"} ${half_made:+"$half_made"}
    exit "$status"
}

start_work() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'on_error "$?" "${BASH_SOURCE[0]##*/}:$LINENO" "$BASH_COMMAND"' ERR
    work=$(mktemp -d "${TMPDIR:-/tmp}/vhv-lab.XXXXXX")
    # They are parts of the emulators' options.
    [[ $work$cache =~ ^[[:alnum:]/._+@~-]+$ ]] ||
        die "the paths of the cache ($cache) and of TMPDIR have unusual characters"
}

# start_child COMMAND...: in the background, with this shell's standard input. A signal to this shell
# ends it, and so does this shell's death by SIGKILL.
start_child() {
    setpriv --pdeathsig KILL "$@" <&0 &
    child=$!
}

wait_child() {
    local status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

run_child() {
    start_child "$@"
    wait_child
}

# run_limited SECONDS COMMAND...: timeout(1) as a child.
run_limited() {
    run_child timeout -k 2 "$1" setpriv --pdeathsig KILL "${@:2}"
}

# need COMMAND:PACKAGE...: the lab installs nothing, it says what is missing.
need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    if [[ ${#missing[@]} -gt 0 ]]; then
        printf 'lab: needed Debian packages are missing: %s\n' "${missing[*]}" >&2
        exit "${status_missing:-$status_lab_failed}"
    fi
}

# cached DIR COMMAND...: has COMMAND fill DIR (handed to it as its last argument) unless it is
# there. DIR appears complete or not at all, and one run makes it while others wait. What is new has
# replaced something old, which goes when nobody has used it for two weeks.
cached() {
    local dir=$1 lock
    shift
    if [[ ! -d $dir ]]; then
        mkdir -p -- "${dir%/*}"
        exec {lock}>"$cache/lock"
        flock "$lock"
        if [[ ! -d $dir ]]; then
            half_made=$(mktemp -d "$dir.XXXXXX")
            "$@" "$half_made"
            mv -T -- "$half_made" "$dir"
            half_made=
            find "$cache" -name last-use -mtime +14 -printf '%h\0' | xargs -0 -r rm -rf --
        fi
        exec {lock}>&-
    fi
    : >"$dir/last-use"
}

# fingerprint TEXT|FILE...: a short key that changes with the text and with the files' contents.
fingerprint() {
    local item
    for item in "$@"; do
        if [[ -f $item ]]; then
            cat -- "$item"
        else
            printf '%s\n' "$item"
        fi
    done | sha256sum | cut -c 1-16
}
