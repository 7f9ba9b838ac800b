"""Write trained weights as a Keras HDF5 file."""

from pathlib import Path

from livedead import weights
from livedead.job import run


def export_weights(unet: Path, keras: Path) -> None:
    """Write the network in `unet`, and its classes and channels, in Keras's legacy layout."""
    network, certificate = weights.load_unet(unet)
    weights.export_keras(keras, network, weights.Assay.certified(certificate))


if __name__ == "__main__":
    run(export_weights, snakemake)
