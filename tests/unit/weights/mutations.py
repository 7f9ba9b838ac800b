"""Damaged weight files by the thousand: ``python tests/unit/weights/mutations.py 10000``.

Each mutation is loaded in a forked worker with limits on memory and time. A file may be refused
or turn out to be unharmed; a crash, a hang, another exception or other tensors are failures.
"""

import os
import random
import resource
import select
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

from livedead.errors import WeightsError
from livedead.provenance import file_sha256
from livedead.weights import formats
from livedead.weights.certificate import certify, tensor_sha256
from livedead.weights.network import Network

MEMORY_BYTES = 3 * 2**30
SECONDS = 60.0
"""Of waiting: a file that HDF5 never ends reading is refused long before, by processor time."""

BATCH = 50

RECORDED = Path(__file__).parents[2] / "oracles" / "recorded"


@dataclass(frozen=True)
class GoodFile:
    """A file before it is mutated, with the architecture that it needs, if any."""

    path: Path
    architecture: Path | None
    sha256: str
    tensors: dict[str, str]


def digests(network: Network) -> dict[str, str]:
    return {key: tensor_sha256(array) for key, array in network.values.items()}


def seeds(folder: Path) -> list[GoodFile]:
    """Good files of every kind: tf_keras's own, and ours."""
    architecture = RECORDED / "resnet.json"
    network = certify(formats.read(RECORDED / "resnet.keras"))
    for name in ("resnet.msgpack", "resnet.flax.safetensors", "certified.safetensors"):
        formats.write(folder / name, network)
    files = [
        (RECORDED / "resnet.legacy.h5", architecture),
        (RECORDED / "resnet.weights.h5", architecture),
        (RECORDED / "resnet.full.h5", None),
        (RECORDED / "resnet.keras", None),
        (folder / "resnet.msgpack", architecture),
        (folder / "resnet.flax.safetensors", architecture),
        (folder / "certified.safetensors", None),
    ]
    return [
        GoodFile(path, given, file_sha256(path), digests(formats.read(path, architecture=given)))
        for path, given in files
    ]


def mutate(content: bytes, rng: random.Random) -> bytes:
    """One to four changes of one kind or another, most of them where structure lies."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        size = len(changed)
        # The first bytes hold superblocks, directories and headers; the last a zip's directory.
        zone = rng.choice((min(size, 512), min(size, 8192), size, size))
        at = rng.randrange(zone) if rng.random() < 0.85 else size - 1 - rng.randrange(zone)
        run = rng.choice((1, 2, 4, 8, 64, 512))
        kind = rng.randrange(8)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + run] = rng.randbytes(len(changed[at : at + run]))
        elif kind == 2:
            changed[at : at + run] = bytes(len(changed[at : at + run]))
        elif kind == 3:
            changed[at : at + run] = b"\xff" * len(changed[at : at + run])
        elif kind == 4:
            changed = changed[: max(1, at)]
        elif kind == 5:
            changed[at:at] = rng.randbytes(run)
        elif kind == 6:
            del changed[at : at + run]
        else:
            other = rng.randrange(size)
            changed[at : at + run], changed[other : other + run] = (
                changed[other : other + run],
                changed[at : at + run],
            )
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def outcome(path: Path, good: GoodFile) -> str:
    """What became of one mutated file; anything but 'refused' and 'unharmed' is a failure."""
    try:
        network = formats.read(path, architecture=good.architecture, sha256=good.sha256)
    except WeightsError:
        return "refused"
    except BaseException as error:
        return f"exception {type(error).__name__}: {error}"[:300].replace("\n", " ")
    return "unharmed" if digests(network) == good.tensors else "SILENT: other tensors were loaded"


def _work(cases: list[int], files: list[GoodFile], seed: int, folder: Path, pipe: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for case in cases:
        good = files[case % len(files)]
        path = folder / f"mutated{os.getpid()}{''.join(good.path.suffixes)}"
        path.write_bytes(mutate(good.path.read_bytes(), random.Random(f"{seed}/{case}")))
        os.write(pipe, (outcome(path, good) + "\n").encode())


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _run_batch(cases: list[int], files: list[GoodFile], seed: int, folder: Path) -> list[tuple[int, str]]:
    """Outcomes of some cases, up to the first that kills or hangs the worker."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # PyTorch's threads are asleep; the worker uses one.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _work(cases, files, seed, folder, writer)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    outcomes: list[str] = []
    buffer, hung = b"", False
    while True:
        if not select.select([reader], [], [], SECONDS)[0]:
            hung = True
            os.kill(pid, 9)
            break
        received = os.read(reader, 65536)
        if not received:
            break
        buffer += received
        *lines, buffer = buffer.split(b"\n")
        outcomes += [line.decode() for line in lines]
    os.close(reader)
    _, status = os.waitpid(pid, 0)
    if len(outcomes) < len(cases):
        outcomes.append(f"hang over {SECONDS} s" if hung else f"crash, wait status {status}")
    return list(zip(cases, outcomes, strict=False))


def run(n: int, *, seed: int = 0) -> dict[int, str]:
    """Outcomes of n mutations by their number; equal seeds, equal mutations."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = seeds(folder)
        found: dict[int, str] = {}
        while len(found) < n:
            cases = list(range(len(found), min(len(found) + BATCH, n)))
            found |= _run_batch(cases, files, seed, folder)
        return found


def failures(found: dict[int, str]) -> dict[int, str]:
    return {case: said for case, said in found.items() if said not in ("refused", "unharmed")}


if __name__ == "__main__":
    started = time.monotonic()
    results = run(int(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.stdout.write(f"{dict(Counter(results.values()))} in {time.monotonic() - started:.0f} s\n")
    for number, said in failures(results).items():
        sys.stdout.write(f"case {number}: {said}\n")
    sys.exit(bool(failures(results)))
