#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vhv-cpuid capture, baseline and compare, on hosts like those whose tables are in data/.

    fleet.py VHV_CPUID
"""

import json
import os
import resource
import sys

from cases import HERE, case, contains, equal, run, run_cases, table_of, write

PROGRAM = [os.path.abspath(sys.argv[1])]
AMD = os.path.join(HERE, "data", "amd-zen2.json")
INTEL = os.path.join(HERE, "data", "intel-haswell.json")

PASS = "-" * 32

# What KVM offers of VMX on the Haswell.
VMX = {
    0x480: 0x00D8100011E57ED0,
    0x481: 0x0000007F00000016,
    0x482: 0xFFF9FFFE0401E172,
    0x483: 0x003FFFFF00036DFF,
    0x484: 0x0000FFFF000011FF,
    0x485: 0x0000000020000065,
    0x486: 0x0000000080000021,
    0x487: 0x00000000FFFFFFFF,
    0x488: 0x0000000000002000,
    0x489: 0x00000000003767FF,
    0x48A: 0x000000000000002E,
    0x48B: 0x007137FE00000000,
    0x48C: 0x00000F0106734141,
    0x48D: 0x0000007F00000016,
    0x48E: 0xFFF9FFFE04006172,
    0x48F: 0x003FFFFF00036DFB,
    0x490: 0x0000FFFF000011FB,
    0x491: 0x0000000000000001,
}

# CPU 1 has another highest leaf; CPUs of one machine have not, but so it can be told apart.
DUMP = """CPU 0:
   0x00000000 0x00: eax=0x00000001 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65
   0x00000001 0x00: eax=0x00830f10 ebx=0x00020800 ecx=0x76f83203 edx=0x178bfbff
   0x20000000 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000
CPU 1:
   0x00000000 0x00: eax=0x00000000 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65
"""


def host(name, like, *changes, msrs=None):
    """Writes the capture of a host; each change is a leaf, a register, the bits to clear and those to set."""
    with open(like, encoding="utf-8") as stream:
        document = json.load(stream)
    for leaf, register, clear, set_ in changes:
        for entry in document["cpuid"]:
            if int(entry["leaf"], 16) == leaf and entry.get("subleaf", "0x0") == "0x0":
                entry[register] = hex(int(entry[register], 16) & ~clear | set_)
    document["name"] = name
    if msrs:
        document["msrs"] = [{"index": hex(index), "value": hex(value)} for index, value in msrs.items()]
    return write(f"{name}.json", json.dumps(document))


@case
def usage_wrong_is_told_with_what_is_right():
    """Exit status 2, nothing on standard output."""
    for arguments, said in (
        (["capture", AMD, INTEL], "is one argument too many for 'capture'"),
        (["capture", AMD, "--device", "x"], "leave --device out"),
        (["capture", "--cpu", "1"], "give a FILE, too"),
        (["capture", AMD, "--cpu", "-1"], "'-1' is not a number"),
        (["capture", AMD, "--name", "a\nb"], "no control characters"),
        (["capture", "--json"], "--json is not an option of 'capture'; try vhv-cpuid capture --help"),
        (["capture", "none.txt"], "none.txt: No such file or directory"),
        (["baseline"], "Give a FILE for each host"),
        (["baseline", AMD, "--json", "--masks"], "give one of them"),
        (["baseline", AMD, "--vhv"], "--vhv goes with --masks"),
        (["baseline", AMD, "-m", "x"], "--mask is not an option of 'baseline'"),
        (["baseline", AMD, INTEL], "processors of several vendors have no baseline: AuthenticAMD on "),
        (["compare", AMD], "Give a FILE for each of two hosts"),
        (["compare", AMD, AMD, "a.vmx", "b.vmx"], "'b.vmx' is one argument too many"),
        (["compare", AMD, AMD, "none.vmx"], "none.vmx cannot be opened"),
        (["compare", AMD, AMD, "-m", "cpuid.1.ecx=0x20"], "column 1: found a number"),
        (["compare", "--colour", AMD], "try vhv-cpuid compare --help"),
    ):
        out, told = run(PROGRAM, *arguments, status=2)
        equal(out, "")
        contains(told, said)


@case
def capture_of_a_file_has_its_table_and_a_name():
    """That of the file, or the one that is given."""
    out, told = run(PROGRAM, "capture", AMD)
    equal(told, "")
    equal(json.loads(out)["name"], AMD)
    with open(AMD, encoding="utf-8") as stream:
        equal(table_of(out), table_of(stream.read()))
    out = run(PROGRAM, "capture", "-", "--name", "esx1", stdin=out)[0]
    equal(json.loads(out)["name"], "esx1")
    equal(run(PROGRAM, "capture", "-", stdin=out)[0], out)


@case
def capture_of_a_dump_has_one_cpu():
    """The first one, or the one that is told; and is taken wherever a table is."""
    write("dump.txt", DUMP)
    table = table_of(run(PROGRAM, "capture", "dump.txt")[0])
    equal(sorted(table), [(0, 0), (1, 0)])
    equal(table[1, 0]["ecx"], 0x76F83203)
    equal(sorted(table_of(run(PROGRAM, "capture", "dump.txt", "--cpu", "1")[0])), [(0, 0)])
    contains(run(PROGRAM, "capture", "dump.txt", "--cpu", "2", status=2)[1], "the dump has 2 CPUs")
    equal(table_of(run(PROGRAM, "supported", "--json", "--supported", "dump.txt")[0]), table)


@case
def capture_of_a_host_without_kvm_says_why():
    """Exit status 3."""
    out, told = run(PROGRAM, "capture", "--device", "/nonexistent", status=3)
    equal(out, "")
    contains(told, "KVM cannot be used: ")


@case
def baseline_tells_who_costs_what():
    """And what is left to the hosts, and of virtualized HV."""
    host("esx1", AMD, (7, "ebx", 1 << 5, 0))
    host("esx2", AMD, (1, "eax", 0xF, 2), (0x8000000A, "ebx", 0, 0x8000))
    out, told = run(PROGRAM, "baseline", "esx1.json", "esx2.json")
    equal(told, "")
    equal(
        out.splitlines(),
        [
            "cpuid.7.0.ebx bit 5 (AVX2) is not on esx1",
            "cpuid.8000000a.ebx (number of ASIDs) is 8 at most, as on esx1",
            "left to each host, and not the same on all: cpuid.1.eax (family, model and stepping)",
            "virtualized HV survives, nested paging survives",
        ],
    )


@case
def baseline_without_virtualized_hv_says_why():
    """Exit status 1, also if it is not known."""
    host("esx1", AMD)
    host("esx2", AMD, (0x80000001, "ecx", 1 << 2, 0))
    out, _ = run(PROGRAM, "baseline", "esx1.json", "esx2.json", status=1)
    contains(out, "\nvirtualized HV does not survive: SVM is not on esx2\n")
    run(PROGRAM, "baseline", "--masks", "--vhv", "esx1.json", "esx2.json", status=1)
    run(PROGRAM, "baseline", "--masks", "esx1.json", "esx2.json")
    host("esx1", INTEL, msrs=VMX)
    host("esx2", INTEL)
    out, _ = run(PROGRAM, "baseline", "esx1.json", "esx2.json", status=1)
    equal(out, "virtualized HV may not survive: the VMX capability MSRs of esx2 are not known\n")


@case
def baseline_of_vmx_joins_its_msrs():
    """Down to a control that must be 1 here and cannot be 1 there."""
    host("esx1", INTEL, msrs=VMX)
    host("esx2", INTEL, msrs=VMX | {0x48B: VMX[0x48B] & ~(1 << 33)})
    out, _ = run(PROGRAM, "baseline", "esx1.json", "esx2.json")
    equal(
        out.splitlines(),
        [
            "IA32_VMX_PROCBASED_CTLS2 bit 33 (enable EPT) is not on esx2",
            "virtualized HV survives, nested paging does not survive: EPT is not on esx2",
        ],
    )
    document = json.loads(run(PROGRAM, "baseline", "--json", "esx1.json", "esx2.json")[0])
    equal(document["name"], "baseline")
    msrs = {int(msr["index"], 16): int(msr["value"], 16) for msr in document["msrs"]}
    equal(msrs, VMX | {0x48B: VMX[0x48B] & ~(1 << 33)})
    host("esx2", INTEL, msrs=VMX | {0x48D: VMX[0x48D] & ~(1 << 37)})
    host("esx3", INTEL, msrs=VMX | {0x48D: VMX[0x48D] | 1 << 5})
    out, _ = run(PROGRAM, "baseline", "esx1.json", "esx2.json", "esx3.json", status=1)
    contains(out, "conflict: IA32_VMX_TRUE_PINBASED_CTLS bit 5 (virtual NMIs) must be 1 on esx3, and cannot be 1 on esx2\n")


@case
def baseline_masks_make_guests_alike():
    """On each host, with virtualized HV; and let a VM go from any one to any other."""
    names = [
        host("esx1", AMD, (7, "ebx", 1 << 5, 0), (0x8000000A, "edx", 0, 1 << 4)),
        host("esx2", AMD, (0, "eax", 0xFF, 0xD), (0x80000008, "eax", 0xFF, 46)),
        host("esx3", AMD, (0x8000000A, "ebx", 0, 0x8000), (0x80000001, "ecx", 1 << 6, 0)),
    ]
    out, _ = run(PROGRAM, "baseline", "--masks", "--vhv", *names)
    write("masks.vmx", out + 'vhv.enable = "TRUE"\n')
    tables = {run(PROGRAM, "effective", "--json", "--supported", name, "masks.vmx")[0] for name in names}
    equal(len(tables), 1)
    for start in names:
        for end in names:
            out, _ = run(PROGRAM, "compare", start, end, "masks.vmx")
            equal(out, f"the VM may go from {start[:-5]} to {end[:-5]}\n")
    run(PROGRAM, "compare", "esx3.json", "esx2.json", status=1)


@case
def baseline_is_a_host_to_the_other_commands():
    """A guest of it fits on every host."""
    host("esx1", AMD, (7, "ebx", 1 << 5, 0))
    host("esx2", AMD, (7, "ebx", 1 << 29, 0))
    write("common.json", run(PROGRAM, "baseline", "--json", "esx1.json", "esx2.json")[0])
    equal(run(PROGRAM, "compare", "common.json", "esx1.json")[0], "the VM may go from baseline to esx1\n")
    equal(table_of(run(PROGRAM, "supported", "--json", "--supported", "common.json")[0])[7, 0]["ebx"], 0x019C9189)


@case
def baseline_of_1000_hosts_takes_less_than_a_second():
    """Of the processor's time, with all files read."""
    names = [host(f"esx{i}", AMD, (7, "ebx", 1 << i % 32, 0), (1, "ecx", 1 << i % 31, 0)) for i in range(1000)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run(PROGRAM, "baseline", "--json", *names)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print(f"# 1000 hosts: {seconds:.3f} s")
    assert seconds < 1, seconds


@case
def compare_names_every_bit_that_forbids_it():
    """Exit status 1."""
    host("esx1", AMD)
    host("esx2", AMD, (7, "ebx", 1 << 5 | 1 << 8, 0))
    out, told = run(PROGRAM, "compare", "esx1.json", "esx2.json", status=1)
    equal(told, "")
    equal(
        out.splitlines(),
        [
            "cpuid.7.0.ebx bit 5 (AVX2) is 0 on esx2, and 1 in the guest",
            "cpuid.7.0.ebx bit 8 (BMI2) is 0 on esx2, and 1 in the guest",
            "the VM may not go from esx1 to esx2",
        ],
    )
    equal(run(PROGRAM, "compare", "esx2.json", "esx1.json")[0], "the VM may go from esx2 to esx1\n")


@case
def compare_honours_masks():
    """Of the file and of the command line."""
    host("esx1", AMD)
    host("esx2", AMD, (7, "ebx", 1 << 5, 1 << 16))
    for bit, op, forbidden in (
        (5, "x", None),
        (5, "0", None),
        (5, "r", "is 1 on esx1 and 0 on esx2, but 'r' wants it the same"),
        (5, "h", "is 1 on esx1 and 0 on esx2, but 'h' wants it the same"),
        (5, "t", "is 0 on esx2, but 't' wants it to be 1"),
        (16, "f", "is 1 on esx2, but 'f' wants it to be 0"),
    ):
        mask = PASS[bit + 1 :] + op + PASS[:bit]
        write("hypervisor.vmx", f'\ncpuid.7.ebx = "{mask}"\n')
        hidden = ["-m", "cpuid.7.0.ebx=" + PASS[6:] + "0" + PASS[:5]] if bit == 16 else []
        status = 1 if forbidden else 0
        out, _ = run(PROGRAM, "compare", "esx1.json", "esx2.json", "hypervisor.vmx", *hidden, status=status)
        equal(out.count("\n"), status + 1)
        if forbidden:
            contains(out, f"hypervisor.vmx:2: cpuid.7.0.ebx bit {bit} ", forbidden)


@case
def compare_takes_what_the_guest_really_reads():
    """As KVM gave it, which is not what was set."""
    host("esx1", AMD)
    host("esx2", AMD, (7, "ebx", 1 << 5, 0))
    mask = f"cpuid.7.ebx={PASS[6:]}0{PASS[:5]}"
    host("guest", AMD, (0x80000001, "ecx", 1 << 2, 0))
    run(PROGRAM, "compare", "esx1.json", "esx2.json", "-m", mask)
    out, _ = run(PROGRAM, "compare", "esx1.json", "esx2.json", "-m", mask, "--guest", "guest.json", status=1)
    contains(out, "cpuid.7.0.ebx bit 5 (AVX2) is 0 on esx2, and 1 in the guest")


@case
def compare_of_vm_with_vmx_compares_its_msrs():
    """Without EPT if that is hidden."""
    host("esx1", INTEL, msrs=VMX)
    host("esx2", INTEL, msrs=VMX | {0x48B: VMX[0x48B] & ~(1 << 33), 0x48C: VMX[0x48C] & ~0xFFFFFFFF})
    run(PROGRAM, "compare", "esx1.json", "esx2.json")
    out, _ = run(PROGRAM, "compare", "esx1.json", "esx2.json", "-s", "vhv.enable=TRUE", status=1)
    contains(out, "IA32_VMX_PROCBASED_CTLS2 bit 33 (enable EPT) is 0 on esx2, and 1 in the guest")
    run(PROGRAM, "compare", "esx1.json", "esx2.json", "-s", "vhv.enable=TRUE", "-s", "vhv.nestedPaging=FALSE")


if __name__ == "__main__":
    run_cases()
