#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes point the way that the rooms' table in CONTRIBUTING.md says.

    layers.py SOURCE_ROOT

A row of the table: | `room/` | what it owns | `header.h`, its public headers | `rooms`, that it may use |
"""

import os
import re
import sys

from tap import Tap, read, sources

ROW = re.compile(r"^\| `(\w+)/` \|[^|]*\|([^|]*)\|([^|]*)\|$", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def table(root):
    """For each room, from the top: its public headers and the rooms that it may use."""
    rows = ROW.findall(read(root, "CONTRIBUTING.md"))
    return {room: [re.findall(r"`([\w.]+)/?`", cell) for cell in cells] for room, *cells in rows}


def table_problems(root, rooms):
    """Where the table is not of what there is, or points upward."""
    folders = {path.split("/")[0] for path in sources(os.path.join(root, "src"), ".c", ".h")}
    headers = set(sources(os.path.join(root, "include/libvhv"), ".h")) - {"vhv.h"}
    listed = [header for public, _ in rooms.values() for header in public]
    names = list(rooms)
    problems = [f"src/{name} is not in the table" for name in sorted(folders - set(names))]
    problems += [f"{name} is in the table, not in src/" for name in names if name not in folders]
    problems += [f"<libvhv/{name}> has no room" for name in sorted(headers - set(listed))]
    problems += [f"<libvhv/{name}> is not there" for name in sorted(set(listed) - headers)]
    for place, (name, (_, uses)) in enumerate(rooms.items()):
        problems += [f"{name} may use {used}, which is not below it" for used in uses if used not in names[place + 1 :]]
    return problems


def room_of(include, rooms):
    """The room that an included file belongs to; None if it is not ours."""
    folder, _, name = include.rpartition("/")
    if folder == "libvhv":
        return next((room for room, (public, _) in rooms.items() if name in public), "all rooms")
    return folder if folder in rooms else None


def wrong_way(root, rooms):
    """The includes of src/ and of the public headers that the table does not allow."""
    owners = {f"include/libvhv/{header}": room for room, (public, _) in rooms.items() for header in public}
    owners |= {f"src/{path}": path.split("/")[0] for path in sources(os.path.join(root, "src"), ".c", ".h")}
    for path, room in owners.items():
        for include in INCLUDE.findall(read(root, path)):
            target = room_of(include, rooms)
            if target and target != room and target not in rooms[room][1]:
                yield f"{path}: {room} may not use {target} ({include})"


def kernel_header(root):
    """Who includes KVM's header outside of src/kvm/."""
    for folder in ("include", "src"):
        for path in sources(os.path.join(root, folder), ".c", ".h"):
            if "linux/kvm.h" in INCLUDE.findall(read(root, folder, path)) and not path.startswith("kvm/"):
                yield f"{folder}/{path} includes <linux/kvm.h>"


def main(root):
    """See the head of the file."""
    rooms = table(root)
    tap = Tap()
    if tap.check("rooms_table_matches_tree", table_problems(root, rooms)):
        tap.check("include_of_room_points_down", wrong_way(root, rooms))
    tap.check("linux_kvm_h_only_in_kvm_room", kernel_header(root))
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
