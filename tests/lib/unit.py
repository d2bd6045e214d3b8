"""Runs the cmocka programs of a build folder and counts each test in them."""

import json
import os
import re
import subprocess


def run_program(test, report, label, wanted):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **test.get("env", {}))
    env.pop("CMOCKA_XML_FILE", None)
    try:
        done = subprocess.run(test["cmd"], env=env, cwd=test["workdir"], capture_output=True, text=True, errors="replace",
                              timeout=test["timeout"] or 120, stdin=subprocess.DEVNULL, check=False)
        output, status = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired:
        output, status = "timeout", -1
    rows = re.findall(r"^(ok|not ok) \d+ - (.*?)( # SKIP.*)?$", output, re.M)
    failed = False
    for result, name, skip in rows:
        full = f"{label} {test['name']} {name}"
        if wanted and not re.search(wanted, full):
            continue
        if skip:
            report.add(full, "skip", skip.removeprefix(" # SKIP").strip() or "the test skipped itself")
        else:
            failed |= result != "ok"
            report.add(full, "ok" if result == "ok" else "fail", output if result != "ok" else "")
    if not rows or (status != 0 and not failed):
        report.add(f"{label} {test['name']}", "fail", f"exit status {status}\n{output[-4000:]}")


def run(build, report, label, wanted=None):
    listed = subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True)
    for test in json.loads(listed.stdout):
        if any(s.split(":")[-1] == "unit" for s in test["suite"]):
            run_program(test, report, label, wanted)
