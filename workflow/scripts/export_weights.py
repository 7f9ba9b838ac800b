"""Write trained weights as a Keras HDF5 file."""

from pathlib import Path

from livedead import weights
from livedead.logs import log_to


def export_weights(unet: Path, output: Path) -> None:
    """Write the network in `unet`, and its classes and channels, in Keras's legacy layout."""
    network, certificate = weights.load_unet(unet)
    weights.export_keras(output, network, weights.Assay.certified(certificate))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        export_weights(Path(snakemake.input.unet), Path(snakemake.output.weights))
