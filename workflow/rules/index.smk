# Kept, so that an index stands for what was there when it was made, in a store as on a disk.
checkpoint list_objects:
    output:
        names="results/{plate}/objects.json",
    log:
        "logs/list_objects/{plate}.log",
    localrule: True
    run:
        Path(output.names).write_text(json.dumps(objects(wildcards.plate), indent=1))


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
        naming=lambda wildcards: RAW_FOLDERS.naming(wildcards.plate),
        siblings=claims_of_siblings,
        hdf5_axes=config["hdf5_axes"],
        pages=config["pages"],
        focal_plane=config["focal_plane"],
        overlap=config["overlap"],
        accept=config["gate"]["accept"],
        code=code("index_plate"),
    script:
        "../scripts/index_plate.py"


checkpoint locate_planes:
    input:
        images="results/{plate}/images.tsv",
    output:
        planes="results/{plate}/planes.json",
    log:
        "logs/locate_planes/{plate}.log",
    benchmark:
        "benchmarks/locate_planes/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("locate_planes"),
    script:
        "../scripts/locate_planes.py"


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


rule list_unclaimed:
    input:
        after=lambda wildcards: expand(
            "results/{plate}/images.tsv", plate=parted_folders()
        ),
    output:
        unclaimed="results/unclaimed.txt",
    log:
        "logs/list_unclaimed.log",
    benchmark:
        "benchmarks/list_unclaimed.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        raw=lambda wildcards: [raw_of(plate) for plate in parted_folders()],
        claims=lambda wildcards: list(parted_folders().values()),
        code=code("list_unclaimed"),
    script:
        "../scripts/list_unclaimed.py"


rule inventory:
    input:
        expand("results/{plate}/inventory.txt", plate=PLATES.index),
        lambda wildcards: ["results/unclaimed.txt"] if parted_folders() else [],
    log:
        "logs/inventory.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
