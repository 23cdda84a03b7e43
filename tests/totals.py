#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what Meson's logs tell, test by test and case by case.

    totals.py suites DIR                  print the suites that a build has
    totals.py count TOTALS DIR SUITE… --may-skip SUITE…
                                          print a line for each suite, and what failed; add to TOTALS
    totals.py total TOTALS SECONDS        print the reasons of skips, and a line of totals

A case that is skipped in a suite that may not skip has failed, and so has a suite without tests.
"total" ends with 1 if a case failed.
"""

import collections
import json
import os
import re
import subprocess
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
        said = "" if case else line.lstrip("# ").removeprefix("the next test is skipped: ")
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
    """What a failed test said, but for the cases that passed."""
    print(f"--- {test['name']}: {test['result']}, exit status {test['returncode']}")
    said = (test["stdout"] + test.get("stderr", "")).splitlines()
    print(*(line for line in said if line and not line.startswith("ok ")), sep="\n")


def is_in_suite(test, suite):
    """Meson names a test "project:suite+suite / test", or "test" if its build has one suite."""
    suites, slash, _ = test["name"].rpartition(" / ")
    return not slash or suite in suites.split(":")[-1].split("+")


def count_suite(tests, may_skip):
    """The cases of a suite, with what may not be as failed."""
    cases = [case for test in tests for case in cases_of(test)]
    if not may_skip:
        cases = [(name, "failed" if result == "skipped" else result, why) for name, result, why in cases]
    return cases or [("the suite has no tests", "failed", "")]


def count(totals, build, suites, may_skip):
    """Count suites, print a line and the failures of each, and keep the cases for the totals."""
    tests = read_log(os.path.join(build, "meson-logs/testlog-run.json"))
    for suite in suites:
        mine = [test for test in tests if is_in_suite(test, suite)]
        cases = count_suite(mine, suite in may_skip)
        outcomes = [result for _, result, _ in cases]
        counts = [f"{outcomes.count(what)} {what}" for what in ("passed", "failed", "skipped") if what in outcomes]
        print(f"    {suite}: {', '.join(counts)}")
        for test in mine:
            if test["result"] not in ("OK", "SKIP"):
                show(test)
        for name, result, why in cases:
            if result == "failed":
                print(f"    failed: {name}{': skipped, ' + why if why else ''}")
        with open(totals, "a", encoding="utf-8") as stream:
            stream.writelines(json.dumps((f"{build}/ {suite}", *case)) + "\n" for case in cases)


def print_suites(build):
    """Every suite of a build, once."""
    command = ["meson", "introspect", "--tests", build]
    tests = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    print(*sorted({suite.split(":")[-1] for test in tests for suite in test["suite"]}), sep="\n")


def total(totals, seconds):
    """Print why cases were skipped, and the line of totals. Whether one failed."""
    cases = read_log(totals)
    outcomes = collections.Counter(result for _, _, result, _ in cases)
    reasons = collections.Counter((where, why) for where, _, result, why in cases if result == "skipped")
    for (where, why), times in reasons.items():
        print(f"skipped {times} in {where}: {why or 'no reason given'}")
    print(
        f"{outcomes['passed']} passed, {outcomes['failed']} failed, {outcomes['skipped']} skipped"
        f"{' for the reasons above' if reasons else ''}, in {seconds} s"
    )
    return outcomes["failed"] > 0 or not cases


def main(command, *arguments):
    """See the head of the file."""
    if command == "suites":
        print_suites(*arguments)
    elif command == "count":
        totals, build, *suites = arguments
        split = suites.index("--may-skip")
        count(totals, build, suites[:split], suites[split + 1 :])
    else:
        sys.exit(total(*arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
