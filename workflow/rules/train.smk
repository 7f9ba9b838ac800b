TRAINING_PLATES = PLATES.index[PLATES["dyed_wells"].str.len() > 0]

# What tells of a network, and of those of all folds: made only if asked for, it goes with them.
OF_NETWORK = [
    "unet.h5",
    "history.png",
    "cells.csv",
    "wells.csv",
    "worst.h5",
    "evaluation.html",
    "evaluation.csv",
]
OF_FOLDS = ["cross_validation.html", "cross_validation.csv"]


rule label_dyes:
    input:
        raw=raw,
        images="results/{plate}/images.tsv",
        masks=drawn_masks,
    output:
        labels="results/{plate}/labels.h5",
    log:
        "logs/label_dyes/{plate}.log",
    benchmark:
        "benchmarks/label_dyes/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        masks_sha256=lambda wildcards: list(map(content, drawn_masks(wildcards))),
        dyed_wells=of_plate("dyed_wells"),
        masks=of_plate("masks"),
        bit_depth=of_plate("bit_depth"),
        input_channels=config["input_channels"],
        classes=config["classes"],
        labels=config["labels"],
        code=code("label_dyes"),
    script:
        "../scripts/label_dyes.py"


rule train_unet:
    input:
        raw=[raw_folder(plate) for plate in TRAINING_PLATES],
        images=expand("results/{plate}/images.tsv", plate=TRAINING_PLATES),
        normalization=expand("results/{plate}/normalization.h5", plate=TRAINING_PLATES),
        labels=expand("results/{plate}/labels.h5", plate=TRAINING_PLATES),
        encoder=[path for path in [config["training"]["encoder"]] if path],
    output:
        unet="results/training/{fold}unet.safetensors",
        history="results/training/{fold}history.csv",
    log:
        "logs/train_unet/{fold}unet.log",
    benchmark:
        "benchmarks/train_unet/{fold}unet.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
        gpu=0 if config["segmentation"]["device"] == "cpu" else 1,
    params:
        encoder_sha256=lambda wildcards: content(config["training"]["encoder"] or ""),
        plates=list(TRAINING_PLATES),
        bit_depth=[int(PLATES.at[plate, "bit_depth"]) for plate in TRAINING_PLATES],
        channels=config["input_channels"],
        classes=config["classes"],
        network=config["network"],
        training=config["training"],
        device=config["segmentation"]["device"],
        fold=fold_number,
        of_network=OF_NETWORK,
        of_folds=OF_FOLDS,
        code=code("train_unet"),
    script:
        "../scripts/train_unet.py"


rule review_labels:
    input:
        raw=raw,
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        labels="results/{plate}/labels.h5",
    output:
        page=report(
            "results/{plate}/labels_review.html",
            caption="../report/labels_review.rst",
            category="Training",
            labels={"plate": "{plate}", "page": "labels"},
        ),
    log:
        "logs/review_labels/{plate}.log",
    benchmark:
        "benchmarks/review_labels/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        channel=config["input_channels"][0],
        bit_depth=of_plate("bit_depth"),
        classes=config["classes"],
        exclude=config["training"]["exclude"],
        code=code("review_labels"),
    script:
        "../scripts/review_labels.py"


rule evaluate_unet:
    input:
        unet="results/training/{fold}unet.safetensors",
        raw=[raw_folder(plate) for plate in TRAINING_PLATES],
        images=expand("results/{plate}/images.tsv", plate=TRAINING_PLATES),
        normalization=expand("results/{plate}/normalization.h5", plate=TRAINING_PLATES),
        labels=expand("results/{plate}/labels.h5", plate=TRAINING_PLATES),
        platemaps=[path for path in PLATES.loc[TRAINING_PLATES, "platemap"] if path],
    output:
        cells="results/training/{fold}cells.csv",
        wells="results/training/{fold}wells.csv",
        worst="results/training/{fold}worst.h5",
    log:
        "logs/evaluate_unet/{fold}cells.log",
    benchmark:
        "benchmarks/evaluate_unet/{fold}cells.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: (config["segmentation"]["memory_mb"] + 3000)
        * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0 if config["segmentation"]["device"] == "cpu" else 1,
    params:
        platemap_sha256=lambda wildcards: [
            content(PLATES.at[plate, "platemap"]) for plate in TRAINING_PLATES
        ],
        plates=list(TRAINING_PLATES),
        platemaps=list(PLATES.loc[TRAINING_PLATES, "platemap"]),
        n_wells=[int(PLATES.at[plate, "wells"]) for plate in TRAINING_PLATES],
        bit_depth=[int(PLATES.at[plate, "bit_depth"]) for plate in TRAINING_PLATES],
        pixel_size_um=[
            float(PLATES.at[plate, "pixel_size_um"]) for plate in TRAINING_PLATES
        ],
        channels=config["input_channels"],
        classes=config["classes"],
        counting=COUNTING,
        segmentation=config["segmentation"],
        exclude=config["training"]["exclude"],
        code=code("evaluate_unet"),
    script:
        "../scripts/evaluate_unet.py"


rule draw_evaluation:
    input:
        cells=of_evaluation("cells.csv"),
        wells=of_evaluation("wells.csv"),
        worst=of_evaluation("worst.h5"),
    output:
        page=report(
            "results/training/{evaluation}.html",
            caption="../report/evaluation.rst",
            category="Training",
            labels={"page": "{evaluation}"},
        ),
        summary="results/training/{evaluation}.csv",
    log:
        "logs/draw_evaluation/{evaluation}.log",
    benchmark:
        "benchmarks/draw_evaluation/{evaluation}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        classes=config["classes"],
        code=code("draw_evaluation"),
    script:
        "../scripts/draw_evaluation.py"


rule draw_history:
    input:
        history="results/training/{fold}history.csv",
    output:
        picture=report(
            "results/training/{fold}history.png",
            caption="../report/history.rst",
            category="Training",
            labels={"fold": "{fold}", "picture": "course of the training"},
        ),
    log:
        "logs/draw_history/{fold}history.log",
    benchmark:
        "benchmarks/draw_history/{fold}history.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        classes=config["classes"],
        code=code("draw_history"),
    script:
        "../scripts/draw_history.py"


rule export_weights:
    input:
        unet="results/training/unet.safetensors",
    output:
        weights="results/training/unet.h5",
    log:
        "logs/export_weights.log",
    benchmark:
        "benchmarks/export_weights.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        code=code("export_weights"),
    script:
        "../scripts/export_weights.py"


rule training:
    input:
        once_checked("results/training/unet.h5", configuration.check_training),
        "results/training/history.png",
        expand("results/{plate}/labels_review.html", plate=TRAINING_PLATES),
        []
        if config["training"]["tiles"]["validation_fraction"] == 0
        else "results/training/evaluation.html",
    localrule: True


rule cross_validation:
    input:
        once_checked(
            "results/training/cross_validation.html",
            configuration.check_training,
            configuration.check_folds,
        ),
    localrule: True
