#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a launcher's --help tells of, its manual page tells of, and the other way round.

    options.py LAUNCHER PAGE [COMMAND]...     with commands that have a --help of their own
"""

import os
import re
import sys

from cases import case, run, run_cases

LAUNCHER, PAGE = map(os.path.abspath, sys.argv[1:3])
COMMANDS = sys.argv[3:]


def of_help(text):
    """The options that --help tells of."""
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


def of_page(text):
    """The options that a page in mdoc(7) tells of."""
    return {f"-{name}" for name in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}


@case
def help_and_page_tell_of_the_same_options():
    """Long ones and short ones."""
    with open(PAGE, encoding="utf-8") as stream:
        page = of_page(stream.read())
    told = of_help(run([LAUNCHER], "--help")[0])
    for command in COMMANDS:
        told |= of_help(run([LAUNCHER], command, "--help")[0])
    assert told == page, f"only in one of them: {', '.join(sorted(told ^ page))}"


if __name__ == "__main__":
    run_cases()
