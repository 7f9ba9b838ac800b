"""Whether a processor computes bfloat16 itself, or PyTorch emulates it, many times slower."""

import time

import torch

MOST = 1.5
"""Measured: 0.5 on a processor that has bfloat16; 3 to 90 where oneDNN emulates it."""


def bfloat16_slowdown(device: str = "cpu", rounds: int = 5) -> float:
    """Time of a transposed convolution, the network's slowest part, as a multiple of float32's."""

    def seconds(dtype: torch.dtype) -> float:
        picture = torch.rand(1, 64, 64, 64).to(device, dtype).contiguous(memory_format=torch.channels_last)
        kernel = torch.rand(64, 32, 4, 4).to(device, dtype)
        taken = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            # To the host, so that a GPU is waited for.
            torch.nn.functional.conv_transpose2d(picture, kernel, stride=2, padding=1)[0, 0, 0, 0].item()
            taken.append(time.perf_counter() - start)
        return min(taken[1:])

    return seconds(torch.bfloat16) / seconds(torch.float32)


def why_left_out(precision: str, slowdown: float) -> str:
    """Why a case is not worth its time on this machine; empty where it is."""
    if precision != "bfloat16" or slowdown <= MOST:
        return ""
    return f"left out: bfloat16 is emulated here, a convolution takes {slowdown:.1f} times as long"
