#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the manual page of an object from the comments of its header.

    generate.py --names HEADER                      print the names of the functions
    generate.py HEADER PAGE.3.in EXAMPLES OUTPUT…   write the page, and an alias for each function

In PAGE.3.in, which is mdoc(7), these lines are replaced:

    @NAMES@          .Nm for each function
    @SYNOPSIS@       the prototypes
    @TYPES@          structs, enums and constants, as the header has them, if it has any
    @FUNCTIONS@      a subsection for each function
    @EXAMPLE file@   the program of that name in the directory EXAMPLES
"""

import os
import re
import sys
import textwrap

from header import HeaderError, parameter_name, read_header

# A word that mdoc has a macro for, with what may stand before and after it.
MARKED = re.compile(
    r"(?P<open>[(\[]?)"
    r"(?:`(?P<Ql>[^`]+)`|@(?P<Fa>\w+)|(?P<Fn>vhv_\w+)\(\)|(?P<Dv>VHV_[A-Z0-9_]+|NULL)|(?P<Er>-E[A-Z0-9]+))"
    r"(?P<rest>\S*)"
)


def escape(text):
    """Text as roff takes it literally."""
    text = text.replace("\\", "\\e").replace("…", "...").replace("—", "\\(em")
    return "\\&" + text if text[:1] in (".", "'") else text


def argument(text):
    """Text as one argument of a macro."""
    return '"' + escape(text).replace('"', "\\(dq") + '"'


def marked(match):
    """A macro line for a word that has one."""
    macro = match.lastgroup if match.lastgroup != "rest" else None
    macro = macro or next(name for name in ("Ql", "Fa", "Fn", "Dv", "Er") if match[name])
    words = [macro, match["open"], argument(match[macro])]
    suffix = re.fullmatch(r"([^\s.,:;)\]?!]*)([.,:;)\]?!]*)", match["rest"])
    if not suffix:
        raise HeaderError(f"cannot set the word {match[0]}")
    if suffix[1]:
        words += ["Ns", argument(suffix[1])]
    return "." + " ".join(word for word in words + list(suffix[2]) if word)


def prose(text):
    """A paragraph as lines of mdoc: macros on lines of their own, a new line after a sentence."""
    lines, plain = [], []

    def flush():
        wrapped = textwrap.wrap(" ".join(plain), 78, break_long_words=False, break_on_hyphens=False)
        lines.extend(escape(line) for line in wrapped)
        plain.clear()

    for word in re.findall(r"\(?`[^`]*`\S*|\S+", text):
        match = MARKED.fullmatch(word)
        if match:
            flush()
            lines.append(marked(match))
            continue
        plain.append(word)
        if re.search(r"[.?!][)\"']*$", word):
            flush()
    flush()
    return lines


def literal(text):
    """Lines that keep their form."""
    return [".Bd -literal", *(escape(line) for line in text.split("\n")), ".Ed"]


def names(functions):
    """NAME's list of functions."""
    *first, last = [function.name for function in functions]
    return [f".Nm {name} ," for name in first] + [f".Nm {last}"]


def synopsis(functions, include):
    """The prototypes."""
    lines = [f".In {include}"]
    for function in functions:
        lines += [f".Ft {argument(function.result)}", f".Fo {function.name}"]
        lines += [f".Fa {argument(parameter)}" for parameter in function.parameters or ["void"]]
        lines.append(".Fc")
    return lines


def definitions(macro, items):
    """A list of terms and their text."""
    widest = min(max(len(term) for term, _ in items), 14)
    lines = [f'.Bl -tag -width {"x" * widest} -offset indent -compact']
    for term, text in items:
        words = escape(term).replace(",", " ,").split()
        marks = [word if word == "," else f"{macro} {word}" for word in words]
        lines += [f".It {' '.join(marks)}", *prose(text)]
    return lines + [".El"]


def reference(function):
    """The subsection of a function."""
    summary = re.sub(r"\b([A-Z][a-z])\b", r"\\&\1", escape(function.summary).replace('"', "\\(dq"))
    returns = prose(f"Return: {function.returns}") if function.returns else []
    said = " ".join(f"{key}: {value}." for key, value in function.contract.items() if value)
    blocks = [
        definitions("Fa", function.explained) if function.explained else [],
        *(prose(paragraph) for paragraph in function.paragraphs),
        returns + (definitions("Er", function.errors) if function.errors else []),
        prose(said),
    ]
    lines = [line for block in blocks if block for line in [".Pp", *block]]
    return [f".Ss {function.name}() \\(en {summary}", *lines[1:]]


def page(template, header, examples):
    """The page, line by line."""
    functions, types = read_header(header)
    parts = {
        "@NAMES@": lambda: names(functions),
        "@SYNOPSIS@": lambda: synopsis(functions, "libvhv/" + os.path.basename(header)),
        "@FUNCTIONS@": lambda: [line for function in functions for line in reference(function)],
    }
    if types:
        parts["@TYPES@"] = lambda: literal(types)
    for line in template.read().splitlines():
        example = re.fullmatch(r"@EXAMPLE (\S+)@", line)
        if example:
            with open(os.path.join(examples, example[1]), encoding="utf-8") as stream:
                yield from literal(stream.read().rstrip())
        elif line in parts:
            yield from parts.pop(line)()
        else:
            yield line
    if parts:
        raise HeaderError(f"{template.name}: lacks {', '.join(sorted(parts))}")


def write(path, lines):
    """A file of lines."""
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)


def main(arguments):
    """See the head of the file."""
    if arguments[0] == "--names":
        print("\n".join(function.name for function in read_header(arguments[1])[0]))
        return
    header, template, examples, output, *aliases = arguments
    with open(template, encoding="utf-8") as stream:
        write(output, page(stream, header, examples))
    for alias in aliases:
        write(alias, [f".so man3/{os.path.basename(output)}"])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (HeaderError, OSError) as error:
        sys.exit(f"generate.py: {error}")
