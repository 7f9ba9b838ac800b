"""How well simulated dyed plates are read, a row a seed and logic: errors of the counts and of the viability.

``PYTHONPATH=workflow:workflow/scripts:tests python tests/benchmarks/dyes_accuracy.py --seeds 1 2 3``

The plates are ``dyes-hard`` of config/demo/dyes.yaml with other seeds, dyed as each assay is. Thresholds
and rules of counting are those of that file.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml
from chain import Plate
from compare_with_truth import compare_with_truth
from count_cells import count_cells
from fit_dyes import fit_dyes
from read_dyes import read_dyes
from simulate_plate import simulate_plate

from livedead.configuration.derived import counting_rules
from livedead.configuration.keys import complete, read_schema
from livedead.simulation.plate import CHANNELS, plate_design

REPOSITORY = Path(__file__).parents[2]
HARD = "dyes-hard"
ROLES = ("total", "live", "dead")
SHOWN = {
    "total_relative_error": "total",
    "live_relative_error": "live",
    "dead_relative_error": "dead",
    "viability_mean_absolute_error": "viability MAE",
    "viability_largest_error": "largest",
    "false_dead_in_live_wells": "false dead",
}


class Assay(NamedTuple):
    """What cells are dyed with; how that differs from the hard plate; which of the dyes are read."""

    dyes: dict[str, str]
    staining: dict[str, Any]
    logics: list[tuple[str, ...]]


ASSAYS = [
    Assay({"total": "hoechst", "dead": "draq7"}, {}, [("total", "dead"), ("total",), ("dead",)]),
    # Cells whose nuclei are pressed together have one body: no dye of bodies can tell them apart.
    Assay({"live": "calcein", "dead": "ethd"}, {"touching": 0}, [("live", "dead"), ("live",)]),
    Assay(
        {"total": "hoechst", "live": "calcein", "dead": "ethd"},
        {},
        [("total", "live", "dead"), ("total", "live")],
    ),
]


def read_config() -> dict[str, Any]:
    """The demo's configuration, with every default."""
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "config/demo/dyes.yaml").read_text())
    complete(config, read_schema(REPOSITORY / "workflow/schemas/config.schema.yaml"))
    return config


def simulate(folder: Path, seed: int, assay: Assay, config: dict[str, Any]) -> Plate:
    """The hard plate, dyed as in an assay, indexed and normalized in `folder`."""
    dyed = list(assay.dyes.values())
    hard = config["simulation"][HARD]
    staining = {**hard["staining"], **assay.staining, "channels": dyed}
    plate = Plate(
        folder,
        simulation={**hard, "seed": seed, "staining": staining},
        dyed_wells=hard["wells"],
        wells_read=hard["wells"],
        imaged={channel: CHANNELS[channel] for channel in dyed},
        channels=dyed,
        settings={**config["normalization"], "fluorescence": dyed},
        counting=counting_rules(config),
        intensity_channels=[],
    )
    plate.call(simulate_plate)
    plate.prepare()
    return plate


def read(plate: Plate, dyes: dict[str, Any], normalization: dict[str, Any]) -> dict[str, Any]:
    """Errors of the plate, read by the section ``dyes`` of a configuration."""
    design = plate_design()
    design = design[design["well"].isin(plate.settings["dyed_wells"])]
    controls = {
        kind: list(design.loc[design["control"] == kind, "well"]) for kind in ("negative", "positive")
    }
    shard = plate.folder / "1-of-1"
    shard.mkdir(exist_ok=True)
    fitted = {"dyes": "dyes.h5", "table": "dyes.csv", "model": "dyes.json"}
    fitted = {name: plate.folder / file for name, file in fitted.items()}
    plate.call(fit_dyes, **fitted, settings=dyes, normalization=normalization, controls=controls)
    read_from = {"dyes": fitted["dyes"], "class_maps": shard / "classes.h5"}
    plate.call(read_dyes, **read_from, scatteritem=shard.name)
    plate.call(count_cells, **read_from, fields=shard / "fields.csv", cells=shard / "cells.csv.gz")
    plate.gather(shard)
    compared = {"wells": plate.folder / "agreement.csv", "summary": plate.folder / "agreement.json"}
    plate.call(compare_with_truth, **compared)
    return json.loads(compared["summary"].read_text())


def measure(seed: int, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a logic."""
    for assay in ASSAYS:
        with tempfile.TemporaryDirectory() as folder:
            plate = simulate(Path(folder), seed, assay, config)
            for roles in assay.logics:
                given = {role: assay.dyes[role] if role in roles else None for role in ROLES}
                errors = read(plate, {**config["dyes"], **given}, config["normalization"])
                yield {"seed": seed, "logic": " + ".join(roles), **{name: errors[name] for name in SHOWN}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    config = read_config()
    rows = [row for seed in parser.parse_args().seeds for row in measure(seed, config)]
    table = pd.DataFrame(rows).rename(columns=SHOWN)
    print(table.to_string(index=False, float_format="{:+.4f}".format, na_rep="NA"))
    errors = table[list(SHOWN.values())].astype(float).abs().groupby(table["logic"], sort=False).max()
    print(
        "\nthe largest over the seeds:", errors.to_string(float_format="{:.4f}".format, na_rep="NA"), sep="\n"
    )


if __name__ == "__main__":
    main()
