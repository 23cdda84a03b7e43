# SPDX-License-Identifier: MIT
"""Runs functions as test cases, and programs for them."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "abi"))

from tap import Tap  # pylint: disable=wrong-import-position

REGISTERS = ("eax", "ebx", "ecx", "edx")
CASES = []


class Skipped(Exception):
    """A case that cannot be run here, and why."""


def case(function):
    """Makes a function a case; it raises AssertionError, or what output that makes no sense raises, if it fails."""
    CASES.append(function)
    return function


def run_cases():
    """Runs all cases, each in an empty directory, and ends the program."""
    tap = Tap()
    for function in CASES:
        problems = []
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            try:
                function()
            except (AssertionError, LookupError, ValueError) as error:
                problems.append(f"{type(error).__name__}: {error}")
            except Skipped as reason:
                tap.skip(function.__name__, reason)
                continue
            finally:
                os.chdir("/")
        tap.check(function.__name__, problems)
    tap.finish()


def call(command, *arguments, stdin=""):
    """Runs a program: its exit status, standard output and standard error."""
    done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def run(command, *arguments, status=0, stdin=""):
    """Runs a program that must end with a status: its standard output and standard error."""
    found, out, told = call(command, *arguments, stdin=stdin)
    assert found == status, f"{' '.join(arguments)}: exit status {found}, not {status}\n{out}{told}"
    return out, told


def equal(found, wanted):
    """Two values must be equal."""
    assert found == wanted, f"found {found!r}\nwhere {wanted!r} is wanted"


def contains(text, *parts):
    """A text must have these parts."""
    for part in parts:
        assert part in text, f"no {part!r} in {text!r}"


def write(name, text):
    """Writes a file into the directory of the case."""
    with open(name, "w", encoding="utf-8") as stream:
        stream.write(text)
    return name


def table_of(text):
    """A JSON table of CPUID as a dictionary: (leaf, subleaf) to registers by name."""
    number = lambda value: int(value, 16)  # pylint: disable=unnecessary-lambda-assignment
    return {
        (number(entry["leaf"]), number(entry.get("subleaf", "0x0"))): {reg: number(entry[reg]) for reg in REGISTERS}
        for entry in json.loads(text)["cpuid"]
    }
