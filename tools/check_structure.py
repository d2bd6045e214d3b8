#!/usr/bin/env python3
"""Holds the source to its structure: direction of includes, sizes, names, banned functions.

Prints one line "path:line: what" for each break and fails if there is one; warnings (functions past the
length that should make one think) do not fail. Exceptions stand in EXCEPTIONS with their reasons.
"""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# docs/ARCHITECTURE.md, "Layers of the source": a folder includes itself and what stands before it.
LAYERS = "base sys codec oci cgroup store layer registry runtime lifecycle intercept net monitor build engine cli role".split()

# The same within a folder: its own files are ".".
INNER_LAYERS = {
    "engine": ". image move container volume run bundle exec build doctor".split(),
    "cli": "template . oci image container volume system docs".split(),
}

FILE_LIMIT = 700
FUNCTION_LIMIT = 100
FUNCTION_WARN = 60

BANNED = {
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "strcat": "struct buf",
    "strncpy": "snprintf or memcpy",
    "strncat": "struct buf",
    "gets": "fgets",
    "scanf": "base/num.h",
    "sscanf": "base/num.h",
    "atoi": "base/num.h",
    "atol": "base/num.h",
    "atoll": "base/num.h",
    "strtok": "strtok_r or strsep",
    "system": "sys/spawn.h",
    "popen": "sys/spawn.h",
    "alloca": "malloc with autofree",
    "tmpnam": "a name of our own and O_EXCL",
    "mktemp": "a name of our own and O_EXCL",
    "sleep": "waiting for the event",
    "usleep": "waiting for the event",
    "longjmp": "errors that are returned",
    "localtime": "localtime_r",
    "gmtime": "gmtime_r",
    "strerror_r": "err_errno",
    "readdir_r": "readdir",
}

# (file, rule): why this one may.
EXCEPTIONS = {
    ("src/codec/reference.c", "strcpy"): "the length was checked against the array three lines above",
}


class Checker:
    def __init__(self):
        self.problems = []
        self.warnings = []
        self.used = set()

    def problem(self, path, line, rule, text):
        if (path, rule) in EXCEPTIONS:
            self.used.add((path, rule))
        else:
            self.problems.append(f"{path}:{line}: {text}")

    def warn(self, path, line, text):
        self.warnings.append(f"{path}:{line}: warning: {text}")


def strip_comments(text):
    """The code with comments and the content of strings blanked, line numbers kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def sources():
    for folder in ("src", "tests"):
        for root, folders, files in os.walk(os.path.join(TOP, folder)):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(root, name), TOP)


def check_name(checker, path):
    stem = os.path.basename(path).rsplit(".", 1)[0]
    if re.search(r"(^|_)(utils?|misc|common)$", stem):
        checker.problem(path, 1, "name", f"a file named '{stem}' has no one idea")


def includes_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if found:
            yield number, found.group(1)


def check_includes(checker, path, text, graph):
    parts = path.split("/")
    if parts[0] != "src":
        return
    layer = parts[1]
    if layer not in LAYERS:
        checker.problem(path, 1, "layer", f"folder src/{layer} is not in the list of layers")
        return
    for number, name in includes_of(text):
        target = name.split("/")[0]
        if name == "config.h" or re.fullmatch(r"\w+_(blob|ready)\.h", name):  # made when it is built
            continue
        if not os.path.exists(os.path.join(TOP, "src", name)):
            if "/" not in name:
                checker.problem(path, number, "include", f'"{name}" is not written as "folder/file.h"')
            continue
        graph.setdefault(path, []).append(f"src/{name}")
        if target in LAYERS and LAYERS.index(target) > LAYERS.index(layer):
            checker.problem(path, number, "include", f"{layer} must not include {name}: {target} stands above it")
        check_inner(checker, path, number, name)


def inner_of(path):
    parts = path.split("/")
    return parts[2] if len(parts) > 3 else "."


def check_inner(checker, path, line, name):
    """As check_includes, for folders whose own folders are in an order."""
    layer = path.split("/")[1]
    order = INNER_LAYERS.get(layer)
    if not order or name.split("/")[0] != layer:
        return
    mine, target = inner_of(path), inner_of(f"src/{name}")
    for folder in (mine, target):
        if folder not in order:
            checker.problem(path, line, "layer", f"folder src/{layer}/{folder} is not in INNER_LAYERS")
            return
    if order.index(target) > order.index(mine):
        checker.problem(path, line, "include", f"{layer}/{mine} must not include {name}: {target} stands above it")


def check_circles(checker, graph):
    done, trail = set(), []

    def visit(node):
        if node in trail:
            circle = trail[trail.index(node):] + [node]
            checker.problem(node, 1, "circle", "includes in a circle: " + " -> ".join(circle))
            return
        if node in done:
            return
        done.add(node)
        trail.append(node)
        for target in graph.get(node, []):
            visit(target)
        trail.pop()

    for node in sorted(graph):
        visit(node)


def functions(code):
    """(line, name, length) of each function: from its head to the brace in the first column that closes it."""
    lines = code.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            head = number_of_head(lines, start)
            found = re.search(r"(\w+)\s*\(", " ".join(lines[head - 1:start]))
            yield head, found.group(1) if found else "?", number - head + 1
            start = None


def number_of_head(lines, brace):
    head = brace
    while head > 1 and lines[head - 2].strip() and not lines[head - 2].startswith(("}", "#")) \
            and not lines[head - 2].rstrip().endswith((";", "*/")):
        head -= 1
    return head


def check_sizes(checker, path, text, code):
    count = text.count("\n")
    if count > FILE_LIMIT:
        checker.problem(path, 1, "file size", f"{count} lines; at most {FILE_LIMIT}: find its second idea")
    for line, name, length in functions(code):
        if length > FUNCTION_LIMIT:
            checker.problem(path, line, "function size", f"{name}() has {length} lines; at most {FUNCTION_LIMIT}")
        elif length > FUNCTION_WARN:
            checker.warn(path, line, f"{name}() has {length} lines; {FUNCTION_WARN} are a lot")


def check_banned(checker, path, text, code):
    if not path.startswith("src/"):
        return
    originals = text.splitlines()
    for number, line in enumerate(code.splitlines(), 1):
        for name in re.findall(r"(?<![\w.>])(\w+)\s*\(", line):
            if name in BANNED:
                checker.problem(path, number, name, f"{name}() is banned; use {BANNED[name]}")
            # strcpy of a literal is as safe as memcpy.
            if name in ("strcpy", "stpcpy") and not re.search(rf'\b{name}\s*\([^,]+,\s*"', originals[number - 1]):
                checker.problem(path, number, "strcpy", f"{name}() of what is no literal; use snprintf or memcpy")


def check_attributes(checker, path, code):
    """A function that uses cleanup attributes has no goto: which of them would run is then hard to see."""
    lines = code.splitlines()
    for line, name, length in functions(code):
        body = "\n".join(lines[line - 1:line + length - 1])
        if re.search(r"\bgoto\b", body) and re.search(r"\bauto(free|close|fclose|closedir|buf|strv|\w+)\b\s", body):
            checker.problem(path, line, "goto", f"{name}() has both goto and cleanup attributes")


def check_line_ends(checker, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"[ \t]+$", line):
            checker.problem(path, number, "blank", "blanks at the end of the line")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            checker.problem(path, number, "todo", "unfinished: an issue is the place for it")


def main():
    checker = Checker()
    graph = {}
    for path in sources():
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            text = f.read()
        code = strip_comments(text)
        check_name(checker, path)
        check_includes(checker, path, text, graph)
        check_sizes(checker, path, text, code)
        check_banned(checker, path, text, code)
        check_attributes(checker, path, code)
        check_line_ends(checker, path, text)
    check_circles(checker, graph)
    for path, rule in sorted(set(EXCEPTIONS) - checker.used):
        checker.problems.append(f"tools/check_structure.py:1: the exception for {path} ({rule}) is needed no more")
    print("\n".join(checker.warnings + checker.problems) or "structure: as it should be")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
