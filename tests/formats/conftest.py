"""What the tests of containers share with those of other formats."""

from importlib.util import find_spec

from exports.fixtures import experiment, first, unet

__all__ = ["experiment", "first", "unet"]

# What writes and opens the files is only where 'make formats' installs it.
collect_ignore_glob = [] if find_spec("pylibCZIrw") else ["test_*.py"]
