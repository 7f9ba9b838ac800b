# All of them are targets, so that a lost file is made again, and everything that depends on it.
FILES_OF_A_PLATE = [
    *FILES_OF_READING,
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
    "results/{plate}/report.html",
    *expand(
        "results/{{plate}}/report/{picture}.{kind}",
        picture=["plate", "quality", "dose_response", "time_courses", "fields"],
        kind=["png", "svg"],
    ),
    "results/{plate}/report/montage.png",
]

FILES_OF_AN_AUDIT = [
    "results/{plate}/dyes.h5",
    "results/{plate}/dyes.csv",
    "results/{plate}/dyes.json",
    "results/{plate}/audit_cells.csv",
    "results/{plate}/audit.csv",
    "results/{plate}/report/dyes.png",
    "results/{plate}/report/dyes.svg",
    "results/{plate}/report/audit.png",
    "results/{plate}/report/audit.svg",
]


def files_of_plate(plate: str) -> list[str]:
    """Patterns of all files that a run makes of a plate."""
    return FILES_OF_A_PLATE + (FILES_OF_AN_AUDIT if plate in AUDITED else [])


# The summary waits for all of them, and the rules that may end a run with an error wait for the summary:
# when a job fails, Snakemake starts no other.
FILES_OF_A_RUN = [
    "results/wells.csv",
    "results/provenance.json",
    "results/dose_response.csv",
    "results/time_courses.csv",
    "results/replicates.csv",
    "results/report.html",
    "results/methods.md",
    "benchmarks/sum.csv",
    *dict.fromkeys(
        path
        for plate in PLATES.index
        for path in expand(files_of_plate(plate), plate=plate)
    ),
]


# Made when asked for. What was made once is kept up to date, or it would tell of older results.
ON_DEMAND = [
    "results/{plate}/inventory.txt",
    "results/{plate}/normalized",
    "results/{plate}/plate.zarr",
    "results/{plate}/verified/well.txt",
    "results/{plate}/agreement.json",
    "results/{plate}/review_sample.html",
    "results/{plate}/review.txt",
    "results/{plate}/report/agreement.png",
    "results/accuracy/errors.png",
    "results/audit_plan.txt",
    "results/unclaimed.txt",
]


def asked_for_before(wildcards) -> list[str]:
    """Input function: those of `ON_DEMAND` that were made before."""
    files = dict.fromkeys(expand(ON_DEMAND, plate=PLATES.index))
    return [path for path in files if Path(in_project(path)).exists()]


# The rules from raw images to the well table.
CHAIN = [*TO_CLASS_MAPS, "count_cells", "gather_fields", "tabulate_wells"]
# Those that a plate with an audit needs besides.
TO_AUDIT = ["fit_dyes", "audit_cells"]
OF_NO_PLATE = ["convert_weights"]
IN_SHARDS = ["segment_fields", "read_dyes", "count_cells"]


def benchmarks(name: str) -> dict[str, list[str]]:
    """Files of a rule under benchmarks/, wherever that is, by plate."""
    if name in OF_NO_PLATE:
        return {"": [f"{name}.tsv"]}
    files = (
        gather.shard(f"{name}/{{{{plate}}}}/{{scatteritem}}.tsv")
        if name in IN_SHARDS
        else [f"{name}/{{plate}}.tsv"]
    )
    return {plate: expand(files, plate=plate) for plate in PLATES.index}
