rule segment_fields:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        unet="results/weights/unet.safetensors",
    output:
        class_maps="results/{plate}/shards/{scatteritem}/classes.h5",
    log:
        "logs/segment_fields/{plate}/{scatteritem}.log",
    benchmark:
        "benchmarks/segment_fields/{plate}/{scatteritem}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        mem_mb=growing(SEGMENTATION_MB),
        runtime=growing(240),
        gpu=GPU,
    params:
        raw=raw,
        scatteritem="{scatteritem}",
        channels=config["input_channels"],
        bit_depth=of_plate("bit_depth"),
        pixel_size_um=of_plate("pixel_size_um"),
        segmentation=config["segmentation"],
        seam=config["segmentation"]["seam"],
        code=code("segment_fields"),
    script:
        "../scripts/segment_fields.py"


rule segment_sample:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        normalization="results/{plate}/normalization.h5",
        unet="results/weights/unet.safetensors",
        wells="results/{plate}/wells.csv",
    output:
        class_maps="results/{plate}/verified/classes.h5",
    log:
        "logs/segment_sample/{plate}.log",
    benchmark:
        "benchmarks/segment_sample/{plate}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        mem_mb=growing(SEGMENTATION_MB),
        runtime=growing(30),
        gpu=GPU,
    params:
        raw=raw,
        seed=config["verify_seed"],
        sample=config["verify_wells"],
        channels=config["input_channels"],
        bit_depth=of_plate("bit_depth"),
        pixel_size_um=of_plate("pixel_size_um"),
        segmentation=config["segmentation"],
        code=code("segment_sample"),
    script:
        "../scripts/segment_sample.py"
