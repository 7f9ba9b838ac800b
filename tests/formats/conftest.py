"""What the tests of containers share with those of other formats."""

from exports.fixtures import experiment, first, unet

__all__ = ["experiment", "first", "unet"]
