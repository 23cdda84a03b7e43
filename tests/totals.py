#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what Meson's log of a suite tells, test by test and case by case.

    totals.py [--no-skips] --save TOTALS LOG NAME   print a line, and what failed; add to TOTALS
    totals.py --total TOTALS SECONDS                print the reasons of skips and the line of totals

With --no-skips a skipped case is a failed one. --total ends with 1 if a case failed.
"""

import json
import os
import re
import sys

TAP_LINE = re.compile(r"(not )?ok\b *\d* *(?:- )?(.*)")
TAP_SKIP = re.compile(r"(.*?)#\s*skip\S*\s*(.*)", re.I)
PLAN_SKIP = re.compile(r"1\.\.0\s*#\s*skip\S*\s*(.*)", re.I)


def last_line(test):
    """The last thing that a test said."""
    lines = (test.get("stderr") or test["stdout"]).strip().splitlines()
    return lines[-1] if lines else "no reason given"


def cases_of(test):
    """The cases of a test: name, "passed", "failed" or "skipped", and the reason of a skip."""
    name = test["name"].split(" / ")[-1]
    result = {"OK": "passed", "SKIP": "skipped"}.get(test["result"], "failed")
    cases, said = [], ""
    for line in test["stdout"].splitlines():
        case, plan = TAP_LINE.match(line), PLAN_SKIP.match(line)
        if plan:
            return [(name, "skipped", plan[1] or said)]
        if case:
            skip = TAP_SKIP.match(case[2])
            if skip:
                cases.append((f"{name}: {(skip[1] or skip[2]).strip()}", "skipped", said or skip[2]))
            else:
                cases.append((f"{name}: {case[2]}", "failed" if case[1] else "passed", ""))
        said = "" if case else line.lstrip("# ")
    # A test that ended badly after its last case, or that has no cases.
    if not cases or (result == "failed" and all(outcome != "failed" for _, outcome, _ in cases)):
        cases.append((name, result, last_line(test) if result == "skipped" else ""))
    return cases


def read_log(path):
    """The tests of one of Meson's logs."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def show(test):
    """What a failed test said."""
    print(f"--- {test['name']}: {test['result']}, exit status {test['returncode']}")
    print(test["stdout"].rstrip(), test.get("stderr", "").rstrip(), sep="\n")


def save(totals, path, suite, may_skip):
    """Count a suite, print its line, and keep its cases for the totals."""
    tests = read_log(path)
    cases = [case for test in tests for case in cases_of(test)]
    if not may_skip:
        cases = [(name, "failed" if result == "skipped" else result, why) for name, result, why in cases]
    if not cases:
        cases = [("the suite has no tests", "failed", "")]
    outcomes = [result for _, result, _ in cases]
    counts = [f"{outcomes.count(what)} {what}" for what in ("passed", "failed", "skipped") if what in outcomes]
    print(f"{suite}: {', '.join(counts)}, {sum(test['duration'] for test in tests):.1f} s", flush=True)
    for test in tests:
        if any(result == "failed" for _, result, _ in cases_of(test)) or test["result"] not in ("OK", "SKIP"):
            show(test)
    for name, result, why in cases:
        if result == "failed":
            print(f"    failed: {name}{': skipped, ' + why if why else ''}")
    with open(totals, "a", encoding="utf-8") as stream:
        stream.writelines(json.dumps((suite, *case)) + "\n" for case in cases)


def total(totals, seconds):
    """Print why cases were skipped, and the totals."""
    cases = read_log(totals)
    reasons = {}
    for suite, _, result, why in cases:
        if result == "skipped":
            reasons.setdefault(f"{suite}: {why or 'no reason given'}", []).append(why)
    outcomes = [result for _, _, result, _ in cases]
    skips = "; ".join(f"{len(names)} in {reason}" for reason, names in reasons.items())
    print(
        f"{outcomes.count('passed')} passed, {outcomes.count('failed')} failed, "
        f"{outcomes.count('skipped')} skipped{' (' + skips + ')' if skips else ''}, in {seconds} s"
    )
    return "failed" in outcomes or not outcomes


def main(arguments):
    """See the head of the file."""
    if arguments[0] == "--total":
        sys.exit(total(*arguments[1:]))
    *options, totals, path, suite = arguments
    save(totals, path, suite, "--no-skips" not in options)


if __name__ == "__main__":
    main(sys.argv[1:])
