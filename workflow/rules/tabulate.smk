rule tabulate_wells:
    input:
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
        model=MODEL,
        platemap=platemap,
        audit=audit,
        audit_map=audit_map,
    output:
        wells="results/{plate}/wells.csv",
    log:
        "logs/tabulate_wells/{plate}.log",
    benchmark:
        "benchmarks/tabulate_wells/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        platemap_sha256=platemap_content,
        audit_map_sha256=audit_map_content,
        n_wells=of_plate("wells"),
        fields_per_well=config["fields_per_well"],
        treatment_columns=MAP_COLUMNS.treatment,
        config_sha256=config_sha256,
        hours_per_timepoint=MAP_COLUMNS.hours_per_timepoint,
        # It is in the hash of every row.
        version=__version__,
        code=code("tabulate_wells"),
    script:
        "../scripts/tabulate_wells.py"


rule gather_wells:
    input:
        plate_wells=expand("results/{plate}/wells.csv", plate=PLATES.index),
        plate_fields=expand("results/{plate}/fields.csv", plate=PLATES.index),
        platemaps=[path for path in PLATES["platemap"] if path],
    output:
        wells=report(
            "results/wells.csv",
            caption="../report/wells.rst",
            category="Experiment",
            labels={"result": "wells"},
        ),
    log:
        "logs/gather_wells.log",
    benchmark:
        "benchmarks/gather_wells.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        has_map=(PLATES["platemap"] != "").tolist(),
        n_wells=PLATES["wells"].tolist(),
        code=code("gather_wells"),
    script:
        "../scripts/gather_wells.py"


# One a plate, or one for all of them.
MODELS = list(dict.fromkeys(expand(MODEL, plate=PLATES.index)))


rule summarize_run:
    input:
        wells="results/wells.csv",
        fields=expand("results/{plate}/fields.csv", plate=PLATES.index),
        quality=expand("results/{plate}/quality.csv", plate=PLATES.index),
        exports=expand("results/{plate}/export.json", plate=PLATES.index),
        models=MODELS,
        dyes=expand(DYE_TABLE, plate=PLATES.index),
        dyed_cells=expand(DYED_CELLS, plate=PLATES.index),
        audits=expand("results/{plate}/audit.csv", plate=AUDITED),
        audit_dyes=expand("results/{plate}/dyes.csv", plate=AUDITED),
        after=FILES_OF_A_RUN,
    output:
        summary=report(
            "results/summary.txt",
            caption="../report/summary.rst",
            category="Experiment",
            labels={"result": "summary"},
        ),
    log:
        "logs/summarize_run.log",
    benchmark:
        "benchmarks/summarize_run.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        sheet=config["plates"],
        plates=list(PLATES.index),
        pixel_size_um=PLATES["pixel_size_um"].tolist(),
        hours_per_timepoint=MAP_COLUMNS.hours_per_timepoint,
        max_failed_fraction=config["max_failed_fraction"],
        min_z_prime=config["min_z_prime"],
        code=code("summarize_run"),
    script:
        "../scripts/summarize_run.py"


rule write_provenance:
    input:
        images=expand("results/{plate}/images.tsv", plate=PLATES.index),
        class_maps=expand(
            gather.shard("results/{{plate}}/shards/{scatteritem}/classes.h5"),
            plate=PLATES.index,
        ),
        models=[*MODELS, *expand("results/{plate}/dyes.json", plate=AUDITED)],
        platemaps=[path for path in PLATES["platemap"] if path],
        plate_wells=expand("results/{plate}/wells.csv", plate=PLATES.index),
    output:
        provenance="results/provenance.json",
    log:
        "logs/write_provenance.log",
    benchmark:
        "benchmarks/write_provenance.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        platemap_sha256=lambda wildcards: PLATES["platemap"].map(content).tolist(),
        plates=PLATES.to_dict("index"),
        config=lambda wildcards: config,
        version=__version__,
        scripts={
            name: code(name) for name in CHAIN + (TO_AUDIT if len(AUDITED) else [])
        },
        code=code("write_provenance"),
    script:
        "../scripts/write_provenance.py"


rule sum_benchmarks:
    input:
        after=expand("results/{plate}/wells.csv", plate=PLATES.index),
        fields=expand("results/{plate}/fields.csv", plate=PLATES.index),
    output:
        table="benchmarks/sum.csv",
    log:
        "logs/sum_benchmarks.log",
    benchmark:
        "benchmarks/sum_benchmarks.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plates=list(PLATES.index),
        benchmarks={rule: benchmarks(rule) for rule in CHAIN},
        code=code("sum_benchmarks"),
    script:
        "../scripts/sum_benchmarks.py"


# Last and alone: a failing rule loses its outputs, so it must not own a table.
rule check_fields:
    input:
        fields=expand("results/{plate}/fields.csv", plate=PLATES.index),
        after="results/summary.txt",
    output:
        report="results/checked.txt",
    log:
        "logs/check_fields.log",
    benchmark:
        "benchmarks/check_fields.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plates=list(PLATES.index),
        max_failed_fraction=config["max_failed_fraction"],
        code=code("check_fields"),
    script:
        "../scripts/check_fields.py"
