rule simulate_plate:
    output:
        raw=directory(SIMULATED),
        truth_cells="results/simulated/{plate}/truth_cells.csv",
        truth_wells="results/simulated/{plate}/truth_wells.csv",
    log:
        "logs/simulate_plate/{plate}.log",
    benchmark:
        "benchmarks/simulate_plate/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        dyed_wells=wells_with_dyes,
        simulation=lambda wildcards: config["simulation"][wildcards.plate],
        code=code("simulate_plate"),
    script:
        "../scripts/simulate_plate.py"


rule compare_with_truth:
    input:
        fields="results/{plate}/fields.csv",
        truth_cells="results/simulated/{plate}/truth_cells.csv",
    output:
        wells="results/{plate}/agreement.csv",
        summary="results/{plate}/agreement.json",
    log:
        "logs/compare_with_truth/{plate}.log",
    benchmark:
        "benchmarks/compare_with_truth/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("compare_with_truth"),
    script:
        "../scripts/compare_with_truth.py"


rule draw_agreement:
    input:
        wells="results/{plate}/agreement.csv",
    output:
        pictures=[
            report(
                "results/{plate}/report/agreement.png",
                caption="../report/agreement.rst",
                category="Plates",
                labels={"plate": "{plate}", "picture": "agreement with the truth"},
            ),
            "results/{plate}/report/agreement.svg",
        ],
    log:
        "logs/draw_agreement/{plate}.log",
    benchmark:
        "benchmarks/draw_agreement/{plate}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        plate="{plate}",
        code=code("draw_agreement"),
    script:
        "../scripts/draw_agreement.py"


rule demo_agreement:
    input:
        pictures=expand(
            "results/{plate}/report/agreement.png", plate=config["simulation"]
        ),
        summaries=expand("results/{plate}/agreement.json", plate=config["simulation"]),
    log:
        "logs/demo_agreement.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input.summaries:q} 2> {log:q}"
