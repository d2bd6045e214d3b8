#!/usr/bin/env python3
"""walk.py PAGE: does what a page of docs/walks says, in one shell, and compares what comes out.

A block marked ```console holds commands, "$ " in front, lines that continue one with "> ", and lines that must
appear in the command's output in this order. An ellipsis (…) stands for any text, runs of blanks count as one, and other
lines may come between. A command must succeed unless it ends with "# fails".
"""

import re
import subprocess
import sys

MARK = "\x01"


def read_page(path):
    """[(command, [expected line, …]), …]"""
    steps = []
    inside = False
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("```"):
                inside = line.strip() == "```console"
            elif inside and line.startswith("$ "):
                steps.append([line[2:], []])
            elif inside and line.startswith("> ") and steps and not steps[-1][1]:
                steps[-1][0] += "\n" + line[2:]
            elif inside and steps and line.strip(" …"):
                steps[-1][1].append(line)
    return steps


def as_script(steps):
    """Each command, then a line with its number and status."""
    parts = []
    for number, (command, _) in enumerate(steps):
        parts.append(f"{command}\nprintf '\\n{MARK}%s %s\\n' {number} $?\n")
    return "exec 2>&1\n" + "".join(parts)


def pattern_of(line):
    pieces = [re.escape(" ".join(p.split())) for p in line.split("…")]
    return "^ ?" + ".*".join(p.replace(r"\ ", " ") for p in pieces) + " ?$"


def compare(expected, output):
    """None, or the first expected line that the output lacks."""
    lines = iter(" ".join(line.split()) for line in output.splitlines())
    for line in expected:
        pattern = re.compile(pattern_of(line).replace(".*", " ?.* ?"))
        if not any(pattern.search(found) for found in lines):
            return line
    return None


def main():
    steps = read_page(sys.argv[1])
    if not steps:
        sys.exit(f"{sys.argv[1]}: no commands")
    done = subprocess.run(["bash", "-c", as_script(steps)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    outputs = re.split(rf"\n{MARK}(\d+) (\d+)\n", done.stdout)
    bad = 0
    for number, (command, expected) in enumerate(steps):
        if 3 * number + 2 >= len(outputs):
            sys.exit(f"the shell ended at: {command}\n{outputs[-1]}")
        output, status = outputs[3 * number], int(outputs[3 * number + 2])
        fails = command.endswith("# fails")
        missing = compare(expected, output)
        if (status != 0) != fails or missing is not None:
            bad += 1
            print(f"$ {command}\n{output}\nexit status {status}")
            if missing is not None:
                print(f"lacks: {missing}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
