rule count_cells:
    input:
        class_maps="results/{plate}/shards/{scatteritem}/classes.h5",
        planes=planes([*INTENSITY_CHANNELS, *COUNTED_CHANNELS]),
        images="results/{plate}/images.tsv",
        dyes=DYES,
        model=MODEL,
        corrections=corrections,
    output:
        fields="results/{plate}/shards/{scatteritem}/fields.csv",
        cells="results/{plate}/shards/{scatteritem}/cells.csv.gz",
    log:
        "logs/count_cells/{plate}/{scatteritem}.log",
    benchmark:
        "benchmarks/count_cells/{plate}/{scatteritem}.tsv"
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
        intensity_channels=INTENSITY_CHANNELS,
        counting=COUNTING,
        corrections_sha256=lambda wildcards: list(map(content, corrections(wildcards))),
        code=code("count_cells"),
    script:
        "../scripts/count_cells.py"


rule gather_fields:
    input:
        shard_fields=gather.shard("results/{{plate}}/shards/{scatteritem}/fields.csv"),
        shard_cells=gather.shard("results/{{plate}}/shards/{scatteritem}/cells.csv.gz"),
        normalization="results/{plate}/normalization.h5",
        corrections=corrections,
    output:
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
    log:
        "logs/gather_fields/{plate}.log",
    benchmark:
        "benchmarks/gather_fields/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        min_range=MIN_RANGE,
        qc=config["qc"],
        code=code("gather_fields"),
    script:
        "../scripts/gather_fields.py"
