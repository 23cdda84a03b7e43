#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vhv-cpuid convert, between all forms.

    convert.py VHV_CPUID
"""

import json
import os
import sys

from cases import HERE, case, contains, equal, run, run_cases, write

PROGRAM = [os.path.abspath(sys.argv[1]), "convert"]
PUBLISHED = os.path.join(HERE, os.pardir, "vectors", "accept.vmx")

# Of each form, words for the same two bits of hosts with an AMD processor.
NO_AVX2_NO_SVM = {
    "vmx": 'cpuid.7.0.ebx = "----:----:----:----:----:----:--0-:----"\n'
    'cpuid.80000001.ecx = "----:----:----:----:----:----:----:-0--"\n',
    "qemu": "host,avx2=off,svm=off\n",
    "xen": 'cpuid = "host,avx2=0,svm=0"\n',
    "xen-registers": 'cpuid = [\n    "0x7,0x0:ebx=xxxxxxxxxxxxxxxxxxxxxxxxxx0xxxxx",\n'
    '    "0x80000001:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxx0xx"\n]\n',
}


def convert(*arguments, text="", status=0):
    """What is written, and what is lost."""
    return run(PROGRAM, *arguments, stdin=text, status=status)


@case
def help_asked_for_fits_a_screen():
    """All of it is to be seen at once."""
    out, told = convert("--help")
    equal(told, "")
    assert out.count("\n") <= 30 and max(map(len, out.splitlines())) <= 90, out


@case
def usage_wrong_is_told_with_what_is_right():
    """Exit status 2, nothing on standard output."""
    for arguments, said in (
        (["--to", "bochs"], "--to: there is no 'bochs'; try vhv-cpuid convert --help"),
        (["--from", "raw"], "--from: there is no 'raw'"),
        (["--vendor", "via"], "--vendor: there is no 'via'"),
        (["--json"], "try vhv-cpuid convert --help"),
        (["a.vmx", "b.vmx"], "'b.vmx' is one argument too many"),
        (["none.vmx"], "none.vmx cannot be opened"),
        (["--from", "qemu", "none"], "none: No such file"),
        (["--from", "qemu", "."], ".: Is a directory"),
    ):
        out, told = convert(*arguments, status=2)
        equal(out, "")
        contains(told, said)


@case
def input_malformed_is_told_with_its_place():
    """Exit status 2, with the file's name."""
    write("bad", '{"settings": {"numvcpus": 0}}')
    contains(convert("bad", status=2)[1], 'bad: settings."numvcpus": numvcpus: "0" is not')
    contains(convert("--from", "xen", text="host,vmx", status=2)[1], "standard input: column 6: found no '='")
    contains(convert("--from", "firecracker", text="{", status=2)[1], "standard input: JSON, line 1")


@case
def published_file_by_way_of_json_is_the_same():
    """Byte for byte, but for the quotes that writing puts."""
    written = convert(PUBLISHED)[0]
    document = convert("--to", "json", PUBLISHED)[0]
    assert json.loads(document)["settings"]
    equal(convert("-", text=document)[0], written)
    equal(convert("--from", "json", "--to", "json", text=document)[0], document)


@case
def every_form_says_the_same_as_every_other():
    """QEMU's model is what is lost."""
    for form, text in NO_AVX2_NO_SVM.items():
        for to, wanted in NO_AVX2_NO_SVM.items():
            lost = form == "qemu"
            out, told = convert("--from", form, "--to", to, "--vendor", "amd", text=text, status=1 if lost else 0)
            if form == "qemu" and to == "vmx":
                wanted = 'cpuid.1.ecx = "----:----:----:----:----:----:--h-:----"\n' + wanted
            equal(out, wanted)
            equal(told.count("\n"), 1 if lost else 0)


@case
def template_is_what_firecracker_reads():
    """The members that its schema has, and strings where it wants them."""
    out, told = convert("--to", "firecracker", "--vendor", "amd", text=NO_AVX2_NO_SVM["vmx"])
    equal(told, "")
    equal(
        json.loads(out),
        {
            "cpuid_modifiers": [
                {
                    "leaf": "0x7",
                    "subleaf": "0x0",
                    "flags": 1,
                    "modifiers": [{"register": "ebx", "bitmap": "0b" + "x" * 26 + "0" + "x" * 5}],
                },
                {
                    "leaf": "0x80000001",
                    "subleaf": "0x0",
                    "flags": 0,
                    "modifiers": [{"register": "ecx", "bitmap": "0b" + "x" * 29 + "0" + "x" * 2}],
                },
            ],
            "msr_modifiers": [],
        },
    )
    back = convert("--from", "firecracker", "--to", "qemu", "--vendor", "amd", text=out)[0]
    equal(back, NO_AVX2_NO_SVM["qemu"])


@case
def loss_is_told_with_file_and_line():
    """Exit status 1, and the rest is written."""
    write("a.vmx", 'vhv.enable = "TRUE"\nvpmc.enable = "TRUE"\n')
    out, told = convert("--to", "qemu", "--vendor", "any", "a.vmx", status=1)
    equal(out, "host,vmx=on,svm=on\n")
    contains(told, "vhv-cpuid: lost: a.vmx:2: vpmc.enable: the setting is not a mask: ")
    out, told = convert("--from", "qemu", text="qemu64,+vmx,hv-relaxed", status=1)
    contains(told, "vhv-cpuid: lost: standard input: qemu64: ", "vhv-cpuid: lost: standard input: hv-relaxed: ")


@case
def vendor_chooses_masks():
    """Without it, those of no vendor count, and the others are lost."""
    text = 'cpuid.7.ebx.amd = "----:----:----:----:----:----:--0-:----"\n'
    equal(convert("--to", "qemu", "--vendor", "amd", text=text)[0], "host,avx2=off,svm=off\n")
    equal(convert("--to", "qemu", "--vendor", "intel", text=text)[0], "host,vmx=off\n")
    out, told = convert("--to", "qemu", "--vendor", "any", text=text, status=1)
    equal(out, "host,vmx=off,svm=off\n")
    contains(told, "the mask is for one vendor's hosts")


if __name__ == "__main__":
    run_cases()
