# What a run says when it starts and when it ends.
from livedead.results import not_in_sheet, plates_not_in_sheet

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
