#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The headers, the version script and the shared library agree as sets.

    symbols.py SOURCE_ROOT LIBRARY
"""

import os
import re
import subprocess
import sys

from tap import Tap, read, sources


def declared(root):
    """The functions that the public headers declare, with their headers."""
    found = {}
    for path in sources(os.path.join(root, "include"), ".h"):
        text = re.sub(r"/\*.*?\*/|^#.*?$", "", read(root, "include", path), flags=re.S | re.M)
        for statement in text.split(";"):
            if "VHV_API" in statement:
                found[re.search(r"(\w+)\s*\(", statement)[1]] = path
    return found


def mapped(root):
    """The symbols of the version script, with their node, and how often each is listed."""
    nodes, order = {}, []
    for node, body in re.findall(r"([\w.]+) \{\s*global:(.*?)(?:local:|\})", read(root, "src/libvhv.map"), re.S):
        for symbol in re.findall(r"\w+", body):
            nodes[symbol] = node
            order.append(symbol)
    return nodes, order


def exported(library):
    """The symbols that the library defines for others, with their version."""
    lines = subprocess.run(
        ["nm", "--dynamic", "--defined-only", "--with-symbol-versions", library],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    names = [line.split()[-1] for line in lines if line and " A " not in line]
    return dict(name.split("@@") for name in names)


def compare(where_a, a, where_b, b):
    """What is in one set and not in the other."""
    for here, names, there in ((where_a, set(a) - set(b), where_b), (where_b, set(b) - set(a), where_a)):
        if names:
            yield f"in {here} and not in {there}: {', '.join(sorted(names))}"


def main(root, library):
    """See the head of the file."""
    headers = declared(root)
    nodes, order = mapped(root)
    symbols = exported(library)
    tap = Tap()
    tap.check("headers_and_map_same_functions", compare("a header", headers, "src/libvhv.map", nodes))
    tap.check("map_and_library_same_symbols", compare("src/libvhv.map", nodes, "the library", symbols))
    tap.check(
        "library_symbol_has_version_of_map",
        [
            f"{name} is of {symbols[name]} in the library, of {node} in src/libvhv.map"
            for name, node in nodes.items()
            if symbols.get(name, node) != node
        ],
    )
    tap.check("map_sorted_without_repeats", [] if order == sorted(set(order)) else ["src/libvhv.map is not"])
    tap.check(
        "library_names_start_with_vhv", [name for name in symbols if not name.startswith("vhv_")]
    )
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
