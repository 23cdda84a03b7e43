# shellcheck shell=bash
# What tests/run and examples/demo share: Debian's packages, and commands that are heard only if
# they fail. Sourced; the sourcing script sets log, a file for their output.

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# quietly COMMAND...: its output is shown only if it fails, which ends the script.
quietly() {
    "$@" >"${log:?}" 2>&1 || {
        tail -n 60 "$log" >&2
        die "'$*' failed"
    }
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

# install_packages PACKAGE...: those that are missing.
install_packages() {
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    # The labs ask apt for a kernel, so its lists are needed in any case.
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        echo "fetching the lists of packages"
        quietly as_root apt-get -q update
    fi
    [[ ${#missing[@]} -gt 0 ]] || return 0
    echo "installing ${missing[*]}"
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends "${missing[@]}"
}
