"""What training on from corrected cells gains, on a simulated plate whose cells the network misreads.

``PYTHONPATH=workflow nice python tests/benchmarks/correcting.py FOLDER``

The cells are 0.7 times as large as those that the demo's network was trained on; it misses many. A reviewer
who knows the truth corrects half of the wells, in the file that the page gives. The corrected cells are
exported, the network is trained on from there, and the other wells are counted with it, before and after.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
import yaml

from livedead.cells.outlines import cells_sha256
from livedead.training.evaluate import compare_counts

REPOSITORY = Path(__file__).resolve().parents[2]
WELLS = [f"{row}{column:02d}" for row in "BCDE" for column in (2, 5, 8, 11)]
# As on a chessboard: the doses of both halves are alike.
CORRECTED = [well for k, well in enumerate(WELLS) if (k + k // 4) % 2 == 0]
HELD_OUT = [well for well in WELLS if well not in CORRECTED]
SMALLER = 0.7
FIELDS = 2


def configure(folder, plates, **changes):
    config = yaml.safe_load((REPOSITORY / "config/demo/config.yaml").read_text())
    simulation = {"seed": 77, "fields_per_well": FIELDS, "pixel_size_um": 0.65 / SMALLER, "wells": WELLS}
    config |= {
        "plates": "config/plates.tsv",
        "weights": "config/unet.h5",
        "simulation": {"small": simulation},
    }
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config | changes))
    row = {"plate": "small", "raw": "results/simulated/small/raw", "pixel_size_um": "0.65", **plates}
    (folder / "config/plates.tsv").write_text("\t".join(row) + "\n" + "\t".join(row.values()) + "\n")


def snakemake(folder, *targets):
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        str(REPOSITORY / "workflow/Snakefile"),
        "--cores",
        "2",
    ]
    subprocess.run([*command, "--quiet", "all", "--", *targets], cwd=folder, check=True)


def actions_of(labels, states, truth):
    """What a reviewer who knows the truth does to a field."""
    next_number = labels.max() + 1
    actions, seen = [], set()
    y, x = (truth[name].to_numpy() for name in ("y_px", "x_px"))
    owner = labels[tuple(np.rint(at).astype(int).clip(0, len(labels) - 1) for at in (y, x))]
    for cell in range(1, labels.max() + 1):
        inside = np.flatnonzero(owner == cell)
        touches_edge = any(
            (edge == cell).any() for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1])
        )
        if len(inside) == 0 and not touches_edge:
            actions.append({"action": "delete", "cell": cell})
        elif len(inside) == 1 and truth["state"].iloc[inside[0]] != states[cell - 1]:
            actions.append({"action": "state", "cell": cell, "state": truth["state"].iloc[inside[0]]})
        elif len(inside) == 2:
            a, b = np.array([(y[k] + 0.5, x[k] + 0.5) for k in inside])
            middle, across = (a + b) / 2, np.array([a[1] - b[1], b[0] - a[0]])
            line = np.array([middle - across, middle + across])
            actions.append({"action": "split", "cell": cell, "line_px": line.tolist()})
            along = line[1] - line[0]
            first = along[0] * (a[1] - line[0, 1]) - along[1] * (a[0] - line[0, 0]) <= 0
            for number, k in enumerate(inside if first else inside[::-1], start=next_number):
                actions.append({"action": "state", "cell": int(number), "state": truth["state"].iloc[k]})
            next_number += 2
        seen |= set(inside)
    for k in sorted(set(range(len(truth))) - seen):
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        radius = truth["nucleus_radius_px"].iloc[k]
        outline = np.stack([y[k] + 0.5 + radius * np.sin(angle), x[k] + 0.5 + radius * np.cos(angle)], axis=1)
        actions.append({"action": "add", "state": truth["state"].iloc[k], "outline_px": outline.tolist()})
    return actions


def review(folder, truth):
    """Write the file of corrections of the first half of the wells; how many actions of each kind."""
    exported = pd.read_csv(folder / "results/small/labels/states.csv")
    fields, done = [], []
    for well in CORRECTED:
        for field in range(1, FIELDS + 1):
            name = f"{well}_f{field}.tif"
            labels = tifffile.imread(folder / "results/small/labels" / name).astype(np.int32)
            states = exported.loc[exported["image"] == name, "state"].tolist()
            own = truth[(truth["well"] == well) & (truth["field"] == field)]
            actions = actions_of(labels, states, own)
            key = {"well": well, "field": field, "timepoint": 1}
            fields.append(
                {**key, "cells_sha256": cells_sha256(labels, states), "usable": True, "actions": actions}
            )
            done += [action["action"] for action in actions]
    record = {
        "livedead": "corrections",
        "version": 1,
        "plate": "small",
        "reviewer": "truth",
        "fields": fields,
    }
    (folder / "config/corrections").mkdir(exist_ok=True)
    (folder / "config/corrections/small.json").write_text(json.dumps(record))
    return pd.Series(done).value_counts().to_dict()


def errors(folder, truth, wells):
    fields = pd.read_csv(folder / "results/small/fields.csv")
    fields = fields[fields["well"].isin(wells)]
    return compare_counts(fields, truth[truth["well"].isin(wells)])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    (folder / "config").mkdir(parents=True)
    shutil.copy(REPOSITORY / "config/demo/unet.h5", folder / "config/unet.h5")
    configure(folder, {})
    snakemake(folder, "results/wells.csv", "labels")
    truth = pd.read_csv(folder / "results/simulated/small/truth_cells.csv")
    told = {
        "before": errors(folder, truth, HELD_OUT),
        "corrected_wells_before": errors(folder, truth, CORRECTED),
    }
    told["actions"] = review(folder, truth)
    by_hand = {"min_area_um2": 17, "corrections": "config/corrections"}
    configure(folder, {}, counting=by_hand)
    snakemake(folder, "results/wells.csv", "labels")
    told["corrected_wells"] = errors(folder, truth, CORRECTED)
    shutil.copytree(folder / "results/small/labels", folder / "config/labels")
    drawn = {
        "dyed_wells": ",".join(CORRECTED),
        "masks": "config/labels",
        "states": "config/labels/states.csv",
    }
    fit = {"epochs": 8, "frozen_epochs": 0, "learning_rate": 5e-4, "encoder_learning_rate": 2e-4}
    training = {"start": "config/unet.h5", "threads": 1, "tiles": {"tiles_per_field": 4}, "fit": fit}
    configure(folder, drawn, counting=by_hand, training=training)
    snakemake(folder, "training")
    evaluation = pd.read_csv(folder / "results/training/evaluation.csv").set_index("fold")
    told["evaluation"] = evaluation[
        ["n_wells", "n_cells", "accuracy", "count_error", "viability_error"]
    ].T.to_dict()
    shutil.copy(folder / "results/training/unet.h5", folder / "config/trained.h5")
    configure(folder, {}, weights="config/trained.h5")
    snakemake(folder, "results/wells.csv")
    told["after"] = errors(folder, truth, HELD_OUT)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
