"""The processor that a network runs on, and how it calculates there."""

import ctypes

import torch

from livedead.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda")

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # malloc.h


def choose_device(device: str, given_gpus: str = "") -> torch.device:
    """The device that `device` names; ``auto`` is a GPU where one is visible.

    Parameters
    ----------
    device : {'auto', 'cpu', 'cuda'}
    given_gpus : str
        GPUs that the scheduler gave this job (``CUDA_VISIBLE_DEVICES``); a job that was given
        one never falls back to the CPU.

    Raises
    ------
    ConfigError
        If a GPU was asked for or given, and this PyTorch cannot reach it.

    Examples
    --------
    >>> choose_device("cpu", given_gpus="0")
    device(type='cpu')
    """
    available = torch.cuda.is_available()
    if not available and (device == "cuda" or (device == "auto" and given_gpus not in ("", "-1"))):
        built = "has CUDA, but sees no GPU" if torch.version.cuda else "is a CPU build"
        wanted = "device: cuda" if device == "cuda" else f"this job was given GPU {given_gpus}"
        raise ConfigError(
            f"{wanted}, but PyTorch {torch.__version__} {built}; "
            "install a CUDA build, ask the scheduler for a GPU, or set device: cpu"
        )
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def full_float32() -> None:
    """Turn off TF32, the choice of kernels by a trial run, and kernels that add up in any order.

    A number must not depend on which kernels a driver prefers today.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def keep_memory() -> None:
    """Let this process keep freed memory for its next field, where the C library is glibc's.

    By default glibc returns large activations to the kernel after each layer and faults them
    in again for the next; that cost more than a third of the time of a field on the CPU. All
    threads share one arena, because only the first arena of a process can grow without end.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, -1)
        library.mallopt(_M_ARENA_MAX, 1)
