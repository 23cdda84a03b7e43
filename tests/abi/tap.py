# SPDX-License-Identifier: MIT
"""Reports checks in the Test Anything Protocol."""

import os
import sys

# Directories that hold nothing of ours: what is built, fetched or git's own.
FOREIGN = ("build", ".git", "subprojects", "__pycache__")


class Tap:
    """Prints a line for each check; finish() ends the program."""

    def __init__(self):
        self.count = 0
        self.failed = False

    def check(self, name, problems):
        """A check that passed if it found no problems."""
        self.count += 1
        problems = list(problems)
        self.failed |= bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}")
        for problem in problems:
            print(f"{name}: {problem}", file=sys.stderr)
        return not problems

    def skip(self, name, reason):
        """A check that could not be done here."""
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}")

    def finish(self):
        """Says how many checks there were, and exits."""
        print(f"1..{self.count}")
        sys.exit(self.failed)


def sources(root, *endings):
    """The project's own files with one of the endings, relative to its root."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(FOREIGN))
        for name in sorted(files):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), root)


def read(*path):
    """A file's text."""
    with open(os.path.join(*path), encoding="utf-8") as stream:
        return stream.read()
