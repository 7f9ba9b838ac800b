rule convert_weights:
    input:
        source=config["weights"],
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
        input_channels=config["input_channels"],
        classes=config["classes"],
        network=config["network"],
        code=code("convert_weights"),
    script:
        "../scripts/convert_weights.py"
