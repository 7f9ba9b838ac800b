rule assess_plate:
    input:
        wells="results/{plate}/wells.csv",
    output:
        quality=report(
            "results/{plate}/quality.csv",
            caption="../report/plate_quality.rst",
            category="Plates",
            labels={"plate": "{plate}", "picture": "quality, a table"},
        ),
        residuals="results/{plate}/residuals.csv",
    log:
        "logs/assess_plate/{plate}.log",
    benchmark:
        "benchmarks/assess_plate/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        n_wells=of_plate("wells"),
        plate_map=config["plate_map"],
        code=code("assess_plate"),
    script:
        "../scripts/assess_plate.py"


rule fit_dose_response:
    input:
        wells="results/wells.csv",
    output:
        curves=report(
            "results/dose_response.csv",
            caption="../report/curves.rst",
            category="Experiment",
            labels={"result": "dose-response"},
        ),
    log:
        "logs/fit_dose_response.log",
    benchmark:
        "benchmarks/fit_dose_response.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        plate_map=config["plate_map"],
        code=code("fit_dose_response"),
    script:
        "../scripts/fit_dose_response.py"


rule follow_wells:
    input:
        wells="results/wells.csv",
    output:
        courses=report(
            "results/time_courses.csv",
            caption="../report/courses.rst",
            category="Experiment",
            labels={"result": "time courses"},
        ),
    log:
        "logs/follow_wells.log",
    benchmark:
        "benchmarks/follow_wells.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate_map=config["plate_map"],
        code=code("follow_wells"),
    script:
        "../scripts/follow_wells.py"


rule export_wells:
    input:
        wells="results/{plate}/wells.csv",
    output:
        cytomining="results/{plate}/exports/cytomining.csv",
        drc="results/{plate}/exports/drc.csv",
        grmetrics="results/{plate}/exports/grmetrics.tsv",
    log:
        "logs/export_wells/{plate}.log",
    benchmark:
        "benchmarks/export_wells/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate_map=config["plate_map"],
        code=code("export_wells"),
    script:
        "../scripts/export_wells.py"


# Like check_fields: it may fail, so it owns no table.
rule check_quality:
    input:
        quality=expand("results/{plate}/quality.csv", plate=PLATES.index),
        after="results/summary.txt",
    output:
        report="results/quality_checked.txt",
    log:
        "logs/check_quality.log",
    benchmark:
        "benchmarks/check_quality.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plates=list(PLATES.index),
        min_z_prime=config["min_z_prime"],
        code=code("check_quality"),
    script:
        "../scripts/check_quality.py"
