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


rule demo_agreement:
    input:
        expand("results/{plate}/agreement.json", plate=config["simulation"]),
    log:
        "logs/demo_agreement.log",
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
