"""Write trained weights as a Keras HDF5 file."""

from pathlib import Path

from livedead.logs import log_to
from livedead.weights import formats, unet_io
from livedead.weights.assay import Assay
from livedead.weights.network import from_unet


def export_weights(unet: Path, output: Path) -> None:
    """Write the network in `unet`, and its classes and channels, in Keras's legacy layout."""
    network, certificate = unet_io.read(unet)
    formats.write(output, from_unet(network, Assay.certified(certificate)))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        export_weights(Path(snakemake.input.unet), Path(snakemake.output.weights))
