"""Kills a run at named points of its writers. Python imports this at its start, from PYTHONPATH.

KILL_AT names the points, each as PATH:POINT:WHOM. The points of a file that is written by
`livedead.stores.replacing`, or of a folder by `replacing_folder`, in their order, seen through Python's audit
events:

begun     its temporary file is about to be made, and the old file is gone
written   the temporary file is whole, and not yet flushed; a folder has no such point
flushed   it is about to take the file's name
renamed   it has, and the job goes on

WHOM is ``job``, this process alone, or ``run``, Snakemake with everything it started. A point that
was reached is noted in the file KILLED.
"""

import os
import signal
import sys
from pathlib import Path

BEGINS = ("tempfile.mkstemp", "tempfile.mkdtemp")
EVENTS = (*BEGINS, "open", "os.rename", "os.remove")
POINTS = [point.rsplit(":", 2) for point in os.environ.get("KILL_AT", "").split(",") if point]


def kill_at(event, arguments):
    if event not in EVENTS or not isinstance(arguments[0], str | os.PathLike):
        return
    temporary = Path.cwd() / arguments[0]
    if temporary.suffix != ".partial":
        return
    for name, point, whom in POINTS:
        path = Path.cwd() / name
        if temporary.parent != path.parent or not temporary.name.startswith(f".{path.name}."):
            continue
        reached = {
            "begun": event in BEGINS,
            "written": event == "open" and arguments[1] == "r+",
            "flushed": event == "os.rename",
            "renamed": event == "os.remove" and not temporary.exists(),
        }
        if reached[point]:
            with open(os.environ["KILLED"], "a") as notes:
                notes.write(f"{name}:{point}:{whom}\n")
            os.killpg(0, signal.SIGKILL) if whom == "run" else os.kill(os.getpid(), signal.SIGKILL)


if POINTS:
    sys.addaudithook(kill_at)
