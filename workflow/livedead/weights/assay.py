"""What a network reads, tells apart and has seen: carried with the weights that were trained here.

Tensors know channels and classes by number alone; in another order, live and dead change places and
every number looks right. So the names travel with the tensors: in the certificate, and in files of
Keras as one attribute, in Flax's safetensors as one key, which both ignore.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livedead.network.experience import Experience

KEY = "livedead_assay"

Classes = list[dict[str, str]]
"""Name and role of each, in the order of the network's output."""


@dataclass(frozen=True)
class Assay:
    """The channels and classes of a network, and what it has seen.

    Attributes
    ----------
    classes : list of {name, role}
        In the order of the network's output.
    input_channels : list of str
        In the order of its input.
    experience : Experience, optional
    """

    classes: Classes
    input_channels: list[str]
    experience: Experience | None = None

    @classmethod
    def from_text(cls, text: str) -> "Assay":
        """The inverse of `as_text`; raises ValueError for anything else."""
        try:
            values = json.loads(text)
            classes = [{"name": entry["name"], "role": entry["role"]} for entry in values["classes"]]
            seen = values.get("experience")
            experience = None if seen is None else Experience.from_dict(seen)
            found = cls(classes, list(values["input_channels"]), experience)
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"no list of classes and channels: {error!r}") from error
        texts = [*found.input_channels, *(text for entry in classes for text in entry.values())]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("names and roles are texts")
        return found

    @classmethod
    def certified(cls, certificate: dict[str, Any]) -> "Assay | None":
        """What the weights themselves carried when they were certified; None for the user's word."""
        if not certificate.get("classes_verified"):
            return None
        return cls(certificate["classes"], certificate["input_channels"], certified_experience(certificate))

    def as_text(self) -> str:
        """As it is written into a file."""
        named = {"classes": self.classes, "input_channels": self.input_channels}
        seen = {} if self.experience is None else {"experience": self.experience.as_dict()}
        return json.dumps({**named, **seen}, sort_keys=True)

    def disagreements(self, classes: Classes, input_channels: list[str]) -> list[str]:
        """How the configuration differs from what the network was trained for; empty if it does not.

        One channel may be called otherwise, as there is no order that could be mistaken.
        """
        found = []
        if _listed(self.classes) != _listed(classes):
            found.append(
                f"trained for the classes {_listed(self.classes)}; the configuration has {_listed(classes)}; "
                "names, roles and order must agree: write 'classes' as the network was trained"
            )
        both = {len(self.input_channels), len(input_channels)}
        if self.input_channels != input_channels and both != {1}:
            found.append(
                f"trained on the channels {', '.join(self.input_channels)}; 'input_channels' has "
                f"{', '.join(input_channels)}; names and order must agree"
            )
        return found


def certified_experience(certificate: Mapping[str, Any]) -> Experience | None:
    """What a network has seen, as its certificate says; None where that is not known."""
    seen = certificate.get("experience")
    return None if seen is None else Experience.from_dict(seen)


def _listed(classes: Classes) -> str:
    return ", ".join(f"{k} {entry['name']} ({entry['role']})" for k, entry in enumerate(classes))
