#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""QEMU's names stand for the bits that QEMU itself says.

    convert_qemu.py VHV_CPUID
"""

import json
import os
import re
import shutil
import subprocess
import sys

from cases import Skipped, case, equal, run, run_cases

PROGRAM = [os.path.abspath(sys.argv[1])]
QEMU = shutil.which("qemu-system-x86_64")

# A model that has next to nothing, without KVM: what it is asked for beyond that shows.
MODEL = "486,hypervisor=off"

# What KVM alone has, QEMU does not even refuse without it.
KVM_LEAF = 0x40000001


class Monitor:
    """A QEMU with a processor and its monitor."""

    def __init__(self, cpu):
        command = [QEMU, "-accel", "tcg", "-cpu", cpu, "-m", "16", "-nodefaults", "-display", "none", "-S"]
        self.process = subprocess.Popen(
            [*command, "-qmp", "stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.process.stdout.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        """What a command returns."""
        self.process.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            assert "error" not in answer, answer
        raise AssertionError("QEMU has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()


def bits_in_qemu(cpu):
    """The bits that a processor of QEMU has, or was asked for and cannot have."""
    with Monitor(cpu) as monitor:
        path = monitor.ask("query-cpus-fast")[0]["qom-path"]
        words = [
            word
            for name in ("feature-words", "filtered-features")
            for word in monitor.ask("qom-get", path=path, property=name)
        ]
    return {
        (word["cpuid-input-eax"], word.get("cpuid-input-ecx", 0), word["cpuid-register"].lower(), bit)
        for word in words
        for bit in range(32)
        if word["features"] >> bit & 1
    }


def bits_here(name):
    """The bits that vhv-cpuid takes a name for."""
    masks = run(PROGRAM, "convert", "--from", "qemu", status=1, stdin=f"486,{name}=on\n")[0]
    found = set()
    for leaf, subleaf, register, mask in re.findall(r'^cpuid\.(\w+?)(?:\.(\d+))?\.(e.x) = "(.*)"$', masks, re.M):
        bits = mask.replace(":", "")
        found |= {(int(leaf, 16), int(subleaf or "0", 16), register, 31 - at) for at in range(32) if bits[at] == "h"}
    return found


def names_of_qemu():
    """What this QEMU lists as flags of CPUID."""
    if not QEMU:
        raise Skipped("there is no qemu-system-x86_64")
    told = run([QEMU], "-cpu", "help")[0]
    return sorted(set(told.partition("Recognized CPUID flags:")[2].split()))


@case
def names_stand_for_the_bits_that_qemu_says():
    """In run k, those names are on whose number has bit k: a bit that is on in just these runs is the name's."""
    base = bits_in_qemu(MODEL)
    names = names_of_qemu()
    places = {name: {place for place in bits_here(name) if place[0] != KVM_LEAF} - base for name in names}
    runs = range(len(names).bit_length())
    seen = []
    for k in runs:
        on = [f"{name}=on" for number, name in enumerate(names) if number >> k & 1]
        seen.append(bits_in_qemu(",".join([MODEL, *on])))
    for number, name in enumerate(names):
        for place in places[name]:
            equal((name, place, [place in bits for bits in seen]), (name, place, [bool(number >> k & 1) for k in runs]))
    assert sum(map(bool, places.values())) > 150, places


if __name__ == "__main__":
    run_cases()
