# SPDX-License-Identifier: MIT
"""Reads a public header: its functions with their comments, and the rest, its types.

A comment that breaks the form is an error that names file, line and function:

    /**
     * name() - summary
     * @parameter: text
     *
     * Paragraphs of text.
     *
     * Return: text, then perhaps a list, one errno a line:
     *   -EINVAL  text; further lines of an item
     *            are indented more
     *
     * Thread: who may call. Stage: when. Since: 0.1.
     * Source: [title "section"].
     */
    VHV_API int name(int parameter);
"""

import re
from dataclasses import dataclass, field


class HeaderError(Exception):
    """A header that breaks the form."""


@dataclass
class Function:
    """A function: its prototype, and its comment taken apart."""

    name: str
    result: str
    parameters: list  # of declarations
    summary: str = ""
    explained: list = field(default_factory=list)  # of (parameter, text)
    paragraphs: list = field(default_factory=list)
    returns: str = ""
    errors: list = field(default_factory=list)  # of (errnos, text)
    contract: dict = field(default_factory=dict)  # Thread, Stage, Since, Source


COMMENTED = re.compile(r"/\*\*\n(?P<comment>.*?)\n \*/\n(?P<code>VHV_API [^;]*;)?\n*", re.S)
PROTOTYPE = re.compile(r"VHV_API (?P<result>.*?)(?P<name>\w+)\((?P<parameters>.*)\);")
CONTRACT = re.compile(r"Thread: (.+?)\. Stage: (.+?)\. Since: (\d+\.\d+)\.(?: Source: (.+)\.)?$")
ERROR_ITEM = re.compile(r"  ((?:-E[A-Z0-9]+(?:, )?)+(?: …)?|others)  +(\S.*)")


def parameter_name(declaration):
    """The name in a declaration such as "const char *text[4]"."""
    return re.search(r"(\w+)(?:\[\w*\])?$", declaration).group(1)


def parse_prototype(code):
    """A Function from its declaration."""
    match = PROTOTYPE.fullmatch(" ".join(code.split()))
    if not match:
        raise HeaderError(f"not a function's declaration: {code}")
    parameters = match["parameters"].split(", ")
    return Function(match["name"], match["result"].strip(), [] if parameters == ["void"] else parameters)


def blocks_of(comment):
    """The comment's blocks of lines between blank ones, without the leading " * "."""
    lines = [line[3:] for line in comment.split("\n")]
    return [block.split("\n") for block in "\n".join(lines).split("\n\n")]


def parse_head(function, lines):
    """The first block: summary and parameters."""
    match = re.fullmatch(r"(\w+)\(\) - (.+)", lines[0])
    if not match or match[1] != function.name:
        raise HeaderError(f'the comment starts with "{lines[0]}"')
    function.summary = match[2]
    for line in lines[1:]:
        match = re.fullmatch(r"@(\w+): (.+)", line)
        if match:
            function.explained.append((match[1], match[2]))
        elif function.explained:
            name, text = function.explained[-1]
            function.explained[-1] = (name, f"{text} {line}")
        else:
            function.summary += f" {line}"


def parse_returns(function, lines):
    """The block that starts with "Return: ": text, then errnos."""
    lead = [lines[0].removeprefix("Return: ")]
    for line in lines[1:]:
        match = ERROR_ITEM.fullmatch(line)
        if match:
            function.errors.append((match[1], match[2]))
        elif function.errors and line.startswith("   "):
            errnos, text = function.errors[-1]
            function.errors[-1] = (errnos, f"{text} {line.strip()}")
        elif function.errors or line.startswith(" "):
            raise HeaderError(f'not an item of the list of errnos: "{line}"')
        else:
            lead.append(line)
    function.returns = " ".join(lead)
    if re.search(r"-E[A-Z]", function.returns):
        raise HeaderError("errnos are listed one a line, below the text")


def parse_contract(function, lines):
    """The last block: who may call, when, since which release, and from which source."""
    match = CONTRACT.fullmatch(" ".join(lines))
    if not match:
        raise HeaderError("the comment does not end in Thread, Stage, Since and perhaps Source")
    function.contract = dict(zip(("Thread", "Stage", "Since", "Source"), match.groups()))


def parse_comment(function, comment):
    """Fill in what the comment says; refuse one that leaves something out."""
    head, *middle, last = blocks_of(comment)
    parse_head(function, head)
    parse_contract(function, last)
    for lines in middle:
        if lines[0].startswith("Return: "):
            parse_returns(function, lines)
        else:
            function.paragraphs.append(" ".join(lines))
    declared = [parameter_name(parameter) for parameter in function.parameters]
    explained = [name for name, _ in function.explained]
    if declared != explained:
        raise HeaderError(f"parameters are {declared}, the comment has {explained}")
    if (function.result == "void") == bool(function.returns):
        raise HeaderError("a function has a Return unless it returns nothing")


def parse_function(comment, code):
    """A Function from its comment and declaration."""
    if not code:
        raise HeaderError(f"a reference comment without a function: {comment.strip()}")
    function = parse_prototype(code)
    try:
        parse_comment(function, comment)
    except HeaderError as error:
        raise HeaderError(f"{function.name}(): {error}") from None
    return function


def parse_header(text):
    """The functions of a header, in its order, and what is left of it: its types."""
    pieces = re.split(r"^#ifdef __cplusplus\n.*?^#endif\n", text, flags=re.S | re.M)
    if len(pieces) != 3:
        raise HeaderError('not one opening and one closing block of extern "C"')
    body = re.sub(r"^#if .*?^#endif\n", "", pieces[1], flags=re.S | re.M)
    functions = [parse_function(match["comment"], match["code"]) for match in COMMENTED.finditer(body)]
    types = COMMENTED.sub("", body).strip()
    bare = re.search(r"^VHV_API .*", types, re.M)
    if bare:
        raise HeaderError(f"a function without a reference comment: {bare[0]}")
    return functions, types


def read_header(path):
    """The functions of a header, in its order, and the text of its types."""
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    try:
        return parse_header(text)
    except HeaderError as error:
        raise HeaderError(f"{path}: {error}") from None
