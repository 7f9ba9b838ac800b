# What a run says of all its plates together.
from livedead import yaml_files


report: "../report/workflow.rst"


rule join_replicates:
    input:
        wells="results/wells.csv",
    output:
        replicates=report(
            "results/replicates.csv",
            caption="../report/replicates.rst",
            category="Experiment",
            labels={"result": "replicates"},
        ),
    log:
        "logs/join_replicates.log",
    benchmark:
        "benchmarks/join_replicates.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate_map=config["plate_map"],
        code=code("join_replicates"),
    script:
        "../scripts/join_replicates.py"


rule write_experiment:
    input:
        plate_wells=expand("results/{plate}/wells.csv", plate=PLATES.index),
        plate_fields=expand("results/{plate}/fields.csv", plate=PLATES.index),
        quality=expand("results/{plate}/quality.csv", plate=PLATES.index),
        residuals=expand("results/{plate}/residuals.csv", plate=PLATES.index),
        replicates="results/replicates.csv",
        curves="results/dose_response.csv",
    output:
        page=report(
            "results/report.html",
            caption="../report/experiment.rst",
            category="Experiment",
            labels={"result": "all plates"},
        ),
    log:
        "logs/write_experiment.log",
    benchmark:
        "benchmarks/write_experiment.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plates=list(PLATES.index),
        n_wells=PLATES["wells"].tolist(),
        plate_map=config["plate_map"],
        max_failed_fraction=config["max_failed_fraction"],
        min_z_prime=config["min_z_prime"],
        code=code("write_experiment"),
    script:
        "../scripts/write_experiment.py"


rule write_methods:
    input:
        provenance="results/provenance.json",
        plate_wells=expand("results/{plate}/wells.csv", plate=PLATES.index),
        plate_fields=expand("results/{plate}/fields.csv", plate=PLATES.index),
        quality=expand("results/{plate}/quality.csv", plate=PLATES.index),
        curves="results/dose_response.csv",
        dyes=expand(DYE_TABLE, plate=PLATES.index),
        audits=expand("results/{plate}/audit.csv", plate=AUDITED),
    output:
        methods=report(
            "results/methods.md",
            caption="../report/methods.rst",
            category="Experiment",
            labels={"result": "methods, in words"},
        ),
    log:
        "logs/write_methods.log",
    benchmark:
        "benchmarks/write_methods.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        citation=yaml_files.read(WORKFLOW.parent / "CITATION.cff"),
        code=code("write_methods"),
    script:
        "../scripts/write_methods.py"
