rule export_zarr:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        class_maps="results/{plate}/shards/{scatteritem}/classes.h5",
        dyes=DYES,
        model=MODEL,
        corrections=corrections,
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
    output:
        folder=directory("results/{plate}/shards/{scatteritem}/zarr"),
    log:
        "logs/export_zarr/{plate}/{scatteritem}.log",
    benchmark:
        "benchmarks/export_zarr/{plate}/{scatteritem}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        raw=raw,
        channels=CHANNELS,
        classes=CLASSES,
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        counting=COUNTING,
        code=code("export_zarr"),
    script:
        "../scripts/export_zarr.py"


# The files of the shards stay: those of the plate are links to them, and a new plate map joins them anew.
rule gather_zarr:
    input:
        shards=gather.shard("results/{{plate}}/shards/{scatteritem}/zarr"),
        wells="results/{plate}/wells.csv",
        fields="results/{plate}/fields.csv",
    output:
        folder=directory("results/{plate}/plate.zarr"),
    log:
        "logs/gather_zarr/{plate}.log",
    benchmark:
        "benchmarks/gather_zarr/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        plate="{plate}",
        n_wells=of_plate("wells"),
        code=code("gather_zarr"),
    script:
        "../scripts/gather_zarr.py"


rule zarr:
    input:
        expand("results/{plate}/plate.zarr", plate=PLATES.index),
    localrule: True
