#!/bin/sh
# subproject.sh SOURCE_ROOT WORK: a Meson project can use libvhv as a subproject. Makes the directory
# WORK anew.
set -eu
root=$1
work=$2

rm -rf -- "$work"
mkdir -p -- "$work/subprojects"
cp -- "$root"/tests/abi/subproject/* "$work"
ln -s -- "$root" "$work/subprojects/libvhv"

echo 1..1
if meson setup --force-fallback-for=libvhv "$work/build" "$work" >"$work/log" 2>&1 &&
    meson compile -C "$work/build" >>"$work/log" 2>&1 &&
    "$work/build/user" >>"$work/log" 2>&1; then
    echo "ok 1 - project_with_subproject_builds_and_runs"
else
    echo "not ok 1 - project_with_subproject_builds_and_runs"
    cat -- "$work/log" >&2
    exit 1
fi
