"""Convert the configured weight file to PyTorch, with a certificate of every tensor."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.weights import unet_io
from livedead.weights.certificate import certificate_beside, with_experience


def convert_weights(
    source: Path,
    experience: Path | None,
    unet: Path,
    certificate: Path,
    *,
    input_channels: list[str],
    classes: list[dict[str, str]],
    network: dict[str, str],
    pixel_size_um: float | None,
) -> None:
    """Write the network and its certificate."""
    converted, record = unet_io.convert(source, input_channels=input_channels, classes=classes, **network)
    record = with_experience(record, experience, pixel_size_um)
    unet_io.write(unet, converted, record)
    stores.write_json(certificate, certificate_beside(unet, record))


if __name__ == "__main__":
    run(convert_weights, snakemake)
