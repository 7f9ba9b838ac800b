# Class maps from the dyes of stained wells, without a network.

# What the rules of every run need to know of this way, see docs/architecture.md.
CHANNELS = derived.dye_channels(config)
COUNTED_CHANNELS = CHANNELS
NORMALIZATION = derived.dye_normalization(config)
# A well without cells has no contrast in its dyes, and nothing is wrong with it.
MIN_RANGE = None
WELLS_READ = PLATES["dyed_wells"].to_dict()
CLASSES = []
DYES, DYE_TABLE = "results/{plate}/dyes.h5", "results/{plate}/dyes.csv"
DYED_CELLS = "results/{plate}/cells.csv.gz"
MODEL = "results/{plate}/dyes.json"
FILES_OF_READING = [
    DYES,
    DYE_TABLE,
    MODEL,
    "results/{plate}/report/dyes.png",
    "results/{plate}/report/dyes.svg",
]
TO_CLASS_MAPS = ["index_plate", "normalize_plate", "fit_dyes", "read_dyes"]
SHOWN = derived.given_dyes(config)


rule read_dyes:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        dyes=DYES,
    output:
        class_maps="results/{plate}/shards/{scatteritem}/classes.h5",
    log:
        "logs/read_dyes/{plate}/{scatteritem}.log",
    benchmark:
        "benchmarks/read_dyes/{plate}/{scatteritem}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        raw=raw,
        scatteritem="{scatteritem}",
        bit_depth=of_plate("bit_depth"),
        code=code("read_dyes"),
    script:
        "../scripts/read_dyes.py"


rule read_sample:
    input:
        planes=planes(CHANNELS),
        images="results/{plate}/images.tsv",
        dyes=DYES,
        wells="results/{plate}/wells.csv",
    output:
        class_maps="results/{plate}/verified/classes.h5",
    log:
        "logs/read_sample/{plate}.log",
    benchmark:
        "benchmarks/read_sample/{plate}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        raw=raw,
        seed=config["verify_seed"],
        sample=config["verify_wells"],
        bit_depth=of_plate("bit_depth"),
        code=code("read_sample"),
    script:
        "../scripts/read_sample.py"
