rule index_plate:
    input:
        planes=all_files,
    output:
        images="results/{plate}/images.tsv",
        export="results/{plate}/export.json",
    log:
        "logs/index_plate/{plate}.log",
    benchmark:
        "benchmarks/index_plate/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        raw=raw,
        plate="{plate}",
        export_format=of_plate("format"),
        n_wells=of_plate("wells"),
        wells_read=lambda wildcards: WELLS_READ.get(wildcards.plate, []),
        channels=config["channels"],
        pixel_size_um=of_plate("pixel_size_um"),
        # A function, because Snakemake takes the braces of a text such as \d{2} for wildcards.
        file_pattern=lambda wildcards: config["file_pattern"],
        hdf5_axes=config["hdf5_axes"],
        pages=config["pages"],
        focal_plane=config["focal_plane"],
        overlap=config["overlap"],
        accept=config["gate"]["accept"],
        code=code("index_plate"),
    script:
        "../scripts/index_plate.py"


rule take_inventory:
    input:
        images="results/{plate}/images.tsv",
        export="results/{plate}/export.json",
        platemap=platemap,
    output:
        inventory="results/{plate}/inventory.txt",
    log:
        "logs/take_inventory/{plate}.log",
    benchmark:
        "benchmarks/take_inventory/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        platemap_sha256=platemap_content,
        plate="{plate}",
        n_wells=of_plate("wells"),
        pixel_size_um=of_plate("pixel_size_um"),
        input_channels=CHANNELS,
        fields_per_well=config["fields_per_well"],
        code=code("take_inventory"),
    script:
        "../scripts/take_inventory.py"


rule inventory:
    input:
        expand("results/{plate}/inventory.txt", plate=PLATES.index),
    log:
        "logs/inventory.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
