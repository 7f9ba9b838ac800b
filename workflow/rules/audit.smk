# What dyes, added to a few wells after reading, say of a network's errors on a plate.
rule audit_cells:
    input:
        planes=planes(derived.dye_channels(config), of_plate("audit_wells")),
        images="results/{plate}/images.tsv",
        dyes="results/{plate}/dyes.h5",
        fields="results/{plate}/fields.csv",
        cells="results/{plate}/cells.csv.gz",
    output:
        audit="results/{plate}/audit_cells.csv",
    log:
        "logs/audit_cells/{plate}.log",
    benchmark:
        "benchmarks/audit_cells/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        raw=raw,
        audit_wells=of_plate("audit_wells"),
        pixel_size_um=of_plate("pixel_size_um"),
        bit_depth=of_plate("bit_depth"),
        counting=derived.auditing_rules(config),
        code=code("audit_cells"),
    script:
        "../scripts/audit_cells.py"


rule assess_audit:
    input:
        audit="results/{plate}/audit_cells.csv",
        platemap=platemap,
    output:
        table="results/{plate}/audit.csv",
    log:
        "logs/assess_audit/{plate}.log",
    benchmark:
        "benchmarks/assess_audit/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        platemap_sha256=platemap_content,
        n_wells=of_plate("wells"),
        treatment_columns=MAP_COLUMNS.treatment,
        code=code("assess_audit"),
    script:
        "../scripts/assess_audit.py"


rule draw_audit:
    input:
        audit="results/{plate}/audit.csv",
        wells="results/{plate}/wells.csv",
    output:
        pictures=[
            report(
                "results/{plate}/report/audit.png",
                caption="../report/audit.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "audit by dyes"},
            ),
            "results/{plate}/report/audit.svg",
        ],
    log:
        "logs/draw_audit/{plate}.log",
    benchmark:
        "benchmarks/draw_audit/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("draw_audit"),
    script:
        "../scripts/draw_audit.py"


rule size_audit:
    input:
        audit=expand("results/{plate}/audit.csv", plate=config["audit"]["plate"] or []),
    output:
        plan="results/audit_plan.txt",
    log:
        "logs/size_audit.log",
    benchmark:
        "benchmarks/size_audit.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        settings=config["audit"],
        code=code("size_audit"),
    script:
        "../scripts/size_audit.py"


rule plan_audit:
    input:
        "results/audit_plan.txt",
    log:
        "logs/plan_audit.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
