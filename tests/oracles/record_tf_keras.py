"""Record files of real tf_keras and its outputs: ``python tests/oracles/record_tf_keras.py [FOLDER]``.

Run by ``make record-tf-keras`` in an environment of its own; the results are committed, so that
TensorFlow is needed by nobody else. With a folder, the U-Nets are recorded too (too large to
commit) and `test_tf_keras_files.py` finds them through ``LIVEDEAD_TF_KERAS``.
"""

import sys
from pathlib import Path

import keras_models
import tf_keras

HERE = Path(__file__).parent / "recorded"
SUFFIXES = {".keras": "save", ".full.h5": "save", ".weights.h5": "save_weights", ".legacy.h5": "save_weights"}


def record(name: str, model, folder: Path, seed: int) -> None:
    keras_models.randomize(model, seed)
    keras_models.write_golden(tf_keras, model, folder / f"{name}.npz", n=1)
    for suffix, save in SUFFIXES.items():
        getattr(model, save)(str(folder / f"{name}{suffix}"))
    (folder / f"{name}.json").write_text(model.to_json())


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record("resnet", keras_models.resnet(tf_keras), folder, 1)
    record("edge_cases", keras_models.edge_cases(tf_keras), folder, 2)
    if folder != HERE:
        for kernel in (3, 4):
            for nested in (False, True):
                name = f"unet{kernel}_{'nested' if nested else 'flat'}"
                record(name, keras_models.unet(tf_keras, kernel=kernel, nested=nested), folder, kernel)
        record("lenet", keras_models.lenet(tf_keras), folder, 5)
        record("mobilenet", keras_models.mobilenet(tf_keras), folder, 6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
