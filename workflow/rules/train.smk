from livedead.configuration import of_plates

TRAINING = PLATES[PLATES["dyed_wells"].str.len() > 0].reset_index()

N_FOLDS = config["training"]["folds"]

# Folders of the networks that a page is about, under results/training/.
FOLDS = {
    "evaluation": [""],
    "cross_validation": [f"{k}-of-{N_FOLDS}/" for k in range(1, N_FOLDS + 1)],
}

# The folder of the network that a training starts from, beside that which it makes.
START = "start/" if config["training"]["start"] else ""

# Files on a network, and on those of all folds: made only if asked for, and deleted when it is replaced.
OF_NETWORK = [
    "unet.h5",
    "history.png",
    "cells.csv",
    "wells.csv",
    "detected.csv",
    "worst.h5",
    "evaluation.html",
    "evaluation.csv",
    "evaluation.json",
    *(
        f"start/{file}"
        for file in ("cells.csv", "wells.csv", "detected.csv", "worst.h5")
    ),
]
OF_FOLDS = [
    "cross_validation.html",
    "cross_validation.csv",
    "cross_validation.json",
]


wildcard_constraints:
    # Nothing for the network of all dyed wells, or the folder of one fold of the cross-validation.
    fold=r"(\d+-of-\d+/)?",
    stage="(start/)?",
    evaluation="evaluation|cross_validation",


rule label_wells:
    input:
        planes=planes(
            [*CHANNELS, *derived.dye_channels(config)], of_plate("dyed_wells")
        ),
        images="results/{plate}/images.tsv",
        dyes=dyes_of_labels,
        boxes=drawn_boxes,
        states=states_of_masks,
        after=drawn_masks,
    output:
        class_maps="results/{plate}/labels.h5",
    log:
        "logs/label_wells/{plate}.log",
    benchmark:
        "benchmarks/label_wells/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        raw=raw,
        drawn_sha256=lambda wildcards: list(
            map(
                content,
                drawn_masks(wildcards)
                + drawn_boxes(wildcards)
                + states_of_masks(wildcards),
            )
        ),
        dyed_wells=of_plate("dyed_wells"),
        masks=of_plate("masks"),
        dead_dye=config["dyes"]["dead"],
        bit_depth=of_plate("bit_depth"),
        pixel_size_um=of_plate("pixel_size_um"),
        input_channels=config["input_channels"],
        classes=config["classes"],
        labels=config["labels"],
        code=code("label_wells"),
    script:
        "../scripts/label_wells.py"


rule train_unet:
    input:
        planes=planes_of_labelled(TRAINING),
        images=expand("results/{plate}/images.tsv", plate=TRAINING.plate),
        normalization=expand("results/{plate}/normalization.h5", plate=TRAINING.plate),
        labels=expand("results/{plate}/labels.h5", plate=TRAINING.plate),
        encoder=[path for path in [config["training"]["encoder"]] if path],
        start=[path for path in [config["training"]["start"]] if path],
    output:
        unet="results/training/{fold}unet.safetensors",
        history="results/training/{fold}history.csv",
        started=["results/training/{fold}start/unet.safetensors"] if START else [],
    log:
        "logs/train_unet/{fold}unet.log",
    benchmark:
        "benchmarks/train_unet/{fold}unet.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
        gpu=GPU,
    params:
        raw=TRAINING.plate.map(raw_of).tolist(),
        encoder_sha256=lambda wildcards: content(config["training"]["encoder"] or ""),
        start_sha256=lambda wildcards: content(config["training"]["start"] or ""),
        plates=TRAINING[["plate", "bit_depth", "pixel_size_um"]].to_dict("records"),
        channels=config["input_channels"],
        classes=config["classes"],
        network=config["network"],
        training=config["training"],
        segmentation=config["segmentation"],
        counting=COUNTING,
        fold=lambda wildcards: (
            int(wildcards.fold.split("-")[0]) if wildcards.fold else None
        ),
        of_network=OF_NETWORK,
        of_folds=OF_FOLDS,
        code=code("train_unet"),
    script:
        "../scripts/train_unet.py"


rule review_labels:
    input:
        planes=planes(CHANNELS, of_plate("dyed_wells")),
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
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        raw=raw,
        plate="{plate}",
        channel=config["input_channels"][0],
        bit_depth=of_plate("bit_depth"),
        classes=config["classes"],
        exclude=config["training"]["exclude"],
        code=code("review_labels"),
    script:
        "../scripts/review_labels.py"


rule evaluate_unet:
    input:
        unet="results/training/{fold}{stage}unet.safetensors",
        trained="results/training/{fold}unet.safetensors",
        planes=planes_of_labelled(TRAINING),
        images=expand("results/{plate}/images.tsv", plate=TRAINING.plate),
        normalization=expand("results/{plate}/normalization.h5", plate=TRAINING.plate),
        labels=expand("results/{plate}/labels.h5", plate=TRAINING.plate),
        platemaps=[path for path in TRAINING.platemap if path],
    output:
        cells="results/training/{fold}{stage}cells.csv",
        wells="results/training/{fold}{stage}wells.csv",
        detected="results/training/{fold}{stage}detected.csv",
        worst="results/training/{fold}{stage}worst.h5",
    log:
        "logs/evaluate_unet/{fold}{stage}cells.log",
    benchmark:
        "benchmarks/evaluate_unet/{fold}{stage}cells.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        mem_mb=growing(SEGMENTATION_MB),
        runtime=growing(60),
        gpu=GPU,
    params:
        raw=TRAINING.plate.map(raw_of).tolist(),
        platemap_sha256=lambda wildcards: TRAINING.platemap.map(content).tolist(),
        plates=TRAINING[
            ["plate", "platemap", "wells", "bit_depth", "pixel_size_um"]
        ].to_dict("records"),
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
        cells=of_folds("cells.csv"),
        wells=of_folds("wells.csv"),
        detected=of_folds("detected.csv"),
        worst=of_folds("worst.h5"),
        start_cells=of_start("cells.csv"),
        start_wells=of_start("wells.csv"),
        start_detected=of_start("detected.csv"),
    output:
        page=report(
            "results/training/{evaluation}.html",
            caption="../report/evaluation.rst",
            category="Training",
            labels={"page": "{evaluation}"},
        ),
        summary="results/training/{evaluation}.csv",
        experience="results/training/{evaluation}.json",
    log:
        "logs/draw_evaluation/{evaluation}.log",
    benchmark:
        "benchmarks/draw_evaluation/{evaluation}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
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
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        classes=config["classes"],
        code=code("draw_history"),
    script:
        "../scripts/draw_history.py"


rule export_weights:
    input:
        unet="results/training/unet.safetensors",
    output:
        keras="results/training/unet.h5",
    log:
        "logs/export_weights.log",
    benchmark:
        "benchmarks/export_weights.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("export_weights"),
    script:
        "../scripts/export_weights.py"


rule training:
    input:
        once_checked("results/training/unet.h5", of_plates.check_training),
        "results/training/history.png",
        expand("results/{plate}/labels_review.html", plate=TRAINING.plate),
        []
        if config["training"]["tiles"]["validation_fraction"] == 0
        else "results/training/evaluation.html",
    localrule: True


rule cross_validation:
    input:
        once_checked(
            "results/training/cross_validation.html",
            of_plates.check_training,
            of_plates.check_folds,
        ),
    localrule: True
