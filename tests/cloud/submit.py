"""Starts a job as a node would: a process of its own, with a disk of its own; Snakemake calls it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROPERTIES = "# properties = "

script = Path(sys.argv[-1])
lines = script.read_text().splitlines()
job = json.loads(next(line for line in lines if line.startswith(PROPERTIES)).removeprefix(PROPERTIES))
name = "-".join(
    [job["rule"], *([job["wildcards"]["scatteritem"]] if "scatteritem" in job["wildcards"] else [])]
)
disk = tempfile.mkdtemp(dir=os.environ["NODES"])
with open(f"{disk}.log", "wb") as log:
    node = subprocess.Popen(
        ["bash", str(script)],
        env={**os.environ, "AWS_SDK_UA_APP_ID": name, "DISK": disk},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
sys.stdout.write(f"{node.pid}\n")
