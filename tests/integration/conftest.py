"""The experiment that every format exports."""

from exports.fixtures import experiment, first, unet

__all__ = ["experiment", "first", "unet"]
