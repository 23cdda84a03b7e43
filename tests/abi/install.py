#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed can be used: headers, libraries, pkg-config, the examples of the documents.

    install.py SOURCE_ROOT WORK

Configures, builds and installs the project in the directory WORK, which it makes anew.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

from tap import Tap, read, sources

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C11 = ["cc", "-std=c11", *STRICT]
CPP17 = ["c++", "-std=c++17", *STRICT]

# Examples of the manual pages that need no KVM, and so must succeed on every machine.
PURE = ("bus", "config", "cpuid", "error", "feature", "guest_cpuid", "mask", "memory")

# Compiles as C and as C++, and needs what the library needs.
PROGRAM = """
#include <libvhv/vhv.h>
#include <string.h>

int main(void)
{
    struct vhv_cpuid *cpuid = NULL;
    char version[16];
    int result = vhv_cpuid_new(&cpuid);

    if (result == 0)
        result = vhv_cpuid_print(cpuid, stdout, VHV_CPUID_JSON);
    vhv_cpuid_free(cpuid);
    snprintf(version, sizeof(version), "%d.%d.%d", VHV_VERSION_MAJOR, VHV_VERSION_MINOR, VHV_VERSION_PATCH);
    return result < 0 || strcmp(version, vhv_version()) != 0;
}
"""


class Installed:
    """The installed tree, and how a user compiles against it."""

    def __init__(self, root, work):
        self.root, self.work = root, work
        self.tree = os.path.join(work, "tree")
        self.lib = os.path.join(self.tree, "usr/lib")
        self.environment = {
            **os.environ,
            "PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": self.tree,
            "LD_LIBRARY_PATH": self.lib,
        }

    def run(self, *command, environment=None):
        """A command of a user; its output if it fails, else nothing."""
        done = subprocess.run(
            command,
            env=environment or self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return [f"{shlex.join(command)}: exit status {done.returncode}\n{done.stdout}"] if done.returncode else []

    def install(self):
        """Both libraries, with manual pages and launchers."""
        build = os.path.join(self.work, "build")
        options = ["-Dprefix=/usr", "-Dlibdir=lib", "-Ddefault_library=both", "-Dtests=false", "-Dwerror=true"]
        for command in (
            ["meson", "setup", build, self.root, *options],
            ["meson", "compile", "-C", build],
            ["meson", "install", "-C", build, "--destdir", self.tree],
        ):
            problems = self.run(*command, environment=os.environ)
            if problems:
                return problems
        return []

    def flags(self, *options):
        """What pkg-config answers."""
        command = ["pkg-config", *options, "libvhv"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return shlex.split(done.stdout)

    def compile(self, compiler, source, static=False):
        """Compile and link a program, whose path is then source without its ending."""
        libraries = self.flags("--libs", *(["--static"] if static else []))
        if static:
            libraries = ["-l:libvhv.a" if flag == "-lvhv" else flag for flag in libraries]
        return self.run(*compiler, *self.flags("--cflags"), source, "-o", self.program(source), *libraries)

    def program(self, source):
        """Where compile() puts a program."""
        return os.path.join(self.work, os.path.basename(source).replace(".", "_"))

    def compile_text(self, compiler, name, text, static=False):
        """compile() for a program that is in no file."""
        source = os.path.join(self.work, name)
        with open(source, "w", encoding="utf-8") as stream:
            stream.write(text)
        return self.compile(compiler, source, static)

    def needs(self, source):
        """The shared libraries that a program asks for."""
        command = ["readelf", "-d", self.program(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return re.findall(r"NEEDED.*\[(.*)\]", done.stdout)


def header_problems(installed):
    """Headers that are not installed, or do not compile alone."""
    for name in sources(os.path.join(installed.root, "include/libvhv"), ".h"):
        if not os.path.exists(os.path.join(installed.tree, "usr/include/libvhv", name)):
            yield f"<libvhv/{name}> is not installed"
            continue
        for language, (compiler, *flags) in (("c", C11), ("c++", CPP17)):
            text = os.path.join(installed.work, "alone")
            with open(text, "w", encoding="utf-8") as stream:
                stream.write(f"#include <libvhv/{name}>\n")
            yield from installed.run(compiler, *flags, *installed.flags("--cflags"), "-fsyntax-only", "-x", language, text)


def program_problems(installed, static):
    """A program in C and in C++ that does not compile, link or run, or links the wrong library."""
    for name, compiler in (("program.c", C11), ("program.cc", CPP17)):
        problems = installed.compile_text(compiler, name, PROGRAM, static)
        yield from problems or installed.run(installed.program(name))
        if not problems and ("libvhv.so.0" in installed.needs(name)) == static:
            yield f"{name} was linked with the {'shared' if static else 'static'} library"


def example_problems(installed):
    """Examples of the manual pages that do not compile, or fail where they need no KVM."""
    folder = os.path.join(installed.root, "man/examples")
    for name in sources(folder, ".c"):
        problems = installed.compile(C11, os.path.join(folder, name))
        if not problems and name[len("vhv_") : -len(".c")] in PURE:
            problems = installed.run(installed.program(name))
        yield from problems


def readme_problems(installed):
    """The program of README.md does not compile."""
    programs = re.findall(r"^```c\n(.*?)^```$", read(installed.root, "README.md"), re.S | re.M)
    if not programs:
        yield "README.md has no program"
    for program in programs:
        yield from installed.compile_text(C11, "readme.c", program)


def launcher_problems(installed):
    """Installed programs that do not say how they are used."""
    folder = os.path.join(installed.tree, "usr/bin")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        yield from installed.run(os.path.join(folder, name), "--help")


def main(root, work):
    """See the head of the file."""
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    installed = Installed(root, work)
    tap = Tap()
    if tap.check("project_installs_into_destdir", installed.install()):
        tap.check("public_header_alone_compiles", header_problems(installed))
        tap.check("shared_library_program_runs", program_problems(installed, static=False))
        tap.check("static_library_program_runs", program_problems(installed, static=True))
        tap.check("example_of_page_compiles_and_runs", example_problems(installed))
        tap.check("example_of_readme_compiles", readme_problems(installed))
        tap.check("launcher_help_succeeds", launcher_problems(installed))
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
