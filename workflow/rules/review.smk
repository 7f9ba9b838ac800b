# How often a person disagrees with the cells of a plate, from a sample that is judged blind.
JUDGED_PLATES = [plate for plate in PLATES.index if plate in JUDGEMENTS]


rule draw_sample:
    input:
        class_maps=gather.shard("results/{{plate}}/shards/{scatteritem}/classes.h5"),
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        dyes=DYES,
        model=MODEL,
        corrections=corrections,
        cells="results/{plate}/cells.csv.gz",
    output:
        page="results/{plate}/review_sample.html",
    log:
        "logs/draw_sample/{plate}.log",
    benchmark:
        "benchmarks/draw_sample/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        raw=raw,
        plate="{plate}",
        shown=SHOWN,
        classes=CLASSES,
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        counting=COUNTING,
        n_drawn=config["review"]["cells"],
        seed=config["review"]["seed"],
        code=code("draw_sample"),
    script:
        "../scripts/draw_sample.py"


rule review_sample:
    input:
        expand("results/{plate}/review_sample.html", plate=PLATES.index),
    localrule: True


rule judge_sample:
    input:
        cells="results/{plate}/cells.csv.gz",
        judgements=judgements,
    output:
        review="results/{plate}/review.csv",
        reviewers="results/{plate}/reviewers.csv",
        told="results/{plate}/review.txt",
    log:
        "logs/judge_sample/{plate}.log",
    benchmark:
        "benchmarks/judge_sample/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate="{plate}",
        judgements_sha256=lambda wildcards: list(map(content, judgements(wildcards))),
        code=code("judge_sample"),
    script:
        "../scripts/judge_sample.py"


rule review:
    input:
        expand("results/{plate}/review.txt", plate=JUDGED_PLATES or PLATES.index),
    log:
        "logs/review.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
