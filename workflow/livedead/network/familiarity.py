"""How unlike the fields that a network knows a field is, by what its encoder sees in every patch.

Patches of known fields, as `livedead.network.patches` describes them, fall into kinds, such as background, a
cell, a crowd. A new patch is as unlike them as it is far from the nearest kind, and a field as its patches
are on average. So it does not matter how many cells a field has, or how many of them are dead.

References
----------
Lee et al. (2018), A simple unified framework for detecting out-of-distribution samples,
https://arxiv.org/abs/1807.03888 (Mahalanobis distance of features to the nearest of several Gaussians);
Gonzalez et al. (2021), Detecting when pre-trained nnU-Net models fail silently,
https://arxiv.org/abs/2107.05975 (of patches, averaged). What else was tried: docs/inference.md.
"""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.special import stdtrit

N_AXES, N_KINDS = 12, 12
"""Principal components that are kept of a patch, and kinds of patches."""
PATCHES_OF_A_KIND = 100
"""There are no more kinds than so many patches allow for each."""
PATCHES_OF_A_FIELD = 1024
"""So many patches of a field are enough to learn from."""
NEGLIGIBLE = 1e-6
"""Share of the largest variance that is rounding, not a component."""
SHRINKAGE = 50
"""The covariance of a kind is drawn to that of all, as if the kind had so many patches more of those."""

LEAST_WELLS = 4
"""With fewer wells nothing is known of how home varies."""
COVERED = 0.999
"""Probability that a field of home stays below the limit, if log distances are normal."""
N_FOLDS = 6
"""Parts in which wells are left out where there are too few that the network was not trained on."""
MARGIN = 1.1
"""Factor on the limit then: fields of the wells that it was trained on may look more familiar than others."""

DIGITS = 2
"""Digits of a field's unfamiliarity: what rounding in the network changes should not be seen."""


@dataclass(frozen=True)
class Familiarity:
    """The kinds of patches that a network knows, and how far from them a field may be.

    Attributes
    ----------
    mean : ndarray, (D,)
        Of the descriptions of patches.
    axes : ndarray, (D, d)
        From a description less the mean to d principal components.
    centres : ndarray, (k, d)
        Of the kinds.
    whitening : ndarray, (k, d, d)
        From the principal components, less the centre of a kind, to units of its standard deviation.
    limit : float
        Largest `distance` of a familiar field.
    """

    mean: np.ndarray
    axes: np.ndarray
    centres: np.ndarray
    whitening: np.ndarray
    limit: float

    def distance(self, patches: np.ndarray) -> float:
        """Mean squared distance of a field's patches, (n, D), to the nearest kind; about 1 at home."""
        places = (patches - self.mean) @ self.axes
        nearest = np.full(len(places), np.inf)
        for centre, whitening in zip(self.centres, self.whitening, strict=True):
            nearest = np.minimum(nearest, (((places - centre) @ whitening) ** 2).mean(axis=1))
        return float(nearest.mean())

    def unfamiliarity(self, patches: np.ndarray) -> float:
        """The `distance` of a field in units of the limit, to `DIGITS`: above 1 it is unfamiliar."""
        return round(self.distance(patches) / self.limit, DIGITS)

    @classmethod
    def fit(
        cls, fields: Sequence[np.ndarray], wells: Sequence[str], unseen: Collection[str]
    ) -> "Familiarity | None":
        """Learn the kinds of patches, and the limit from wells of which the kinds were not learned.

        These are the wells that the network was not trained on. Where there are none, or all are such wells,
        each well is left out in turn; the limit is then `MARGIN` times as far.

        Parameters
        ----------
        fields : sequence of ndarray, (n, D)
            Patches of each field, from `some_patches`.
        wells : sequence of str
            The well of each field.
        unseen : collection of str
            Wells that the network was not trained on.

        Returns
        -------
        Familiarity, optional
            None with fewer than `LEAST_WELLS` wells, or if all patches are the same.
        """
        names = list(dict.fromkeys(wells))
        new = [well for well in names if well in unseen]
        known = [well for well in names if well not in unseen]
        if len(names) < LEAST_WELLS or not np.ptp(np.concatenate(fields), axis=0).any():
            return None
        if min(len(new), len(known)) >= LEAST_WELLS:
            parts, margin = [new], 1.0
        else:
            known, margin = names, MARGIN
            order = np.random.default_rng(0).permutation(len(names))
            parts = [[names[k] for k in order[first::N_FOLDS]] for first in range(min(N_FOLDS, len(names)))]

        def of(chosen: Collection[str]) -> list[np.ndarray]:
            return [field for field, well in zip(fields, wells, strict=True) if well in chosen]

        distances = []
        for part in parts:
            reference = cls._of_kinds(of(set(known) - set(part)))
            distances += [np.array([reference.distance(field) for field in of([well])]) for well in part]
        reference = cls._of_kinds(of(known))
        limit = margin * prediction_bound(distances)
        return cls(reference.mean, reference.axes, reference.centres, reference.whitening, limit)

    @classmethod
    def _of_kinds(cls, fields: Sequence[np.ndarray]) -> "Familiarity":
        """The kinds of patches in these fields; the limit is open."""
        patches = np.concatenate(fields).astype(np.float64)
        mean, axes = _principal_axes(patches)
        places = (patches - mean) @ axes
        kind = _kinds(places)
        centres = np.stack([places[kind == k].mean(axis=0) for k in range(kind.max() + 1)])
        deviations = places - centres[kind]
        within = deviations.T @ deviations / len(places)
        whitening = []
        for k in range(len(centres)):
            own = deviations[kind == k]
            covariance = (own.T @ own + SHRINKAGE * within) / (len(own) + SHRINKAGE)
            whitening.append(np.linalg.cholesky(np.linalg.inv(covariance)))
        return cls(mean, axes, centres, np.stack(whitening), 1.0)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Familiarity":
        """The inverse of `as_dict`; raises ValueError for anything else."""
        try:
            found = {name: np.array(record[name], float) for name in cls.__dataclass_fields__}
            (n_descriptions, n_axes), n_kinds = found["axes"].shape, len(found["centres"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"no record of what is familiar: {error!r}") from error
        shapes = {name: array.shape for name, array in found.items()}
        expected = {
            "mean": (n_descriptions,),
            "axes": (n_descriptions, n_axes),
            "centres": (n_kinds, n_axes),
            "whitening": (n_kinds, n_axes * (n_axes + 1) // 2),
            "limit": (),
        }
        if shapes != expected:
            raise ValueError(f"no record of what is familiar: arrays of {shapes}, not of {expected}")
        if not all(np.isfinite(array).all() for array in found.values()) or not found["limit"] > 0:
            raise ValueError("no record of what is familiar: numbers that are not finite, or no limit")
        whitening = np.zeros((n_kinds, n_axes, n_axes))
        whitening[:, *np.tril_indices(n_axes)] = found["whitening"]
        return cls(found["mean"], found["axes"], found["centres"], whitening, float(found["limit"]))

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, to four digits; of each whitening, a lower triangle, its rows one after another."""
        lower = np.tril_indices(self.axes.shape[1])
        return {
            "mean": _rounded(self.mean),
            "axes": _rounded(self.axes),
            "centres": _rounded(self.centres),
            "whitening": _rounded(self.whitening[:, *lower]),
            "limit": _rounded(np.array(self.limit)),
        }


def some_patches(patches: np.ndarray) -> np.ndarray:
    """At most `PATCHES_OF_A_FIELD` of a field's patches, drawn at random, always the same ones."""
    if len(patches) <= PATCHES_OF_A_FIELD:
        return patches
    return patches[np.random.default_rng(0).permutation(len(patches))[:PATCHES_OF_A_FIELD]]


def _principal_axes(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean, (D,), and axes, (D, d), to the principal components, of variance 1, of standardized patches."""
    mean, spread = patches.mean(axis=0), patches.std(axis=0)
    # What never changes at home has no axis.
    scale = np.where(spread > NEGLIGIBLE * spread.max(), spread, np.inf)
    variances, axes = np.linalg.eigh(np.cov(((patches - mean) / scale).T))
    n_axes = min(N_AXES, int((variances > NEGLIGIBLE * variances[-1]).sum()))
    return mean, (axes / scale[:, None] / np.sqrt(np.maximum(variances, 0) + NEGLIGIBLE))[:, -n_axes:]


def _kinds(places: np.ndarray) -> np.ndarray:
    """The kind of each patch, (n,), by k-means; numbers from 0 without gaps."""
    n_kinds = int(np.clip(len(places) // PATCHES_OF_A_KIND, 1, N_KINDS))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")
        _, kind = kmeans2(places, n_kinds, iter=20, minit="++", rng=np.random.default_rng(0))
    return np.unique(kind, return_inverse=True)[1]


def prediction_bound(distances: Sequence[np.ndarray]) -> float:
    """What a field of one more well stays under with probability `COVERED`, if logarithms are normal.

    Fields of a well are alike, so wells and the fields in them vary each on their own. Student's prediction
    bound, with the freedom that Satterthwaite gives to the sum of both (1946, Biometrics Bull. 2:110,
    https://doi.org/10.2307/3002019); of wells with one field each it is the usual one.

    Parameters
    ----------
    distances : sequence of ndarray
        Of the fields of each well.
    """
    logs = [np.log(of_well) for of_well in distances]
    n_wells, n_fields = len(logs), np.array([len(of_well) for of_well in logs])
    means = np.array([of_well.mean() for of_well in logs])
    freedom = np.array([n_wells - 1, n_fields.sum() - n_wells])
    squares = sum(float(((of_well - of_well.mean()) ** 2).sum()) for of_well in logs)
    within = (1 - (1 / n_fields).mean()) * squares / max(freedom[1], 1)
    parts = np.array([(1 + 1 / n_wells) * means.var(ddof=1), within])
    of_both = parts.sum() ** 2 / (parts**2 / np.maximum(freedom, 1)).sum()
    return float(np.exp(means.mean() + stdtrit(of_both, COVERED) * np.sqrt(parts.sum())))


def _rounded(array: np.ndarray) -> Any:
    return np.vectorize(lambda number: float(f"{number:.4g}"))(array).tolist()
