rule export_labels:
    input:
        class_maps=gather.shard("results/{{plate}}/shards/{scatteritem}/classes.h5"),
        planes=planes(COUNTED_CHANNELS),
        images="results/{plate}/images.tsv",
        dyes=DYES,
        model=MODEL,
        corrections=corrections,
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
    output:
        folder=directory("results/{plate}/labels"),
    log:
        "logs/export_labels/{plate}.log",
    benchmark:
        "benchmarks/export_labels/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        raw=raw,
        classes=CLASSES,
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        counting=COUNTING,
        code=code("export_labels"),
    script:
        "../scripts/export_labels.py"


# Not among the files that every run keeps up to date: people edit them, or train on them.
rule labels:
    input:
        expand("results/{plate}/labels", plate=PLATES.index),
    localrule: True
