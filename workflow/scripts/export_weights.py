"""Write trained weights as a Keras HDF5 file."""

from pathlib import Path

from livedead.job import run
from livedead.weights import formats, unet_io
from livedead.weights.assay import Assay
from livedead.weights.network import from_unet


def export_weights(unet: Path, keras: Path) -> None:
    """Write the network in `unet`, and its classes and channels, in Keras's legacy layout."""
    network, certificate = unet_io.read(unet)
    formats.write(keras, from_unet(network, Assay.certified(certificate)))


if __name__ == "__main__":
    run(export_weights, snakemake)
