"""Notes every file that Python opens and every folder that it lists. From PYTHONPATH; notes go to OPENED."""

import os
import sys

NOTES = os.open(os.environ["OPENED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | os.PathLike):
        os.write(NOTES, f"{os.fspath(arguments[0])}\n".encode())


sys.addaudithook(note)
