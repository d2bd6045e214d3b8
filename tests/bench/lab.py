"""The folder that a benchmark works in, its measuring, and the table."""

import os
import shutil
import statistics
import subprocess
import tempfile
import time

PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


# All rows together are to end within ten minutes: one that has taken so long is repeated no more.
ROW_SECONDS = 25


class Contender:
    """A tool in one row: COMMAND is a list of words, or a function of the repetition's number that returns one."""

    def __init__(self, name, command, prepare=None):
        self.name, self.prepare = name, prepare
        self.command = command if callable(command) else lambda number: command
        self.times_us, self.peaks_kib, self.problem = [], [], None


class Lab:
    def __init__(self, folder, build, quick, only):
        self.folder, self.quick, self.only = folder, quick, only
        os.chmod(folder, 0o755)
        self.measure_program = os.path.join(build, "tests", "bench", "measure")
        self.store = os.path.join(folder, "store")
        # Live state is in memory, as it is by default.
        self.live = tempfile.mkdtemp(prefix="cloche-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else folder)
        self.cloche = [os.path.join(build, "cloche"), "--root", self.store, "--runroot", self.live]
        self.table, self.notes, self.remarks, self.broken = [], [], [], False
        self.env = dict(os.environ, PATH=PATH, XDG_RUNTIME_DIR=self.path("xdg"))
        os.mkdir(self.path("xdg"), 0o700)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def find(self, program):
        return shutil.which(program, path=PATH)

    def wants(self, row):
        return not self.only or self.only in row

    def call(self, command, **more):
        """Runs COMMAND; (whether it succeeded, the last line that it said, on stderr if anything is there)."""
        try:
            done = subprocess.run(command, env=self.env, capture_output=True, text=True, errors="replace", check=False,
                                  timeout=600, stdin=subprocess.DEVNULL, **more)
        except (OSError, subprocess.TimeoutExpired) as e:
            return False, str(e)
        if done.returncode == 0 and command[0] == self.measure_program:
            return True, done.stdout
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        return done.returncode == 0, said[-1] if said else f"exit status {done.returncode}"

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def remark(self, text):
        """Something to say below the table about a row of it."""
        self.remarks.append(text)

    def usable(self, name, variants):
        """The first of VARIANTS (functions that return a command) that works here; None and a note if none does."""
        if not self.find(name):
            self.note(f"{name}: not installed")
            return None
        said = ""
        for variant in variants:
            works, said = self.call(variant)
            if works:
                return variant
        self.note(f"{name}: {said}")
        return None

    def once(self, contender, number, copies):
        if contender.prepare:
            contender.prepare(number)
        command = [self.measure_program, "-n", str(copies)] + contender.command(number)
        works, said = self.call(command)
        if not works:
            contender.problem = said
            return
        wall, peak = said.split()[-2:]
        contender.times_us.append(float(wall))
        contender.peaks_kib.append(int(peak))

    def row(self, name, contenders, goal, repetitions=None, copies=1, seconds=ROW_SECONDS):
        """Measures CONTENDERS (the first is ours) in turns. GOAL is a function of (ours us, {name: us}, peak KiB)."""
        count, began = repetitions or (5 if self.quick else 15), time.monotonic()
        for number in range(count + 1):
            for c in contenders:
                if c.problem is None:
                    self.once(c, number, copies)
            if time.monotonic() - began > seconds:
                break
        for c in contenders:
            if len(c.times_us) > 1:  # the first one warms caches
                del c.times_us[0], c.peaks_kib[0]
        for c in contenders:
            if c.problem:
                self.note(f"{c.name}, {name}: {c.problem}")
        ours = contenders[0]
        self.broken |= ours.problem is not None
        self.table.append((name, ours, [c for c in contenders[1:] if not c.problem], goal))

    def print_table(self):
        widths = "{:<34} {:>10} {:<10} {:>10} {:>6} {:>9} {:>9}  {}"
        print(widths.format("", "cloche", "peer", "peer's", "ratio", "our peak", "its peak", "goal"))
        for name, ours, peers, goal in self.table:
            self.print_row(widths, name, ours, peers, goal)
        print("\nratio: cloche's time / the peer's. peak: largest resident set of any one process.")
        for remark in self.remarks:
            print(remark)
        for note in self.notes:
            print(f"not compared: {note}")

    def print_row(self, widths, name, ours, peers, goal):
        if ours.problem:
            print(widths.format(name, "failed", "", "", "", "", "", ""))
            return
        mine, peak = statistics.median(ours.times_us), statistics.median(ours.peaks_kib)
        theirs = {p.name: statistics.median(p.times_us) for p in peers}
        text = goal.describe(mine, theirs, peak)
        if not peers:
            print(widths.format(name, time_text(mine), "", "", "", size_text(peak), "", text))
        for p in peers:
            other = theirs[p.name]
            print(widths.format(name, time_text(mine), p.name, time_text(other), f"{mine / other:.2f}", size_text(peak),
                                size_text(statistics.median(p.peaks_kib)), text))
            name = text = ""

    def tear_down(self):
        # podman leaves a process that holds its user namespace.
        pause = self.path("xdg", "libpod", "tmp", "pause.pid")
        if os.path.exists(pause):
            with open(pause, encoding="ascii") as f:
                subprocess.run(["kill", "-KILL", f.read().strip()], check=False)
        shutil.rmtree(self.live, ignore_errors=True)
        if os.getuid() != 0 and self.find("unshare"):
            # Peers leave files of subordinate ids.
            subprocess.run(["unshare", "--map-root-user", "--map-auto", "sh", "-c",
                            f"rm -rf --one-file-system '{self.folder}'/*"], env=self.env, check=False,
                           stderr=subprocess.DEVNULL)


class Goal:
    """What is to be reached: a ratio to a peer, seconds, or kibibytes at the peak; any of them."""

    def __init__(self, ratios=None, seconds=None, peak_kib=None):
        self.ratios, self.seconds, self.peak_kib = ratios or {}, seconds, peak_kib

    def describe(self, mine_us, theirs_us, peak_kib):
        parts = []
        for name, ratio in self.ratios.items():
            met = verdict(mine_us / theirs_us[name] <= ratio) if name in theirs_us else "not compared"
            parts.append(f"{ratio:g} × {name}: {met}")
        if self.seconds is not None:
            parts.append(f"{self.seconds:.2g} s: {verdict(mine_us <= self.seconds * 1e6)}")
        if self.peak_kib is not None:
            parts.append(f"{self.peak_kib // 1024} MiB: {verdict(peak_kib <= self.peak_kib)}")
        return "; ".join(parts)


def verdict(met):
    return "met" if met else "MISSED"


def time_text(us):
    if us < 10_000:
        return f"{us / 1000:.2f} ms"
    return f"{us / 1000:.0f} ms" if us < 1_000_000 else f"{us / 1e6:.2f} s"


def size_text(kib):
    return f"{kib / 1024:.1f} MiB"
