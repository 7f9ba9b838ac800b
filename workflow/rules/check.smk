# Comes last, when every rule is known. Snakemake does not notice that an input is missing if its outputs
# are there, nor, before the end of a run, that a plate map is wrong. Here both are, for every target and
# on a dry run as well.
import os

from livedead.configuration import paths
from livedead.plates import plate_maps
from snakemake.io import is_flagged


def is_there(path: str, exists) -> bool:
    """Whether a path exists, is in a storage, or is made by a rule."""
    path = in_project(path)
    return (
        "://" in path
        or is_flagged(path, "storage_object")
        or exists(path)
        or any(rule.is_producer(path) for rule in workflow.rules)
    )


def is_file(path: str) -> bool:
    """Whether a file is there, in this sense."""
    return is_there(path, os.path.isfile)


def is_folder(path: str) -> bool:
    """Whether a folder is there, in this sense."""
    return is_there(path, os.path.isdir)


def is_finished(plate: str) -> bool:
    """Whether all results of a plate are there."""
    files = expand(files_of_plate(plate), plate=plate)
    return all(os.path.exists(in_project(path)) for path in files)


def changed(plate: str) -> str:
    """Why the results of a plate are not what its images would give today."""
    files = {
        "wells": f"results/{plate}/wells.csv",
        "model": MODEL.format(plate=plate),
        "provenance": "results/provenance.json",
        "weights": config.get("weights", ""),
    }
    read_by = [*TO_CLASS_MAPS, "count_cells", *(TO_AUDIT if auditors(plate) else [])]
    return paths.changed_since(
        {name: in_project(path) for name, path in files.items()},
        plate=plate,
        sheet=PLATES.loc[plate].to_dict(),
        config_sha256=config_sha256_of(plate),
        code_sha256={name: code(name) for name in read_by},
    )


if workflow.is_main_process:
    for plate in IN_STORES:
        objects(plate)  # raises where there are none
    missing = paths.missing_paths(config, PLATES, is_file, WRITTEN)
    lost, kept = paths.missing_raw(PLATES, is_folder, is_finished, changed)
    try:
        kept += plate_maps.check_plate_maps(
            PLATES.assign(platemap=PLATES["platemap"].map(in_project)), MAP_COLUMNS
        )
    except LivedeadError as error:
        missing.append(str(error))
    for warning in kept:
        logger.warning(warning)
    # In a module only a warning: the project's own rules come later, and may make what is missing.
    if not workflow.modifier.is_main_snakefile():
        for problem in [*missing, *lost]:
            logger.warning(problem)
    elif missing or lost:
        raise WorkflowError("\n".join([*missing, *lost]))
