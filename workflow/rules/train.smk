TRAINING_PLATES = PLATES.index[PLATES["dyed_wells"].str.len() > 0]


rule label_dyes:
    input:
        raw=of_plate("raw"),
        images="results/{plate}/images.tsv",
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
        raw=[PLATES.at[plate, "raw"] for plate in TRAINING_PLATES],
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
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
        gpu=0 if config["segmentation"]["device"] == "cpu" else 1,
    params:
        plates=list(TRAINING_PLATES),
        bit_depth=[int(PLATES.at[plate, "bit_depth"]) for plate in TRAINING_PLATES],
        channels=config["input_channels"],
        classes=config["classes"],
        network=config["network"],
        training=config["training"],
        device=config["segmentation"]["device"],
        # Not an output: what is left of a killed job must still be there for the next one.
        checkpoint="results/training/{fold}checkpoint.safetensors",
        fold=fold_number,
        code=code("train_unet"),
    script:
        "../scripts/train_unet.py"


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
        "results/training/unet.h5",
        "results/training/history.csv",
    localrule: True
