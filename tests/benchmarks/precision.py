"""What the plan, the precision, the threads and the device change on trained weights.

Run on a finished run's folder: ``python tests/benchmarks/precision.py FOLDER PLATE [FIELDS]``.
Every case is compared with whole fields in float32 on all threads of the CPU: changed pixels,
changed counts per 1,000 cells, and how many of the changed pixels were not noted as unstable. bfloat16 is
left out where the device only emulates it.
"""

import copy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from emulation import bfloat16_slowdown, why_left_out  # noqa: E402

from livedead.cells.counting import count_states  # noqa: E402
from livedead.cells.measures import measure_cells  # noqa: E402
from livedead.cells.rules import CountingRules  # noqa: E402
from livedead.errors import FieldError  # noqa: E402
from livedead.fields.normalized_plate import open_normalized_plate  # noqa: E402
from livedead.network.classes import Classes  # noqa: E402
from livedead.network.plan import Plan  # noqa: E402
from livedead.network.segmenter import Segmenter  # noqa: E402
from livedead.plates.plate_sheet import read_plates  # noqa: E402
from livedead.weights import unet_io  # noqa: E402

CASES = {
    "again": (Plan("cpu"), None),
    "1 thread": (Plan("cpu"), 1),
    "banded": (Plan("cpu", force="banded"), None),
    "tiles of 128 px": (Plan("cpu", force="tiled", tile_px=128), None),
    "bfloat16": (Plan("cpu", "bfloat16"), None),
    "GPU": (Plan("cuda"), None),
    "GPU, bfloat16": (Plan("cuda", "bfloat16"), None),
}


def main(folder: Path, plate: str, n_fields: int) -> None:
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    row = read_plates(folder / config["plates"]).loc[plate]
    results = folder / "results"
    files = folder / row["raw"], results / plate / "images.tsv", results / plate / "normalization.h5"
    fields = open_normalized_plate(*files, config["input_channels"], 16)
    network, _ = unet_io.read(results / "weights/unet.safetensors")
    numbers = Classes.from_config(config["classes"])
    rules = CountingRules(**config["counting"])
    threads = torch.get_num_threads()

    def segmenter(plan: Plan) -> Segmenter:
        return Segmenter(copy.deepcopy(network), list(fields.transforms.values()), plan)

    def counts(class_map: np.ndarray) -> pd.Series:
        found = measure_cells(class_map, numbers, rules, row["pixel_size_um"])
        return pd.Series(count_states(found))

    cases = {n: case for n, case in CASES.items() if case[0].device == "cpu" or torch.cuda.is_available()}
    slowdown = {device: bfloat16_slowdown(device) for device in {plan.device for plan, _ in cases.values()}}
    notes = {name: why_left_out(plan.precision, slowdown[plan.device]) for name, (plan, _) in cases.items()}
    cases = {name: case for name, case in cases.items() if not notes[name]}
    exact, segmenters = segmenter(Plan("cpu")), {name: segmenter(plan) for name, (plan, _) in cases.items()}
    n_pixels = n_cells = n_unstable = 0
    changed = pd.DataFrame(0, index=list(cases), columns=["pixels", "not noted", "counts"])
    for key in fields.images.keys()[:n_fields]:
        try:
            raw = fields.counts(key)
        except FieldError:
            continue
        reference = exact.segment(raw, key)
        expected = counts(reference.class_map)
        n_pixels += reference.class_map.size
        n_cells += expected["n_total"]
        n_unstable += reference.unstable.size
        for name, (_, n_threads) in cases.items():
            torch.set_num_threads(n_threads or threads)
            found = segmenters[name].segment(raw, key).class_map
            torch.set_num_threads(threads)
            differs = np.flatnonzero(found != reference.class_map)
            noted = np.isin(differs, reference.unstable)
            difference = (counts(found) - expected).drop("n_total").abs().sum()
            changed.loc[name] += [differs.size, (~noted).sum(), difference]
    print(f"{n_cells} cells, {n_pixels} pixels, {n_unstable} noted as unstable; PyTorch {torch.__version__}")
    print("| case | changed pixels | of them not noted | changed counts per 1,000 cells |")
    print("|---|---|---|---|")
    for name, found in changed.iterrows():
        print(
            f"| {name} | {found['pixels']} | {found['not noted']} | {1000 * found['counts'] / n_cells:.2f} |"
        )
    for name in filter(notes.get, notes):
        print(f"| {name} | {notes[name]} | | |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 200)
