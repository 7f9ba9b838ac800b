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


# The curves of all plates are in one table. Their time stamp is ignored, or a new plate would make every page
# again: this plate's change with its wells, with the columns of its map, or with the code that fits them.
rule write_page:
    input:
        raw=raw,
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        class_maps=gather.shard("results/{{plate}}/shards/{scatteritem}/classes.h5"),
        dyes=DYES,
        model=MODEL,
        corrections=corrections,
        wells="results/{plate}/wells.csv",
        fields="results/{plate}/fields.csv",
        quality="results/{plate}/quality.csv",
        curves=ancient("results/dose_response.csv"),
    output:
        page=report(
            "results/{plate}/report.html",
            caption="../report/page.rst",
            category="Plates",
            labels={"plate": "{plate}", "picture": "page to look at and correct"},
        ),
    log:
        "logs/write_page/{plate}.log",
    benchmark:
        "benchmarks/write_page/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        plate="{plate}",
        n_wells=of_plate("wells"),
        shown=SHOWN,
        classes=CLASSES,
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        counting=COUNTING,
        corrections_sha256=lambda wildcards: list(map(content, corrections(wildcards))),
        plate_map=config["plate_map"],
        settings=PAGE,
        code=code("write_page"),
        curves_sha256=code("fit_dose_response"),
    script:
        "../scripts/write_page.py"
