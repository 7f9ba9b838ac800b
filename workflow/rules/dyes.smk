# The dyes of a plate: what a run reads, what labels to train on are made of, or what audits a network.
rule fit_dyes:
    input:
        planes=planes(derived.dye_channels(config), wells_with_dyes),
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
        raw=raw,
        dyed_wells=wells_with_dyes,
        controls=lambda wildcards: control_wells(wildcards.plate),
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        settings=config["dyes"],
        normalization=config["normalization"],
        code=code("fit_dyes"),
    script:
        "../scripts/fit_dyes.py"


rule draw_dyes:
    input:
        dyes="results/{plate}/dyes.h5",
    output:
        pictures=[
            report(
                "results/{plate}/report/dyes.png",
                caption="../report/dyes.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "thresholds of the dyes"},
            ),
            "results/{plate}/report/dyes.svg",
        ],
    log:
        "logs/draw_dyes/{plate}.log",
    benchmark:
        "benchmarks/draw_dyes/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate="{plate}",
        code=code("draw_dyes"),
    script:
        "../scripts/draw_dyes.py"
