#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every exported function has a manual page that is installed, and the pages are sound.

    manual.py SOURCE_ROOT BUILD_ROOT
"""

import json
import os
import re
import shutil
import subprocess
import sys

from tap import Tap, read

# mandoc looks for pages that are referred to among those of this system; references_problems() looks
# among ours.
NOT_OURS = "referenced manual not found"


def installed(build):
    """The manual pages that will be installed: name with section, and where each was built."""
    command = ["meson", "introspect", "--installed", build]
    paths = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {os.path.basename(to): at for at, to in paths.items() if re.search(r"/man\d/[^/]+$", to)}


def functions_without_page(root, pages):
    """Functions of the version script that man(1) would not find."""
    functions = re.findall(r"^    (vhv_\w+);", read(root, "src/libvhv.map"), re.M)
    without = [name for name in functions if f"{name}.3" not in pages]
    return [f"no page for {', '.join(without)}"] if without else []


def broken_aliases(pages):
    """Aliases of a page that does not tell of them."""
    for name, path in pages.items():
        alias = re.fullmatch(r"\.so man\d/(\S+)\n", read(path))
        if alias and (alias[1] not in pages or f".Nm {name[:-2]}" not in read(pages[alias[1]])):
            yield f"{name} is an alias of {alias[1]}, which does not name it"


def broken_references(pages):
    """References to pages of ours that there are not."""
    for name, path in pages.items():
        for page, section in re.findall(r"^\.(?:.* )?Xr (\S+) (\d)", read(path), re.M):
            if re.match(r"(lib)?vhv", page) and f"{page}.{section}" not in pages:
                yield f"{name} refers to {page}({section}), which there is not"


def pages_not_in_overview(pages):
    """Pages, but for aliases, that libvhv(7) does not refer to."""
    named = re.findall(r"^\.Xr (\S+) (\d)", read(pages["libvhv.7"]), re.M)
    for name, path in pages.items():
        page, _, section = name.rpartition(".")
        if name != "libvhv.7" and (page, section) not in named and not read(path).startswith(".so "):
            yield f"libvhv(7) does not name {page}({section})"


def pages_without_example(pages):
    """Pages on functions that show no program."""
    for name, path in pages.items():
        text = read(path)
        if name.endswith(".3") and not text.startswith(".so ") and ".Sh EXAMPLES" not in text:
            yield f"{name} has no section EXAMPLES"


def lint(pages):
    """What mandoc finds in the pages."""
    texts = [path for path in pages.values() if not read(path).startswith(".so ")]
    command = ["mandoc", "-T", "lint", "-W", "style", *texts]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [line for line in output.splitlines() if NOT_OURS not in line]


def main(root, build):
    """See the head of the file."""
    pages = installed(build)
    tap = Tap()
    tap.check("exported_function_has_page", functions_without_page(root, pages))
    tap.check("alias_names_page_that_tells_of_it", broken_aliases(pages))
    tap.check("reference_to_page_found", broken_references(pages))
    tap.check("overview_names_every_page", pages_not_in_overview(pages))
    tap.check("page_of_functions_has_example", pages_without_example(pages))
    if shutil.which("mandoc"):
        tap.check("page_lints_clean", lint(pages))
    else:
        tap.skip("page_lints_clean", "mandoc is not installed")
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
