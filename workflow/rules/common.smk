import functools
from pathlib import Path

from livedead import __version__
from livedead.configuration import derived, reading
from livedead.errors import LivedeadError
from livedead.plates.corrections import correction_files
from livedead.plates.judgements import judgement_files
from livedead.plates.masks import mask_files
from livedead.plates.plate_maps import MapColumns, read_controls
from livedead.provenance import code_sha256, file_sha256
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

WORKFLOW = Path(str(workflow.current_basedir)).parent
SCHEMA = WORKFLOW / "schemas/config.schema.yaml"

try:
    if workflow.is_main_process:
        # The files that decide come last: Snakemake's own list begins with the command line's.
        files = sorted(
            workflow.configfiles,
            key=lambda file: file in workflow.overwrite_configfiles,
        )
        PLATES, WRITTEN = reading.read_checked(
            config, SCHEMA, files, workflow.config_settings.config
        )
    else:
        PLATES = reading.read_unchecked(config, SCHEMA)
except LivedeadError as error:
    raise WorkflowError(str(error)) from error

COUNTING = derived.counting_rules(config)
INTENSITY_CHANNELS = derived.intensity_channels(config)
PAGE = derived.page_settings(config)
MAP_COLUMNS = MapColumns(**config["plate_map"])
SIMULATED = "results/simulated/{plate}/raw"
AUDITED = PLATES.index[PLATES["audit_wells"].str.len() > 0]


wildcard_constraints:
    plate="|".join(PLATES.index.str.replace(".", r"\.", regex=False)),


scattergather:
    shard=config["shards"],


def growing(first: int):
    """Resource function: memory or time, more with every attempt."""
    return lambda wildcards, attempt: first * attempt


def code(rule: str) -> str:
    """Hash of a rule's script and of the library code it uses: an edit re-runs what depends on it."""
    return code_sha256(WORKFLOW / f"scripts/{rule}.py")


# Read now: when Snakemake calls an input or parameter function, it has left this module.
MODIFIER = workflow.modifier


def in_project(path: str) -> str:
    """Where a path lies if the workflow is a module of another project."""
    return MODIFIER.modify_path(path)


@functools.cache
def content(path: str) -> str | None:
    """Hash of a file that people write: Snakemake does not see one that was put back with an older date.

    None for a file that is not there, or that a rule makes.
    """
    path = in_project(path)
    made = any(rule.is_producer(path) for rule in workflow.rules)
    return None if made or not Path(path).is_file() else file_sha256(path)


def of_plate(column: str):
    """Input or parameter function: a column of the plate's row in plates.tsv."""
    return lambda wildcards: PLATES.at[wildcards.plate, column]


def platemap(wildcards) -> list[str]:
    """Input function: the plate's map, if it has one."""
    path = PLATES.at[wildcards.plate, "platemap"]
    return [path] if path else []


def platemap_content(wildcards) -> str | None:
    """Parameter function: `content` of the plate's map."""
    return content(PLATES.at[wildcards.plate, "platemap"])


def auditors(plate: str) -> list[str]:
    """The plate whose audit corrects a plate: itself, or one that lends its own; or none."""
    lender = PLATES.at[plate, "audit_plate"]
    return [plate] if plate in AUDITED else [lender] if lender else []


def audit(wildcards) -> list[str]:
    """Input function: the audited cells by which a plate is corrected, if there are any."""
    return expand("results/{plate}/audit_cells.csv", plate=auditors(wildcards.plate))


def audit_map(wildcards) -> list[str]:
    """Input function: the map of the audited wells, if their plate has one."""
    paths = [PLATES.at[plate, "platemap"] for plate in auditors(wildcards.plate)]
    return [path for path in paths if path]


def audit_map_content(wildcards) -> list[str | None]:
    """Parameter function: `content` of that map."""
    return list(map(content, audit_map(wildcards)))


def by_plate(files, folder: str) -> dict[str, list[str]]:
    """Plate -> its files in a folder, by a function that lists them, named as rules name them."""
    try:
        found = files(in_project(folder)) if folder else {}
    except LivedeadError as error:
        raise WorkflowError(str(error)) from error
    return {
        plate: [f"{folder}/{file.name}" for file in files]
        for plate, files in found.items()
    }


CORRECTIONS = by_plate(correction_files, config["counting"]["corrections"])
JUDGEMENTS = by_plate(judgement_files, config["review"]["judgements"])


def corrections(wildcards) -> list[str]:
    """Input function: corrections by hand of the plate's cells, if there are any."""
    return CORRECTIONS.get(wildcards.plate, [])


def judgements(wildcards) -> list[str]:
    """Input function: judgements of the plate's cells, if there are any."""
    return JUDGEMENTS.get(wildcards.plate, [])


def wells_with_dyes(wildcards) -> list[str]:
    """Parameter function: the plate's wells that dyes were added to, if plates.tsv names any."""
    return derived.wells_with_dyes(PLATES.loc[wildcards.plate].to_dict())


@functools.cache
def control_wells(plate: str) -> dict[str, list[str]]:
    """The plate's negative and positive control wells, if the threshold of a dye looks at them.

    They are a parameter, as a new treatment in the plate map must re-run no rule that reads images.
    """
    path, n_wells = PLATES.loc[plate, ["platemap", "wells"]]
    if not derived.needs_controls(config) or content(path) is None:
        return {}
    return read_controls(in_project(path), n_wells)


def drawn_masks(wildcards) -> list[str]:
    """Input function: the drawn objects of the plate's dyed wells, if plates.tsv names any."""
    return mask_files(*PLATES.loc[wildcards.plate, ["masks", "dyed_wells"]])


def drawn_boxes(wildcards) -> list[str]:
    """Input function: the sheet of the plate's drawn boxes or points, if plates.tsv names one."""
    return [path for path in [PLATES.at[wildcards.plate, "boxes"]] if path]


def states_of_masks(wildcards) -> list[str]:
    """Input function: the table of the states of the plate's drawn objects, if plates.tsv names one."""
    return [path for path in [PLATES.at[wildcards.plate, "states"]] if path]


def dyes_of_labels(wildcards) -> list[str]:
    """Input function: the plate's dyes, unless its cells are drawn."""
    drawn = PLATES.loc[wildcards.plate, ["masks", "boxes"]].any()
    return [] if drawn else [f"results/{wildcards.plate}/dyes.h5"]


def config_sha256(wildcards) -> str:
    """Parameter function: hash of every setting that can change a number of the plate."""
    return config_sha256_of(wildcards.plate)


def config_sha256_of(plate: str) -> str:
    """The same, of a plate."""
    rows = [PLATES.loc[name].to_dict() for name in (plate, *auditors(plate))]
    by_hand = list(map(content, CORRECTIONS.get(plate, [])))
    return derived.config_sha256(config, *rows, corrections_sha256=by_hand)


def once_checked(path: str, *checks):
    """Input function: a path, if the configuration passes the checks that only its rule needs."""

    def checked(wildcards) -> str:
        try:
            for check in checks:
                check(config, PLATES)
        except LivedeadError as error:
            raise WorkflowError(str(error)) from error
        return path

    return checked


def of_folds(file: str, stage: str = ""):
    """Input function: a table of every network that a page is about."""
    return lambda wildcards: expand(
        f"results/training/{{fold}}{stage}{file}", fold=FOLDS[wildcards.evaluation]
    )


def of_start(file: str):
    """Input function: the same of the networks that these started from, if they did."""
    return of_folds(file, START) if START else []
