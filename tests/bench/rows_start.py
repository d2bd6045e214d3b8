"""Start: `true` in a container, once and fifty times at once."""

import json
import os
import pwd
import random
import shutil
import statistics
import subprocess

from lab import Contender, Goal

BUSYBOX_FOLDERS = ("bin", "dev", "etc", "proc", "sys", "tmp", "root")


def make_root(lab):
    root = lab.path("rootfs")
    for name in BUSYBOX_FOLDERS:
        os.makedirs(os.path.join(root, name))
    subprocess.run(["cp", lab.find("busybox"), os.path.join(root, "bin/busybox")], check=True)
    for applet in ("sh", "true", "ls", "cat", "mkdir", "echo", "seq", "sleep", "xargs", "touch"):
        os.symlink("busybox", os.path.join(root, "bin", applet))
    subprocess.run(["tar", "-C", root, "-cf", lab.path("busybox.tar"), "."], check=True)
    return root


def make_bundle(lab, runtime, root, args=("true",), suffix=""):
    """A bundle for crun or runc with the same root; returns its folder."""
    folder = lab.path(f"bundle-{runtime}-{args[0]}{suffix}")
    os.mkdir(folder)
    rootless = [] if os.getuid() == 0 else ["--rootless"]
    works, said = lab.call([runtime, "spec"] + rootless, cwd=folder)
    if not works:
        lab.note(f"{runtime}: {said}")
        return None
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["process"].update(args=list(args), terminal=False)
    config["process"].pop("rlimits", None)
    config["root"] = {"path": root}
    config["linux"].pop("resources", None)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    return folder


def runtime_command(lab, runtime, root):
    """A function of a number that returns the command, or None if the runtime can't be used."""
    if not lab.find(runtime):
        lab.note(f"{runtime}: not installed")
        return None
    folder = make_bundle(lab, runtime, root)
    if not folder:
        return None
    base = runtime_base(lab, runtime)
    # Every container needs a name of its own, also among fifty at once: the shell's pid is one.
    script = f'exec {" ".join(base)} run --bundle {folder} b$$'
    command = ["sh", "-c", script]
    works, said = lab.call(command)
    if not works:
        lab.note(f"{runtime}: {said}")
        return None
    return command


def runtime_base(lab, runtime):
    base = [runtime, "--root", lab.path(f"state-{runtime}")]
    return base + ["--cgroup-manager=disabled"] if runtime == "crun" else base


def measure_exec(lab, root):
    """`true` in a container that runs."""
    works, said = lab.call(lab.cloche + ["run", "-d", "--network", "none", "--name", "box", "busybox", "sleep", "1000"])
    if not works:
        lab.note(f"cloche run -d: {said}")
        lab.broken = True
        return
    contenders = [Contender("cloche", lab.cloche + ["exec", "box", "true"])]
    started = []
    for runtime in ("crun", "runc"):
        folder = make_bundle(lab, runtime, root, ("sleep", "1000")) if lab.find(runtime) else None
        if not folder:
            continue
        base = runtime_base(lab, runtime)
        # Its output would be ours, and keep whoever reads that waiting.
        works, _ = lab.call(["sh", "-c", f'exec {" ".join(base)} run -d --bundle {folder} box >/dev/null 2>&1 </dev/null'])
        if works:
            started.append(base)
            contenders.append(Contender(runtime, base + ["exec", "box", "true"]))
        else:
            lab.note(f"{runtime}: can't start a container to exec in")
    lab.row("exec box true", contenders, Goal({"crun": 0.4}), repetitions=10 if lab.quick else 40)
    lab.call(lab.cloche + ["rm", "-f", "box"])
    for base in started:
        lab.call(base + ["delete", "-f", "box"])


def podman_base(lab):
    return ["podman", "--root", lab.path("podman"), "--runroot", lab.path("podman-run"), "--storage-driver", "overlay",
            "--cgroup-manager=cgroupfs", "--events-backend=none"]


def podman_command(lab):
    if not lab.find("podman"):
        lab.note("podman: not installed")
        return None
    works, said = lab.call(podman_base(lab) + ["import", lab.path("busybox.tar"), "localhost/busy"])
    if not works:
        lab.note(f"podman: {said}")
        return None
    # What a container may open is more than some machines' root may give.
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
    variants = [podman_base(lab) + ["--runtime", runtime, "run", "--rm", "--network", "none", *cgroups, *limits,
                                    "localhost/busy", "true"]
                for runtime, cgroups in (("crun", ["--cgroups=disabled"]), ("crun", []), ("runc", []))]
    return lab.usable("podman", variants)


# Who a start is measured as, beside whoever we are: the users of the integration tests, where tests/run has made them.
ORDINARY_USERS = (("cloche-nosub", "no subuids"), ("cloche-sub", "subuids"))


def find_users():
    """(name or None for ourselves, in words) of all as whom we can measure."""
    if os.getuid() != 0:
        return [(None, "as we are")]
    names = {entry.pw_name for entry in pwd.getpwall()}
    return [(None, "root")] + [user for user in ORDINARY_USERS if user[0] in names]


def ratio_and_range(ours, theirs):
    """The ratio of the medians, and between what it lies in 95 of 100 resamples of the rounds."""
    rounds, dice = list(zip(ours, theirs)), random.Random(1)
    samples = []
    for _ in range(400):
        sample = dice.choices(rounds, k=len(rounds))
        samples.append(statistics.median(a for a, _ in sample) / statistics.median(b for _, b in sample))
    samples.sort()
    return statistics.median(ours) / statistics.median(theirs), samples[10], samples[-11]


def make_user_store(lab, user, prefix):
    """A store of USER's with busybox in it; the command that uses it, or None."""
    name = user or "self"
    folders = [lab.path(f"store-{name}"), os.path.join(lab.live, f"run-{name}")]
    os.chmod(lab.live, 0o755)
    for folder in folders:
        os.mkdir(folder, 0o700)
        if user:
            shutil.chown(folder, user, user)
    cloche = [lab.cloche[0], "--root", folders[0], "--runroot", folders[1]]
    works, said = lab.call(prefix + cloche + ["import", lab.path("busybox.tar"), "busybox"])
    if not works:
        lab.note(f"as {name}: {said}")
    return cloche if works else None


def duel_row(lab, row, prefix, ours, peer, theirs, goal):
    """A row of cloche's command OURS and PEER's THEIRS in turns, by one process that PREFIX starts."""
    rounds = 40 if lab.quick else 200
    duel = os.path.join(os.path.dirname(lab.measure_program), "duel")
    done = subprocess.run(prefix + [duel, "-n", str(rounds), "-g", "2000"] + ours + ["--"] + theirs, env=lab.env,
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lab.note(f"{row}: {done.stderr.strip()}")
        lab.broken = True
        return
    # The first rounds warm caches.
    lines = [[float(word) for word in line.split()] for line in done.stdout.splitlines()][3:]
    mine, other = Contender("cloche", ours), Contender(peer, theirs)
    for at, contender in ((0, mine), (3, other)):
        contender.times_us = [line[at] for line in lines]
        contender.peaks_kib = [int(line[at + 2]) for line in lines]
    lab.table.append((row, mine, [other], goal))
    ratio, low, high = ratio_and_range(mine.times_us, other.times_us)
    cpu = statistics.median(line[1] for line in lines) / statistics.median(line[4] for line in lines)
    lab.remark(f"{row}: {ratio:.2f} × {peer}, between {low:.2f} and {high:.2f} in 95 of 100 resamples of "
               f"{len(lines)} rounds; CPU time {cpu:.2f} ×")


def measure_as(lab, user, words, bwrap):
    """One row: cloche and bubblewrap, as that user."""
    prefix = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
    cloche = make_user_store(lab, user, prefix)
    if cloche:
        ours = cloche + ["run", "--rm", "--network", "none", "busybox", "true"]
        duel_row(lab, f"run true, {words}", prefix, ours, "bwrap", bwrap, Goal({"bwrap": 1.1}, peak_kib=4096))


# crun refuses control groups of both versions side by side. In a mount namespace of one's own there can be one version alone.
ONE_CGROUP_TREE = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                   'umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', "sh"]


def measure_crun(lab, root):
    """A prepared bundle started by crun, without a shell between, where it can be made to work."""
    row = "run true, prepared bundle"
    if not lab.wants(row) or not lab.find("crun"):
        return
    folder = make_bundle(lab, "crun", root, suffix="-alone")
    if not folder:
        return
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    theirs = ["crun", "--root", lab.path("state-crun-alone"), "--cgroup-manager=disabled", "run", "--bundle", folder, "b"]
    ours = lab.cloche + ["run", "--rm", "--network", "none", "busybox", "true"]
    for prefix in ([], ONE_CGROUP_TREE if os.getuid() == 0 else []):
        works, said = lab.call(prefix + theirs)
        if works:
            duel_row(lab, row, prefix, ours, "crun", theirs, Goal({"crun": 0.4}))
            return
    lab.note(f"crun, {row}: {said}")


def measure_users(lab, bwrap):
    for user, words in find_users():
        if bwrap and lab.wants(f"run true, {words}"):
            measure_as(lab, user, words, bwrap)


def measure(lab):
    root = make_root(lab)
    works, said = lab.call(lab.cloche + ["import", lab.path("busybox.tar"), "busybox"])
    if not works:
        lab.note(f"cloche import: {said}")
        lab.broken = True
        return
    ours = lab.cloche + ["run", "--rm", "--network", "none", "busybox", "true"]
    bwrap = lab.usable("bwrap", [["bwrap", "--unshare-all", "--bind", root, "/", "--proc", "/proc", "--dev", "/dev",
                                  "true"]])
    peers = [("bwrap", bwrap), ("crun", runtime_command(lab, "crun", root)),
             ("runc", runtime_command(lab, "runc", root)), ("podman", podman_command(lab))]
    peers = [(name, command) for name, command in peers if command]
    if lab.wants("run true"):
        lab.row("run --rm --network none … true", [Contender("cloche", ours)] + [Contender(n, c) for n, c in peers],
                Goal({"bwrap": 1.1, "crun": 0.4}, peak_kib=4096), repetitions=10 if lab.quick else 40)
    if lab.wants("exec"):
        measure_exec(lab, root)
    measure_users(lab, bwrap)
    measure_crun(lab, root)
    if lab.wants("50 at once"):
        few = [Contender(n, c) for n, c in peers if n != "podman" or not lab.quick]
        lab.row("50 at once", [Contender("cloche", ours)] + few, Goal({"bwrap": 1.1}), repetitions=3, copies=50)
