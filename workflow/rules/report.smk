rule draw_plate:
    input:
        wells="results/{plate}/wells.csv",
        fields="results/{plate}/fields.csv",
        normalization="results/{plate}/normalization.h5",
        quality="results/{plate}/quality.csv",
        residuals="results/{plate}/residuals.csv",
    output:
        heat_maps=[
            report(
                "results/{plate}/report/plate.png",
                caption="../report/plate.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "heat map"},
            ),
            "results/{plate}/report/plate.svg",
        ],
        sheets=[
            report(
                "results/{plate}/report/quality.png",
                caption="../report/quality.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "quality control"},
            ),
            "results/{plate}/report/quality.svg",
        ],
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


rule draw_curves:
    input:
        wells="results/wells.csv",
        curves="results/dose_response.csv",
        courses="results/time_courses.csv",
    output:
        of_doses=[
            report(
                "results/{plate}/report/dose_response.png",
                caption="../report/dose_response.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "dose-response"},
            ),
            "results/{plate}/report/dose_response.svg",
        ],
        of_times=[
            report(
                "results/{plate}/report/time_courses.png",
                caption="../report/time_courses.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "time courses"},
            ),
            "results/{plate}/report/time_courses.svg",
        ],
    log:
        "logs/draw_curves/{plate}.log",
    benchmark:
        "benchmarks/draw_curves/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate="{plate}",
        plate_map=config["plate_map"],
        code=code("draw_curves"),
    script:
        "../scripts/draw_curves.py"


rule draw_fields:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        wells="results/{plate}/wells.csv",
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
        class_maps=gather.shard("results/{{plate}}/shards/{scatteritem}/classes.h5"),
        dyes=DYES,
        model=MODEL,
        corrections=corrections,
    output:
        pictures=[
            report(
                "results/{plate}/report/fields.png",
                caption="../report/fields.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "from raw to counted cells"},
            ),
            "results/{plate}/report/fields.svg",
        ],
    log:
        "logs/draw_fields/{plate}.log",
    benchmark:
        "benchmarks/draw_fields/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        raw=raw,
        shown=SHOWN,
        bit_depth=of_plate("bit_depth"),
        pixel_size_um=of_plate("pixel_size_um"),
        classes=CLASSES,
        counting=COUNTING,
        code=code("draw_fields"),
    script:
        "../scripts/draw_fields.py"


rule draw_montage:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        fields="results/{plate}/fields.csv",
    output:
        picture=report(
            "results/{plate}/report/montage.png",
            caption="../report/montage.rst",
            category="Plates",
            labels={"plate": "{plate}", "picture": "all wells"},
        ),
    log:
        "logs/draw_montage/{plate}.log",
    benchmark:
        "benchmarks/draw_montage/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        raw=raw,
        shown=SHOWN,
        n_wells=of_plate("wells"),
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        code=code("draw_montage"),
    script:
        "../scripts/draw_montage.py"


# The curves of all plates are in one table. Their time stamp is ignored, or a new plate would make every page
# again: this plate's change with its wells, with the columns of its map, or with the code that fits them.
rule write_page:
    input:
        planes=planes(CHANNELS),
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
        raw=raw,
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
