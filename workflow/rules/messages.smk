# What a run says: on the terminal how far it is, which the jobs themselves tell, and at its end what it found.
from livedead.results import not_in_sheet, plates_not_in_sheet
from snakemake_interface_logger_plugins.common import LogEvent

# Nobody needs it to follow a run. It stands in the log under .snakemake/log, and --verbose shows it.
EVENTS_OF_THE_ENGINE = (
    LogEvent.WORKFLOW_STARTED,
    LogEvent.JOB_INFO,
    LogEvent.JOB_FINISHED,
    LogEvent.RESOURCES_INFO,
)
TEXTS_OF_THE_ENGINE = (
    "Building DAG of jobs",
    "Using shell",
    "Conda environments: ignored",
    "Select jobs to execute",
    "Execute ",
    "DAG of jobs will be updated",
    "Updating checkpoint dependencies",
    "Finished retrieval",
    "Removing local copy of storage file",
)


def is_for_people(record) -> bool:
    """Whether a message of Snakemake is shown on the terminal."""
    hidden = getattr(record, "event", None) in EVENTS_OF_THE_ENGINE
    return not (hidden or str(record.msg).startswith(TEXTS_OF_THE_ENGINE))


# The terminal of a project that has this workflow as a module is its own.
if MODIFIER.is_main_snakefile() and not (
    workflow.output_settings.verbose or workflow.output_settings.dryrun
):
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(is_for_people)

SUMMARY = Path(in_project("results/summary.txt"))


def summary_written() -> tuple[int, int] | None:
    """What differs from one writing of the summary to the next."""
    return (
        (SUMMARY.stat().st_mtime_ns, SUMMARY.stat().st_ino)
        if SUMMARY.exists()
        else None
    )


SUMMARY_BEFORE = summary_written()


def tell_summary() -> None:
    """End a run with its summary, if it made one: that of an earlier run may be of other plates."""
    if summary_written() not in (None, SUMMARY_BEFORE):
        logger.info(SUMMARY.read_text(encoding="utf-8").rstrip())


onstart:
    for plate in plates_not_in_sheet(SUMMARY.parent, PLATES.index):
        logger.warning(not_in_sheet(plate, config["plates"]))


onsuccess:
    tell_summary()


onerror:
    tell_summary()
