rule draw_plate:
    input:
        wells="results/{plate}/wells.csv",
    output:
        picture=report(
            "results/{plate}/report/plate.png",
            caption="../report/plate.rst",
            category="Plates",
            labels={"plate": "{plate}", "picture": "heat map"},
        ),
    log:
        "logs/draw_plate/{plate}.log",
    benchmark:
        "benchmarks/draw_plate/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        n_wells=of_plate("wells"),
        code=code("draw_plate"),
    script:
        "../scripts/draw_plate.py"


rule draw_fields:
    input:
        raw=raw,
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        wells="results/{plate}/wells.csv",
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
    output:
        picture=report(
            "results/{plate}/report/fields.png",
            caption="../report/fields.rst",
            category="Plates",
            labels={"plate": "{plate}", "picture": "counted fields"},
        ),
    log:
        "logs/draw_fields/{plate}.log",
    benchmark:
        "benchmarks/draw_fields/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        shown=SHOWN,
        bit_depth=of_plate("bit_depth"),
        code=code("draw_fields"),
    script:
        "../scripts/draw_fields.py"
