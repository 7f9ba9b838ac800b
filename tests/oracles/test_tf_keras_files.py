"""Files that real tf_keras wrote, recorded by ``record_tf_keras.py``, against its outputs."""

import os
from pathlib import Path

import pytest

from livedead.weights import __main__ as command_line

RECORDED = Path(os.environ.get("LIVEDEAD_TF_KERAS", Path(__file__).parent / "recorded"))
NAMES = sorted(path.stem for path in RECORDED.glob("*.npz"))
DESCRIBED = (".keras", ".full.h5")


@pytest.mark.parametrize("suffix", [".keras", ".full.h5", ".weights.h5", ".legacy.h5"])
@pytest.mark.parametrize("name", NAMES)
def test_recorded_files_verify(tmp_path, capsys, name, suffix):
    described = suffix in DESCRIBED or name.startswith(("unet", "mobilenet"))
    options = [] if described else ["--architecture", str(RECORDED / f"{name}.json")]
    golden, out = str(RECORDED / f"{name}.npz"), str(tmp_path / "out.safetensors")
    source = str(RECORDED / f"{name}{suffix}")
    assert command_line.main(["convert", source, out, "--golden", golden, *options]) == 0
    assert "not compared" not in capsys.readouterr().out
    assert command_line.main(["verify", out, golden]) == 0
