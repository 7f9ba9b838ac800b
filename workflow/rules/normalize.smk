rule normalize_plate:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        control=lambda wildcards: expand(
            "results/{control}/normalization.h5",
            control=PLATES.at[wildcards.plate, "control_plate"] or [],
        ),
    output:
        normalization="results/{plate}/normalization.h5",
    log:
        "logs/normalize_plate/{plate}.log",
    benchmark:
        "benchmarks/normalize_plate/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        raw=raw,
        channels=CHANNELS,
        bit_depth=of_plate("bit_depth"),
        settings=NORMALIZATION,
        code=code("normalize_plate"),
    script:
        "../scripts/normalize_plate.py"


rule export_normalized:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
    output:
        folder=directory("results/{plate}/normalized"),
    log:
        "logs/export_normalized/{plate}.log",
    benchmark:
        "benchmarks/export_normalized/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        raw=raw,
        channels=CHANNELS,
        bit_depth=of_plate("bit_depth"),
        pixel_size_um=of_plate("pixel_size_um"),
        code=code("export_normalized"),
    script:
        "../scripts/export_normalized.py"


rule normalized:
    input:
        expand("results/{plate}/normalized", plate=PLATES.index),
    localrule: True
