rule convert_weights:
    input:
        source=config["weights"],
        experience=[path for path in [config["experience"]["file"]] if path],
    output:
        unet="results/weights/unet.safetensors",
        certificate="results/weights/unet.certificate.json",
    log:
        "logs/convert_weights.log",
    benchmark:
        "benchmarks/convert_weights.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        source_sha256=lambda wildcards: content(config["weights"]),
        experience_sha256=lambda wildcards: content(config["experience"]["file"] or ""),
        pixel_size_um=config["experience"]["pixel_size_um"],
        input_channels=config["input_channels"],
        classes=config["classes"],
        network=config["network"],
        code=code("convert_weights"),
    script:
        "../scripts/convert_weights.py"


# Of the plates that are trusted, those with dyed wells show these alone: their labels tell how sure the network is.
TRUSTED = PLATES.loc[config["experience"]["plates"] or PLATES.index].reset_index()
LABELLED = TRUSTED[TRUSTED["dyed_wells"].str.len() > 0]


rule learn_experience:
    input:
        unet="results/weights/unet.safetensors",
        planes=planes_of_labelled(TRUSTED),
        images=expand("results/{plate}/images.tsv", plate=TRUSTED.plate),
        normalization=expand("results/{plate}/normalization.h5", plate=TRUSTED.plate),
        labels=expand("results/{plate}/labels.h5", plate=LABELLED.plate),
    output:
        experience="results/weights/experience.json",
    log:
        "logs/learn_experience.log",
    benchmark:
        "benchmarks/learn_experience.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        mem_mb=growing(SEGMENTATION_MB),
        runtime=growing(240),
        gpu=GPU,
    params:
        raw=TRUSTED.plate.map(raw_of).tolist(),
        plates=TRUSTED[["plate", "bit_depth", "pixel_size_um", "dyed_wells"]].to_dict(
            "records"
        ),
        channels=config["input_channels"],
        classes=config["classes"],
        segmentation=config["segmentation"],
        counting=COUNTING,
        code=code("learn_experience"),
    script:
        "../scripts/learn_experience.py"


rule experience:
    input:
        "results/weights/experience.json",
    localrule: True
