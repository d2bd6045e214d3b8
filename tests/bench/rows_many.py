"""Many containers: how long it takes to list them, to stop several, and to remove them."""

import concurrent.futures
import time

import rows_start
from lab import Contender, Goal

SEVERAL = 10
LISTED, RUNNING = 1000, 100
LISTED_BY_PODMAN = 20
# An index of containers has none that was changed in the last moments.
SETTLE_S = 4


def call_all(lab, commands):
    """Whether all of COMMANDS, two at a time, succeeded; what one that didn't said."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for works, said in pool.map(lab.call, commands):
            if not works:
                return False, said
    return True, ""


class Tool:
    """cloche or podman: the command without its subcommand, and the options of a container, its image included."""

    def __init__(self, name, base, options, image):
        self.name, self.base, self.options, self.image = name, base, options, image

    def run(self, name, *words):
        return self.base + ["run", "-d", "--name", name, *self.options, self.image, *words]

    def create(self, name):
        return self.base + ["create", "--name", name, *self.options, self.image, "true"]


def find_tools(lab):
    tools = [Tool("cloche", lab.cloche, ["--network", "none"], "busybox")]
    works = rows_start.podman_command(lab)
    if works:
        image = works[-2]
        tools.append(Tool("podman", works[:works.index("run")], works[works.index("--rm") + 1:works.index(image)], image))
    return tools


def made(lab, tool, commands):
    works, said = call_all(lab, commands)
    if not works:
        lab.note(f"{tool.name}, {commands[0][len(tool.base)]} of {len(commands)}: {said}")
        lab.broken |= tool.name == "cloche"
    return works


def measure_stop(lab, tools):
    names = [f"stop{i}" for i in range(SEVERAL)]
    able = [t for t in tools if made(lab, t, [t.run(name, "sleep", "1000") for name in names])]
    if not lab.broken:
        lab.row(f"stop of {SEVERAL}", [Contender(t.name, t.base + ["stop", "-t", "0"] + names,
                                                 lambda number, t=t: lab.call(t.base + ["start"] + names)) for t in able],
                Goal(), repetitions=3 if lab.quick else 10)
    for t in able:
        lab.call(t.base + ["rm", "-f"] + names)


def measure_ps(lab, tools):
    able = [t for t in tools if made(lab, t, [t.create(f"ps{i}") for i in range(LISTED_BY_PODMAN)])]
    if lab.broken:
        return
    lab.row(f"ps -a of {LISTED_BY_PODMAN}", [Contender(t.name, t.base + ["ps", "-a"]) for t in able], Goal())
    ours, names = tools[0], [f"many{i}" for i in range(LISTED)]
    if not made(lab, ours, [ours.run(name, "sleep", "1000") for name in names[:RUNNING]]) or \
       not made(lab, ours, [ours.create(name) for name in names[RUNNING:]]):
        return
    time.sleep(SETTLE_S)
    lab.row(f"ps -a of {LISTED:,}, {RUNNING} run", [Contender("cloche", ours.base + ["ps", "-a"])], Goal(seconds=0.02))
    began = time.monotonic()
    lab.call(ours.base + ["rm", "-f"] + names)
    lab.remark(f"rm -f of {LISTED:,}, {RUNNING} of which run: {time.monotonic() - began:.2f} s")


def measure(lab):
    rows = ((f"stop of {SEVERAL}", measure_stop), (f"ps -a of {LISTED_BY_PODMAN}, {LISTED:,}", measure_ps))
    wanted = [function for row, function in rows if lab.wants(row)]
    if not wanted:
        return
    tools = find_tools(lab)
    if made(lab, tools[0], [lab.cloche + ["import", lab.path("busybox.tar"), "busybox"]]):
        for function in wanted:
            function(lab, tools)
