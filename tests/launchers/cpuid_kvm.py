#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vhv-cpuid and what KVM says that it gives to a guest.

    cpuid_kvm.py [--nests] COMMAND...    a command line of vhv-cpuid; with --nests guests can nest there
"""

import os
import sys

from cases import Skipped, call, case, contains, equal, run, run_cases, table_of

NESTS = sys.argv[1] == "--nests"
COMMAND = [os.path.abspath(word) if os.path.exists(word) else word for word in sys.argv[1 + NESTS :]]

# SVM of an AMD guest and VMX of an Intel guest.
VHV = {b"Auth": (0x80000001, 2), b"Genu": (1, 5)}


def need_kvm():
    """Skips a case where KVM cannot be asked."""
    if NESTS:
        return
    status, _, told = call(COMMAND, "supported")
    if status == 3:
        raise Skipped(told.splitlines()[0])


def vhv_bit(table):
    """The bit of a table by which its vendor shows virtualized HV, and a mask that hides it."""
    leaf, bit = VHV[table[0, 0]["ebx"].to_bytes(4, "little")]
    return table[leaf, 0]["ecx"] >> bit & 1


@case
def effective_of_kvm_is_told_whole():
    """Whatever KVM changes is a note, but for what changes while the guest runs."""
    need_kvm()
    out, told = run(COMMAND, "effective", "--kvm", "--json")
    given = table_of(out)
    wanted = table_of(run(COMMAND, "effective", "--json")[0])
    runtime = {(1, "ecx"): 1 << 27, (1, "edx"): 1 << 9, (7, "ecx"): 1 << 4, (0xD, "ebx"): 0xFFFFFFFF}
    for (leaf, subleaf), registers in given.items():
        for register, value in registers.items():
            changed = value ^ wanted.get((leaf, subleaf), {}).get(register, 0)
            if changed & ~runtime.get((leaf, register), 0):
                contains(told, f"note: KVM changed {leaf:x}.")
    if NESTS:
        equal(told, "")


@case
def effective_of_kvm_has_virtualized_hv_or_says_why_not():
    """Never a table without it and exit status 0."""
    need_kvm()
    status, out, told = call(COMMAND, "effective", "--kvm", "--json", "-s", "vhv.enable=TRUE")
    equal(vhv_bit(table_of(out)), status == 0)
    if status:
        equal((NESTS, status), (False, 1))
        contains(told, "vhv-cpuid: error: vhv.enable asks for virtualized HV, but KVM offers no ")


@case
def explain_of_kvm_agrees_with_the_table():
    """A mask that KVM does not honour is an error with the reason of the read-back."""
    need_kvm()
    arguments = ["--kvm", "-m", "cpuid.7.ebx=" + "----:" * 6 + "--0-:----"]
    status, out, told = call(COMMAND, "explain", "AVX2", *arguments)
    lines = out.splitlines()
    contains(out, "cpuid.7.ebx has '0': the mask hides it\n")
    equal(lines[-1], f"guest      {status}  what the guest reads")
    equal(status, int("read-back  1  " in out))
    equal(status, int("cpuid.7.ebx bit 5 (AVX2) was set to 0, but KVM gives the guest 1" in told))
    table = table_of(call(COMMAND, "effective", "--json", *arguments)[1])
    equal(table[7, 0]["ebx"] >> 5 & 1, status)
    assert not (NESTS and status), told


@case
def effective_measured_is_a_whole_table():
    """On a KVM that does as it says, there is nothing else to be told."""
    need_kvm()
    out, told = run(COMMAND, "effective", "--measure", "--json")
    assert {(0, 0), (1, 0), (0x80000000, 0)} <= set(table_of(out)), out
    if NESTS:
        equal(told, "")


@case
def explain_measured_hidden_bit_is_hidden_or_an_error():
    """Where it is not, the table and the reasons say so."""
    need_kvm()
    arguments = ["--measure", "-m", "cpuid.7.ebx=" + "----:" * 6 + "--0-:----"]
    status, out, told = call(COMMAND, "explain", "AVX2", *arguments)
    equal(out.splitlines()[-1], f"guest      {status}  what the guest reads")
    equal(status, int("error: cpuid.7.ebx bit 5 (AVX2)" in told))
    assert not (NESTS and status), told


@case
def effective_of_kvm_tells_of_any_vcpu():
    """By its APIC id."""
    need_kvm()
    table = table_of(run(COMMAND, "effective", "--kvm", "--json", "--vcpus", "3", "--vcpu", "2", "-s", "memsize=1024")[0])
    equal(table[1, 0]["ebx"] >> 24, 2)


if __name__ == "__main__":
    run_cases()
