from pathlib import Path

from livedead import sheets, yaml_files
from livedead.counting import CountingRules, check_rules, class_numbers
from livedead.errors import LivedeadError
from livedead.provenance import code_sha256, value_sha256
from livedead.sheets import MapColumns
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

# Before anything walks through the configuration: aliases can unfold into more than ends in a lifetime.
try:
    yaml_files.check_size(config, "the configuration")
except LivedeadError as error:
    raise WorkflowError(str(error)) from error

validate(config, "../schemas/config.schema.yaml")

INTENSITY_CHANNELS = config["counting"]["intensity_channels"]
if INTENSITY_CHANNELS is None:
    INTENSITY_CHANNELS = list(config["channels"])
if not set(INTENSITY_CHANNELS) <= set(config["channels"]):
    raise WorkflowError(
        f"counting.intensity_channels: {INTENSITY_CHANNELS}; allowed: {', '.join(config['channels'])}"
    )
COUNTING = {k: v for k, v in config["counting"].items() if k != "intensity_channels"}
MAP_COLUMNS = MapColumns(**config["plate_map"])

try:
    PLATES = sheets.read_plates(config["plates"], config["platemaps"])
    CLASSES = class_numbers(config["classes"])
    check_rules(CLASSES, CountingRules(**COUNTING))
except LivedeadError as error:
    raise WorkflowError(str(error)) from error

SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"


# A map is read last of all, by tabulate_wells; its mistakes are told before hours are computed.
onstart:
    try:
        sheets.check_plate_maps(PLATES, MAP_COLUMNS)
    except LivedeadError as error:
        raise WorkflowError(str(error)) from error


wildcard_constraints:
    plate="|".join(PLATES.index.str.replace(".", r"\.", regex=False)),
    # Nothing for the network of all dyed wells, or the folder of one fold of the cross-validation.
    fold=r"(\d+-of-\d+/)?",
    evaluation="evaluation|cross_validation",


scattergather:
    shard=config["shards"],


CHAIN = [
    "index_plate",
    "convert_weights",
    "normalize_plate",
    "segment_fields",
    "count_cells",
    "gather_fields",
    "tabulate_wells",
]

# All of them are targets, so that a file that was lost comes back, and what hangs on it.
FILES_OF_A_PLATE = [
    "results/{plate}/images.tsv",
    "results/{plate}/normalization.h5",
    *gather.shard("results/{{plate}}/shards/{scatteritem}/classes.h5"),
    *gather.shard("results/{{plate}}/shards/{scatteritem}/fields.csv"),
    *gather.shard("results/{{plate}}/shards/{scatteritem}/cells.csv.gz"),
    "results/{plate}/fields.csv",
    "results/{plate}/cells.csv.gz",
    "results/{plate}/wells.csv",
    "results/{plate}/quality.csv",
    "results/{plate}/residuals.csv",
    "results/{plate}/exports/cytomining.csv",
    "results/{plate}/exports/drc.csv",
    "results/{plate}/exports/grmetrics.tsv",
    "results/{plate}/report/plate.png",
    "results/{plate}/report/fields.png",
]


def code(script: str) -> str:
    """Hash of a script and of the library code it uses: an edit re-runs what depends on it."""
    return code_sha256(SCRIPTS / f"{script}.py")


def of_plate(column: str):
    """Input or parameter function: a column of the plate's row in plates.tsv."""
    return lambda wildcards: PLATES.at[wildcards.plate, column]


def fold_number(wildcards) -> int | None:
    """Which part of the dyed wells a network is not trained on."""
    return int(wildcards.fold.split("-")[0]) if wildcards.fold else None


def of_evaluation(name: str):
    """Input function: what the one network or those of all folds read of wells they never saw."""
    n = config["training"]["folds"]
    folds = {
        "evaluation": [""],
        "cross_validation": [f"{k}-of-{n}/" for k in range(1, n + 1)],
    }
    return lambda wildcards: [
        f"results/training/{fold}{name}" for fold in folds[wildcards.evaluation]
    ]


def platemap(wildcards) -> list[str]:
    """The plate's map, if it has one."""
    path = PLATES.at[wildcards.plate, "platemap"]
    return [path] if path else []


def config_sha256(wildcards) -> str:
    """Hash of every setting that can change a number: not paths, devices, shards or threads."""
    names = [
        "channels",
        "input_channels",
        "classes",
        "network",
        "pages",
        "focal_plane",
        "overlap",
        "gate",
        "normalization",
        "qc",
        "counting",
    ]
    settings = {name: config[name] for name in names}
    computing = {
        k: v
        for k, v in config["segmentation"].items()
        if k not in ("device", "seam", "threads")
    }
    columns = ["pixel_size_um", "bit_depth", "control_plate"]
    plate = PLATES.loc[wildcards.plate, columns].to_dict()
    return value_sha256({**settings, "segmentation": computing, "plate": plate})


def benchmarks_of_the_chain() -> dict[str, dict[str, list[str]]]:
    """Benchmark files of the jobs of each rule and plate, under benchmarks/, wherever that is.

    The weights belong to no plate.
    """
    sharded = ("segment_fields", "count_cells")
    files = {"convert_weights": {"": ["convert_weights.tsv"]}}
    for name in CHAIN[:1] + CHAIN[2:]:
        one = [f"{name}/{{plate}}.tsv"]
        each = gather.shard(f"{name}/{{{{plate}}}}/{{scatteritem}}.tsv")
        paths = each if name in sharded else one
        files[name] = {plate: expand(paths, plate=plate) for plate in PLATES.index}
    return files


def control_normalization(wildcards) -> list[str]:
    """The normalization that the plate takes over, if plates.tsv names one."""
    control = PLATES.at[wildcards.plate, "control_plate"]
    return [f"results/{control}/normalization.h5"] if control else []
