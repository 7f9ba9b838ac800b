rule verify_well:
    input:
        planes=planes([*INTENSITY_CHANNELS, *COUNTED_CHANNELS]),
        images="results/{plate}/images.tsv",
        class_maps="results/{plate}/verified/classes.h5",
        dyes=DYES,
        model=MODEL,
        platemap=platemap,
        audit=audit,
        audit_map=audit_map,
        corrections=corrections,
        wells="results/{plate}/wells.csv",
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
    output:
        verified_fields="results/{plate}/verified/fields.csv",
        verified_cells="results/{plate}/verified/cells.csv.gz",
        report="results/{plate}/verified/well.txt",
    log:
        "logs/verify_well/{plate}.log",
    benchmark:
        "benchmarks/verify_well/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        raw=raw,
        platemap_sha256=platemap_content,
        audit_map_sha256=audit_map_content,
        bit_depth=of_plate("bit_depth"),
        classes=CLASSES,
        pixel_size_um=of_plate("pixel_size_um"),
        intensity_channels=INTENSITY_CHANNELS,
        counting=COUNTING,
        n_wells=of_plate("wells"),
        fields_per_well=config["fields_per_well"],
        treatment_columns=MAP_COLUMNS.treatment,
        exclude_flags=config["qc"]["exclude_flags"],
        config_sha256=config_sha256,
        hours_per_timepoint=MAP_COLUMNS.hours_per_timepoint,
        version=__version__,
        code=code("verify_well"),
    script:
        "../scripts/verify_well.py"


rule verify:
    input:
        expand("results/{plate}/verified/well.txt", plate=PLATES.index),
    log:
        "logs/verify.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
