"""Keras HDF5 and safetensors <-> PyTorch, tensor by tensor, by name."""

from livedead.weights.assay import Assay
from livedead.weights.certificate import (
    certificate_beside,
    convert,
    export_keras,
    load_unet,
    new_unet,
    read_certificate,
    save_unet,
    trained_certificate,
)

__all__ = [
    "Assay",
    "certificate_beside",
    "convert",
    "export_keras",
    "load_unet",
    "new_unet",
    "read_certificate",
    "save_unet",
    "trained_certificate",
]
