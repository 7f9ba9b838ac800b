"""Lists every folder backwards, as another file system might. Python imports it from PYTHONPATH."""

import os

LIST, SCAN = os.listdir, os.scandir


class Reversed:
    """What os.scandir returns, in the reverse order of names."""

    def __init__(self, *arguments):
        with SCAN(*arguments) as entries:
            self._entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    def __iter__(self):
        return self._entries

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._entries = iter(())


os.listdir = lambda *arguments: sorted(LIST(*arguments), reverse=True)
os.scandir = Reversed
