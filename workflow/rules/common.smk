import functools
from pathlib import Path

from livedead import __version__, configuration
from livedead.configuration import SIMULATED
from livedead.errors import LivedeadError
from livedead.plates import masks, plate_maps, plate_sheet
from livedead.plates.plate_maps import MapColumns
from livedead.provenance import code_sha256, file_sha256
from livedead.results import not_in_sheet, plates_not_in_sheet
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

SCHEMA = configuration.read_schema(
    Path(str(workflow.current_basedir)).parent / "schemas/config.schema.yaml"
)
# Those that decide come last: Snakemake's own list begins with the command line's.
CONFIG_FILES = [
    *[f for f in workflow.configfiles if f not in workflow.overwrite_configfiles],
    *workflow.overwrite_configfiles,
]

# A job of a run reads what its run has checked.
try:
    if workflow.is_main_process:
        WRITTEN = configuration.read_written(
            CONFIG_FILES, config, workflow.config_settings.config
        )
        configuration.check(config, SCHEMA, WRITTEN)
    configuration.complete(config, SCHEMA)
    PLATES = plate_sheet.read_plates(config["plates"], config["platemaps"])
    if workflow.is_main_process:
        configuration.check_sheet(config, PLATES, WRITTEN)
except LivedeadError as error:
    raise WorkflowError(str(error)) from error

COUNTING = configuration.counting_rules(config)
INTENSITY_CHANNELS = configuration.intensity_channels(config)
MAP_COLUMNS = MapColumns(**config["plate_map"])

SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"


onstart:
    for plate in plates_not_in_sheet("results", PLATES.index):
        logger.warning(not_in_sheet(plate, config["plates"]))


def summary_written() -> tuple[int, int] | None:
    """What tells one writing of the summary from another."""
    path = Path("results/summary.txt")
    return (path.stat().st_mtime_ns, path.stat().st_ino) if path.exists() else None


SUMMARY_BEFORE = summary_written()


def tell_summary() -> None:
    """End a run with its summary; that of an earlier run may tell of other plates."""
    if summary_written() not in (None, SUMMARY_BEFORE):
        logger.info(Path("results/summary.txt").read_text(encoding="utf-8").rstrip())


onsuccess:
    tell_summary()


onerror:
    tell_summary()


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

# What the summary waits for, and for the summary wait the rules that may end a run with an error: when a
# job fails, Snakemake starts no other.
FILES_OF_A_RUN = [
    "results/weights/unet.safetensors",
    "results/weights/unet.certificate.json",
    "results/wells.csv",
    "results/provenance.json",
    "results/dose_response.csv",
    "results/time_courses.csv",
    "benchmarks/sum.csv",
    *expand(FILES_OF_A_PLATE, plate=PLATES.index),
]


# Made by targets of their own. What was asked for once is kept true, or it would tell of older results.
ON_DEMAND = [
    "results/{plate}/inventory.txt",
    "results/{plate}/normalized",
    "results/{plate}/verified/well.txt",
    "results/{plate}/agreement.json",
    "results/accuracy/errors.png",
]


def asked_for_before(wildcards) -> list[str]:
    """Input function: the files of `ON_DEMAND` that there are."""
    files = dict.fromkeys(expand(ON_DEMAND, plate=PLATES.index))
    return [path for path in files if Path(path).exists()]


def code(script: str) -> str:
    """Hash of a script and of the library code it uses: an edit re-runs what depends on it."""
    return code_sha256(SCRIPTS / f"{script}.py")


@functools.cache
def content(path: str) -> str | None:
    """Hash of a file that people write: Snakemake passes over one that was put back with an older time stamp.

    None of a file that is not there, or that a rule makes.
    """
    made = any(rule.is_producer(path) for rule in workflow.rules)
    return None if made or not Path(path).is_file() else file_sha256(path)


def of_plate(column: str):
    """Input or parameter function: a column of the plate's row in plates.tsv."""
    return lambda wildcards: PLATES.at[wildcards.plate, column]


def raw_folder(plate: str) -> str:
    """A plate's raw folder; its time stamp says nothing of its images, whose hashes are in images.tsv.

    Only a simulated one re-runs what reads it, as Snakemake stamps the folders that it makes.
    """
    path = PLATES.at[plate, "raw"]
    return path if path == SIMULATED.format(plate=plate) else ancient(path)


def raw(wildcards) -> str:
    """Input function: the plate's raw folder."""
    return raw_folder(wildcards.plate)


def drawn_masks(wildcards) -> list[str]:
    """Input function: the drawn objects of the plate's dyed wells, so that an edit labels them anew."""
    row = PLATES.loc[wildcards.plate]
    return masks.mask_files(row["masks"], row["dyed_wells"])


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


def platemap_content(wildcards) -> str | None:
    """Parameter function: what the plate's map says, as `content`."""
    return content(PLATES.at[wildcards.plate, "platemap"])


def config_sha256(wildcards) -> str:
    """Hash of every setting that can change a number of the plate."""
    return configuration.config_sha256(config, PLATES.loc[wildcards.plate].to_dict())


def once_checked(path: str, *checks):
    """Input function: a path, if what only its making needs is configured."""

    def checked(wildcards) -> str:
        try:
            for check in checks:
                check(config, PLATES)
        except LivedeadError as error:
            raise WorkflowError(str(error)) from error
        return path

    return checked


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
