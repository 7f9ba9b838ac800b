rule measure_accuracy:
    input:
        unet="results/weights/unet.safetensors",
    output:
        errors="results/accuracy/errors.csv",
    log:
        "logs/measure_accuracy.log",
    benchmark:
        "benchmarks/measure_accuracy.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        mem_mb=growing(SEGMENTATION_MB),
        runtime=growing(60),
        gpu=GPU,
    params:
        classes=config["classes"],
        counting=COUNTING,
        normalization=config["normalization"],
        segmentation=config["segmentation"],
        code=code("measure_accuracy"),
    script:
        "../scripts/measure_accuracy.py"


rule draw_accuracy:
    input:
        errors="results/accuracy/errors.csv",
    output:
        picture="results/accuracy/errors.png",
    log:
        "logs/draw_accuracy.log",
    benchmark:
        "benchmarks/draw_accuracy.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("draw_accuracy"),
    script:
        "../scripts/draw_accuracy.py"
