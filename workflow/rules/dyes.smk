# The dyes of a plate: what a run reads, or labels to train on are made of.
rule fit_dyes:
    input:
        raw=raw,
        images="results/{plate}/images.tsv",
    output:
        dyes="results/{plate}/dyes.h5",
        table="results/{plate}/dyes.csv",
        model="results/{plate}/dyes.json",
    log:
        "logs/fit_dyes/{plate}.log",
    benchmark:
        "benchmarks/fit_dyes/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        dyed_wells=of_plate("dyed_wells"),
        controls=lambda wildcards: control_wells(wildcards.plate),
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        settings=config["dyes"],
        normalization=config["normalization"],
        code=code("fit_dyes"),
    script:
        "../scripts/fit_dyes.py"
