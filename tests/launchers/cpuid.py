#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vhv-cpuid on tables that KVM gave on two hosts, an AMD Zen 2 and an Intel Haswell, with nested=1.

    cpuid.py VHV_CPUID
"""

import json
import os
import pty
import subprocess
import sys

from cases import HERE, REGISTERS, case, contains, equal, run, run_cases, table_of, write

PROGRAM = [os.path.abspath(sys.argv[1])]
AMD = os.path.join(HERE, "data", "amd-zen2.json")
INTEL = os.path.join(HERE, "data", "intel-haswell.json")

PASS = "-" * 32


def mask(bit, character):
    """A mask that has a character at one bit."""
    return PASS[bit + 1 :] + character + PASS[:bit]


def read(path):
    """A file's text."""
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def host_without(path, leaf, register, bit):
    """The table of a host like another one that lacks a bit."""
    document = json.loads(read(path))
    for entry in document["cpuid"]:
        if int(entry["leaf"], 16) == leaf:
            entry[register] = hex(int(entry[register], 16) & ~(1 << bit))
    return write("host.json", json.dumps(document))


def guest(host, *arguments, status=0):
    """The table that a guest on a host gets, and what was said beside it."""
    out, told = run(PROGRAM, "effective", "--json", "--supported", host, *arguments, status=status)
    return table_of(out), told


def explained(host, bit, *arguments, status=0):
    """The lines that explain a bit, but for the first one, and what was said beside them."""
    out, told = run(PROGRAM, "explain", bit, "--supported", host, *arguments, status=status)
    return out.splitlines()[1:], told


@case
def help_asked_for_fits_a_screen():
    """All of it is to be seen at once."""
    out, told = run(PROGRAM, "--help")
    equal(told, "")
    assert out.count("\n") <= 30 and max(map(len, out.splitlines())) <= 90, out


@case
def usage_wrong_is_told_with_what_is_right():
    """Exit status 2, nothing on standard output."""
    for arguments, said in (
        ([], "a command is missing; try vhv-cpuid --help"),
        (["show"], "there is no command 'show'"),
        (["host", "more"], "'more' is one argument too many for 'host'"),
        (["host", "--kvm"], "--kvm changes nothing of what 'host' tells"),
        (["supported", "-m", "x"], "--mask changes nothing of what 'supported' tells"),
        (["effective", "--processor", INTEL], "give --supported, too"),
        (["effective", "--supported", "-", "--processor", "-"], "cannot both be standard input"),
        (["effective", "--supported", INTEL, "--kvm"], "leave --supported and --processor out"),
        (["effective", "--supported", INTEL, "--device", "x"], "leave --device out"),
        (["effective", "--supported", INTEL, "a.vmx", "b.vmx"], "'b.vmx' is one argument too many"),
        (["effective", "--supported", INTEL, "none.vmx"], "none.vmx cannot be opened"),
        (["effective", "--supported", INTEL, "--vcpus", "0"], "not a decimal number from 1 to 64"),
        (["effective", "--supported", INTEL, "--vcpus", "2", "--vcpu", "2"], "the guest has 2, from 0 on"),
        (["effective", "--supported", INTEL, "--vcpu", "-1"], "'-1' is not a number"),
        (["effective", "--supported", INTEL, "-s", "vhv.enable"], "found no '='"),
        (["effective", "--supported", INTEL, "-s", "vhv.enable=1"], "neither TRUE nor FALSE"),
        (["effective", "--supported", INTEL, "-m", "vhv.enable=TRUE"], 'does not begin with "cpuid."'),
        (["effective", "--supported", INTEL, "-m", "cpuid.1.efx=0"], '"efx" is not a register'),
        (["effective", "--supported", INTEL, "-m", "cpuid.1.ecx=0x20"], "column 1: found a number"),
        (["explain"], "Give a bit, such as VMX"),
        (["explain", "VMXX"], "1.ecx.5"),
        (["explain", "1.ecx.32"], "'32' is neither a bit, 0 to 31, nor the name of a feature"),
        (["explain", "1.edx.VMX"], "VMX is in another register: it is 1.ecx.5"),
        (["explain", "1.efx.5"], '"efx" is not a register'),
        (["--colour", "host"], "Try vhv-cpuid --help."),
    ):
        out, told = run(PROGRAM, *arguments, status=2)
        equal(out, "")
        contains(told, said)


@case
def table_unreadable_is_told_with_its_name():
    """Of a file, a directory and standard input."""
    write("bad.json", '{"cpuid": [{"leaf": 7}]}')
    for path, said in (
        ("none.json", "none.json: No such file or directory"),
        (".", ".: Is a directory"),
        ("bad.json", "bad.json: cpuid[0].eax is missing"),
        ("-", "standard input: there is no CPUID in it"),
    ):
        contains(run(PROGRAM, "supported", "--supported", path, status=2)[1], f"vhv-cpuid: {said}")


@case
def kvm_missing_is_told_with_the_way_around():
    """Exit status 3."""
    for command in ("supported", "effective", "diff"):
        out, told = run(PROGRAM, command, "--device", "/nonexistent", status=3)
        equal(out, "")
        contains(told, "KVM cannot be asked: ", "--supported FILE")


@case
def output_that_cannot_be_written_is_a_failure():
    """As on a full disk."""
    for style in ("--raw", "--json"):
        script = 'exec "$@" >/dev/full'
        told = run(["sh", "-c", script, "sh", *PROGRAM, "diff", "--supported", AMD, style], status=2)[1]
        contains(told, "cannot write")


@case
def effective_levels_tell_the_guests_leaf_and_kvms_in_turn():
    """As VMware's logs do."""
    mask = "cpuid.1.ecx=----:----:----:----:----:----:--0-:---0"
    out, _ = run(PROGRAM, "effective", "--levels", "--supported", INTEL, "-m", mask)
    lines = out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("guest level 00000001, 0: 0x"))
    guest, host = (line.split(": ")[1].split() for line in lines[at : at + 2])
    assert lines[at + 1].startswith("host  level 00000001, 0: "), lines[at + 1]
    table = table_of(read(INTEL))
    equal([int(value, 16) for value in host], list(table[1, 0].values()))
    equal(int(guest[2], 16) & 0x21, 0)
    equal(int(host[2], 16) & 0x21, 0x21)
    equal(len(lines) % 2, 0)
    assert len(lines) >= 2 * len(table)


@case
def supported_json_is_what_was_read():
    """Of a file and of standard input."""
    out, _ = run(PROGRAM, "supported", "--json", "--supported", AMD)
    equal(table_of(out), table_of(read(AMD)))
    equal(run(PROGRAM, "supported", "--json", "--supported", "-", stdin=out)[0], out)
    equal(run(PROGRAM, "host", "--json", "--processor", "-", stdin=out)[0], out)


@case
def supported_raw_has_numbers_and_decoded_names():
    """One line for an entry, with names below it only if decoded."""
    raw, _ = run(PROGRAM, "supported", "--raw", "--supported", INTEL)
    decoded, _ = run(PROGRAM, "supported", "--decoded", "--supported", INTEL)
    equal(raw.count("\n"), len(table_of(read(INTEL))))
    contains(raw, "0x00000001 0x00: eax=0x000306c3 ebx=0x03100800 ecx=0xf7fa3223 edx=0x1f8bfbff\n")
    contains(decoded, raw.splitlines()[0], " VMX ")
    assert "VMX" not in raw, raw
    equal(decoded, run(PROGRAM, "supported", "--supported", INTEL)[0])


@case
def host_needs_no_kvm():
    """The processor answers anybody."""
    out, told = run(PROGRAM, "host", "--json")
    equal(told, "")
    assert (0, 0) in table_of(out), out


@case
def effective_unasked_hides_virtualized_hv():
    """On both vendors' hosts."""
    table, told = guest(AMD)
    equal(told, "")
    equal(table[0x80000001, 0]["ecx"] >> 2 & 1, 0)
    equal(set(table[0x8000000A, 0].values()), {0})
    equal(guest(INTEL)[0][1, 0]["ecx"] >> 5 & 1, 0)


@case
def effective_setting_shows_virtualized_hv():
    """By the command line, and by a file."""
    write("hypervisor.vmx", 'vhv.enable = "TRUE"\n')
    for arguments in (["-s", "vhv.enable=TRUE"], ["--set=vhv.enable = TRUE"], ["hypervisor.vmx"]):
        table, told = guest(AMD, *arguments)
        equal(told, "")
        equal(table[0x80000001, 0]["ecx"] >> 2 & 1, 1)
        equal(table[0x8000000A, 0], table_of(read(AMD))[0x8000000A, 0])
    equal(guest(AMD, "hypervisor.vmx", "-s", "vhv.enable=FALSE")[0], guest(AMD)[0])


@case
def effective_mask_of_command_line_goes_over_the_file():
    """And replaces one of the same key."""
    write("hypervisor.vmx", f'cpuid.7.ebx = "{mask(5, "0")}"\n')
    equal(guest(AMD, "hypervisor.vmx")[0][7, 0]["ebx"], 0x219C9189)
    equal(guest(AMD, "hypervisor.vmx", "-m", f"CPUID.7.EBX={mask(3, '0')}")[0][7, 0]["ebx"], 0x219C91A1)


@case
def effective_requirement_unmet_names_line_and_bit():
    """Exit status 1, and the table all the same."""
    host = host_without(INTEL, 1, "ecx", 5)
    write("hypervisor.vmx", f'# needs VMX\n\ncpuid.1.ecx = "{mask(5, "t")}"\n')
    table, told = guest(host, "hypervisor.vmx", status=1)
    equal(
        told,
        "vhv-cpuid: error: hypervisor.vmx:3: cpuid.1.ecx bit 5 (VMX) must be 1 on this host, but KVM offers 0\n",
    )
    equal(table[1, 0]["ecx"] >> 5 & 1, 1)
    equal(guest(INTEL, "hypervisor.vmx")[1], "")


@case
def effective_requirement_of_the_other_vendor_says_so():
    """A mask for Intel's hosts on AMD's."""
    told = guest(AMD, "-m", f"cpuid.1.ecx={mask(5, 't')}", status=1)[1]
    contains(told, "error: cpuid.1.ecx bit 5 (VMX) must be 1", "only Intel's processors have it")


@case
def effective_vhv_that_host_lacks_is_an_error():
    """By the setting; by a mask that takes what there is, a warning."""
    host = host_without(AMD, 0x80000001, "ecx", 2)
    told = guest(host, "-s", "vhv.enable=TRUE", status=1)[1]
    equal(told, "vhv-cpuid: error: vhv.enable asks for virtualized HV, but KVM offers no SVM on this host\n")
    told = guest(host, "-m", f"cpuid.80000001.ecx={mask(2, 'h')}")[1]
    contains(told, "vhv-cpuid: warning: cpuid.80000001.ecx bit 2 (SVM) asks for virtualized HV")


@case
def effective_bits_that_fare_alike_are_one_line():
    """Eight bits of an APIC id, and one that is left alone."""
    write("a.vmx", f'cpuid.1.ebx = "{"0" * 8}{PASS[:23]}i"\n')
    told = guest(AMD, "a.vmx")[1].splitlines()
    equal(len(told), 2)
    contains(told[0], "warning: a.vmx:1: cpuid.1.ebx bit 0 is left alone: 'i' has no published meaning")
    contains(told[1], "a.vmx:1: cpuid.1.ebx bit 24 keeps its own value: ", "likewise 25, 26, 27, 28, 29, 30, 31")
    told = guest(AMD, "-m", f"cpuid.1.ecx={mask(3, '1')[:-1]}1", "--supported", host_without(AMD, 1, "ecx", 3))[1]
    equal(told, "vhv-cpuid: warning: cpuid.1.ecx bit 3 (MONITOR) is shown, but KVM cannot run it\n")


@case
def effective_slips_of_the_configuration_are_warnings():
    """A misspelt name, and a mask that does not do what it is published for."""
    write("slips.vmx", f'vhv.enabel = "TRUE"\ncpuid.1.ecx = "{mask(5, "0")}"\n')
    told = guest(INTEL, "slips.vmx")[1].splitlines()
    equal(len(told), 2)
    contains(told[0], "vhv-cpuid: warning: slips.vmx:1: vhv.enabel: no setting has this name", "vhv.enable")
    contains(told[1], "vhv-cpuid: warning: slips.vmx:2: cpuid.1.ecx: the mask clears VMX", "hypervisor.cpuid.v0")


@case
def effective_vcpu_has_its_own_id():
    """In leaves 1 and B."""
    table, _ = guest(AMD, "--vcpus", "4", "--vcpu", "3")
    equal(table[1, 0]["ebx"] >> 16, 0x0304)
    equal(table[0xB, 0]["edx"], 3)
    equal(guest(AMD, "-s", "numvcpus=4", "--vcpu=3")[0], table)


@case
def effective_without_irqchip_lacks_what_rests_on_it():
    """x2APIC and the TSC deadline timer."""
    equal(guest(AMD)[0][1, 0]["ecx"] & (1 << 21 | 1 << 24), 1 << 21 | 1 << 24)
    equal(guest(AMD, "--no-irqchip")[0][1, 0]["ecx"] & (1 << 21 | 1 << 24), 0)


@case
def explain_default_tells_kvm_and_default():
    """And the processor, if its table is there."""
    lines, told = explained(INTEL, "VMX")
    equal(told, "")
    equal(
        lines,
        [
            "kvm        1  what KVM supports",
            "default    0  virtualized HV is off unless asked for",
            "guest      0  what the guest reads",
        ],
    )
    equal(explained(INTEL, "VMX", "--processor", AMD)[0], ["processor  0  what the processor shows", *lines])


@case
def explain_masks_tells_where_each_is_and_which_wins():
    """The most specific one of the right vendor."""
    lines = [f'cpuid.1.ecx{vendor} = "{mask(5, op)}"\n' for vendor, op in (("", "0"), (".amd", "h"), (".intel", "h"))]
    write("hypervisor.vmx", "".join(lines))
    equal(
        explained(INTEL, "1.ecx.5", "hypervisor.vmx", "-s", "vhv.enable=FALSE")[0],
        [
            "kvm        1  what KVM supports",
            "default    0  virtualized HV is off unless asked for",
            "setting    0  vhv.enable: virtualized HV is off",
            "mask       -  hypervisor.vmx:1: cpuid.1.ecx has '0': not applied: "
            "overridden by hypervisor.vmx:3: cpuid.1.ecx.intel",
            "mask       -  hypervisor.vmx:2: cpuid.1.ecx.amd has 'h': not applied: "
            "for hosts with an AMD processor only",
            "mask       1  hypervisor.vmx:3: cpuid.1.ecx.intel has 'h': "
            "the mask takes what KVM can give on this host",
            "guest      1  what the guest reads",
        ],
    )


@case
def explain_bit_in_each_spelling_is_the_same():
    """By name, by number, and as a mask's key has it."""
    first = "7.0.ebx.5 AVX2 ["
    outputs = {
        run(PROGRAM, "explain", "--supported", AMD, bit)[0]
        for bit in ("AVX2", "avx2", "7.ebx.5", "7.0.EBX.5", "7.0.ebx.avx2", "cpuid.7.ebx.5", "cpuid.7.0.ebx.AVX2")
    }
    equal(len(outputs), 1)
    assert outputs.pop().startswith(first), first
    contains(run(PROGRAM, "explain", "--supported", AMD, "0.eax.3")[0], "0.eax.3\nkvm        0")


@case
def explain_json_has_the_reasons():
    """With what a file's name needs to be escaped."""
    name = write('a"\\\t.vmx', f'cpuid.1.ecx = "{mask(5, "t")}"\n')
    out, _ = run(PROGRAM, "explain", "VMX", name, "--json", "--supported", INTEL)
    told = json.loads(out)
    equal((told["bit"], told["name"], told["value"]), ("1.ecx.5", "VMX", 1))
    contains(told["section"], "SDM")
    equal([(reason["source"], reason["value"]) for reason in told["reasons"]], [("kvm", 1), ("default", 0), ("mask", 1)])
    reason = told["reasons"][2]
    equal((reason["file"], reason["line"], reason["key"], reason["mask"]), (name, 1, "cpuid.1.ecx", "t"))
    equal(reason["applied"], True)


@case
def diff_tells_every_register_that_differs():
    """As JSON and as text, with the names of what is gone and what is new."""
    supported, (effective, _) = table_of(read(AMD)), guest(AMD)
    wanted = {
        (leaf, register): (
            supported.get(leaf, {}).get(register, 0),
            effective.get(leaf, {}).get(register, 0),
        )
        for leaf in {**supported, **effective}
        for register in REGISTERS
    }
    wanted = {where: values for where, values in wanted.items() if values[0] != values[1]}
    out, told = run(PROGRAM, "diff", "--json", "--supported", AMD)
    equal(told, "")
    differences = json.loads(out)["differences"]
    number = lambda found, name: int(found[name], 16)  # pylint: disable=unnecessary-lambda-assignment
    found = {
        ((number(one, "leaf"), number(one, "subleaf")), one["register"]): (
            number(one, "supported"),
            number(one, "effective"),
        )
        for one in differences
    }
    equal(found, wanted)
    features = {one["register"]: one["features"] for one in differences if one["leaf"] == "0x80000001"}
    equal(features, {"ecx": ["-SVM"]})
    lines = run(PROGRAM, "diff", "--supported", AMD)[0].splitlines()
    equal(len(lines), len(wanted) + 1)
    assert "0x80000001 0x00     ecx       0x00c003f7  0x00c003f3  -SVM" in lines, lines
    assert "SVM" not in run(PROGRAM, "diff", "--raw", "--supported", AMD)[0]


def on_terminal(*arguments, **environment):
    """What a command writes to a terminal."""
    master, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **environment}
    written = b""
    with subprocess.Popen([*PROGRAM, *arguments], stdout=terminal, env=environment):
        os.close(terminal)
        try:
            while part := os.read(master, 4096):
                written += part
        except OSError:
            pass  # that is the end, where nobody has the terminal open any more
    os.close(master)
    return written.decode()


@case
def diff_is_coloured_on_a_terminal_alone():
    """Unless NO_COLOR says otherwise, or the terminal is dumb; programs read JSON."""
    coloured = ("\033[32m+HYPERVISOR\033[0m", "\033[31m-SVM\033[0m")
    contains(on_terminal("diff", "--supported", AMD, NO_COLOR=""), *coloured)
    for environment in ({"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}):
        assert "\033" not in on_terminal("diff", "--supported", AMD, **environment)
    assert "\033" not in on_terminal("diff", "--json", "--supported", AMD, NO_COLOR="")
    assert "\033" not in run(PROGRAM, "diff", "--supported", AMD)[0]


@case
def diff_requirement_unmet_is_told_before_it():
    """Exit status 1, and the differences all the same."""
    out, told = run(PROGRAM, "diff", "--supported", AMD, "-m", f"cpuid.1.ecx={mask(5, 't')}", status=1)
    contains(told, "must be 1 on this host")
    contains(out, "+VMX")


if __name__ == "__main__":
    run_cases()
