from livedead.plates.raw_folders import RawFolders

RAW_FOLDERS = RawFolders(PLATES.to_dict("index"))


def claims_of_siblings(wildcards, input) -> list[dict]:
    """Parameter function: which files of the plate's raw folder are of other plates.

    It takes `input`, as Snakemake runs no job again for such a parameter: the rows of other plates are
    no news of this one, and the plate of a new row is compared with all others itself.
    """
    return RAW_FOLDERS.siblings(wildcards.plate)


def parted_folders(wildcards=None) -> dict[str, list[dict]]:
    """A plate of each raw folder that plates take parts of -> what all plates claim of the folder."""
    return {
        plate: claims
        for plate, claims in RAW_FOLDERS.parted.items()
        if Path(in_project(PLATES.at[plate, "raw"])).is_dir()
    }


rule index_plate:
    input:
        raw=raw,
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
        raw=lambda wildcards: [raw_folder(plate) for plate in parted_folders()],
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
