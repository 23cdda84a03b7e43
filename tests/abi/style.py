#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files and functions are short enough to be read whole, formatted, and free of what linters find.

    style.py SOURCE_ROOT
"""

import os
import re
import shutil
import subprocess
import sys

from tap import Tap, read, sources

FILE_LINES = 500
FUNCTION_LINES = 45
COLUMNS = 100

# Longer by their nature: path, and why.
LONG_FILES = {
    "include/libvhv/vcpu.h": "the reference text of forty functions",
    "include/libvhv/vm.h": "the reference text of thirty functions",
}


def long_files(root):
    """Files that are too long."""
    for path in sources(root, ".c", ".h", ".inc", ".py", ".sh", ".S", ".asm"):
        count = read(root, path).count("\n")
        if count > FILE_LINES and path not in LONG_FILES:
            yield f"{path} has {count} lines, more than {FILE_LINES}"


def stale_exceptions(root):
    """Exceptions that nothing needs any more."""
    for path in LONG_FILES:
        if not os.path.exists(os.path.join(root, path)) or read(root, path).count("\n") <= FILE_LINES:
            yield f"{path} is no longer long: take it off the list in {__file__}"


def long_functions(root):
    """C functions that are too long: from the brace in the first column to the one that closes it."""
    for path in sources(root, ".c", ".h"):
        start = 0
        for number, line in enumerate(read(root, path).split("\n"), 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start - 1 > FUNCTION_LINES:
                    yield f"{path}:{start}: {number - start - 1} lines, more than {FUNCTION_LINES}"
                start = 0


def wide_lines(root):
    """Lines of code that are too wide: clang-format leaves comments and strings alone."""
    for path in sources(root, ".c", ".h", ".S", ".asm"):
        for number, line in enumerate(read(root, path).split("\n"), 1):
            if len(line.expandtabs(8)) > COLUMNS:
                yield f"{path}:{number}: wider than {COLUMNS} columns"


def shell_scripts(root):
    """Everything that a shell runs."""
    for path in sources(root, ""):
        with open(os.path.join(root, path), "rb") as stream:
            if re.match(rb"#!.*\b(ba)?sh\b", stream.readline()):
                yield path


def lint(tap, name, tool, arguments, files, root):
    """A check by a tool, which is silent if all is well."""
    if not shutil.which(tool):
        tap.skip(name, f"{tool} is not installed")
        return
    command = [tool, *arguments, *files]
    done = subprocess.run(command, cwd=root, text=True, capture_output=True, check=False)
    output = done.stdout + done.stderr
    tap.check(name, [output or f"{tool}: exit status {done.returncode}"] if done.returncode else [])


def main(root):
    """See the head of the file."""
    tap = Tap()
    tap.check("file_length_within_limit", long_files(root))
    tap.check("file_length_exceptions_needed", stale_exceptions(root))
    tap.check("function_length_within_limit", long_functions(root))
    tap.check("line_width_within_limit", wide_lines(root))
    formatted = list(sources(root, ".c", ".h"))
    lint(tap, "c_file_formatted", "clang-format", ["--dry-run", "--Werror"], formatted, root)
    lint(tap, "shell_script_lints_clean", "shellcheck", [], list(shell_scripts(root)), root)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
