# Class maps from a network: its weights, what it reads, how it was trained and how good it is.

# What the rules of every run need to know of this way, see docs/architecture.md.
CHANNELS = config["input_channels"]
COUNTED_CHANNELS = []
NORMALIZATION = config["normalization"]
MIN_RANGE = config["normalization"]["min_range"]
WELLS_READ = {}
CLASSES = config["classes"]
DYES, DYE_TABLE, DYED_CELLS = [], [], []
MODEL = "results/weights/unet.certificate.json"
FILES_OF_READING = ["results/weights/unet.safetensors", MODEL]
TO_CLASS_MAPS = ["convert_weights", "index_plate", "normalize_plate", "segment_fields"]
SHOWN = {"input": CHANNELS[0]}

GPU = 0 if config["segmentation"]["device"] == "cpu" else 1
# Of a job that segments: what its plan may take, and 3 GB for Python, CUDA and the cells of a field.
SEGMENTATION_MB = config["segmentation"]["memory_mb"] + 3000


include: "weights.smk"
include: "segment.smk"
include: "train.smk"
include: "accuracy.smk"
include: "audit.smk"
