"""The dyes of a plate, fitted on a sample of its fields: flat-fields, the size of nuclei, thresholds.

One threshold holds for a whole plate: a well without dead cells has nothing above it, a well of dead cells
nothing below.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from livedead.dyes.dependence import measure_dependence
from livedead.dyes.nuclei import cell_signals, diameters, stained_cells
from livedead.dyes.plate_dyes import Dye, PlateDyes
from livedead.dyes.settings import NUCLEAR, DyeSettings
from livedead.dyes.signals import corrected, field_background
from livedead.dyes.thresholds import choose_threshold, histogram
from livedead.errors import ConfigError, FieldError
from livedead.fields.ahead import read_ahead
from livedead.normalization.fitting import fit_flat_field
from livedead.normalization.settings import NormalizationSettings
from livedead.normalization.transforms import Key, check_shape

log = logging.getLogger(__name__)

ReadPlane = Callable[[Key, str], np.ndarray]
"""Key of a field, channel -> raw counts, (H, W) uint16; a `FieldError` leaves the field out."""

FIELDS_OF_A_PROFILE = 8
"""With fewer fields, their median shows nuclei, and there is no flat-field."""

FEW_CELLS, ENOUGH_CELLS = 5, 2000
"""So many single nuclei are needed to know their size, and so many suffice."""

QUANTIZED = 0.5
"""Least standard deviation of a background, counts: an image without noise is still made of whole counts."""


def fit_dyes(
    read: ReadPlane,
    keys: Sequence[Key],
    settings: DyeSettings,
    normalization: NormalizationSettings,
    controls: Mapping[str, Sequence[str]],
    pixel_size_um: float,
    threads: int = 1,
) -> PlateDyes:
    """Fit the dyes of a plate on a sample of its fields, a few fields in memory at a time.

    Parameters
    ----------
    read : callable
    keys : sequence
        The plate's dyed fields.
    settings : DyeSettings
    normalization : NormalizationSettings
    controls : mapping
        ``negative`` and ``positive`` -> wells.
    pixel_size_um : float
    threads : int
        Number of fields that are read at once; changes no number.

    Raises
    ------
    ConfigError
        If a threshold is to come of control wells, and there are none of a kind.
    """
    _check_controls(settings, controls)
    flat_fields = {
        role: _flat_field(read, keys, channel, normalization, threads)
        for role, channel in settings.channels.items()
    }
    sample = _Sample(read, choose_fields(keys, controls, settings), settings.channels, flat_fields, threads)
    dyes = _detected(sample, settings, controls)
    diameters_px = _diameters(sample, dyes)
    if settings.diameter_um is not None:
        diameters_px |= dict.fromkeys(NUCLEAR, settings.diameter_um / pixel_size_um)
    dyes = {role: replace(dye, diameter_px=diameters_px[role]) for role, dye in dyes.items()}
    fitted = PlateDyes(dyes, settings, len(sample.keys))
    fitted = replace(fitted, dyes=_gated(sample, fitted, controls))
    for role, dye in fitted.dyes.items():
        log.info("%s (%s): %.1f px wide, %s", role, dye.channel, dye.diameter_px, dye.threshold)
    signals = (of_field for _, of_field in sample.signals(fitted.dyes))
    return replace(fitted, dependence=measure_dependence(signals, fitted))


def _check_controls(settings: DyeSettings, controls: Mapping[str, Sequence[str]]) -> None:
    missing = [kind for kind in ("negative", "positive") if not controls.get(kind)]
    asking = [role for role in settings.channels if settings.threshold[role] == "controls"]
    if missing and asking:
        raise ConfigError(
            f"dyes.threshold.{asking[0]}: 'controls' needs both kinds of control wells; the plate map "
            f"names no {' and no '.join(missing)} ones: add them in its column 'control', or set 'auto'"
        )


def choose_fields(
    keys: Sequence[Key], controls: Mapping[str, Sequence[str]], settings: DyeSettings
) -> list[Key]:
    """A random sample of fields in plate order, a third of it from each kind of control if there are both."""
    rng = np.random.default_rng(settings.seed)
    order = [keys[k] for k in rng.permutation(len(keys))]
    chosen: dict[Key, None] = {}
    for wells in controls.values():
        chosen |= dict.fromkeys([key for key in order if key[0] in set(wells)][: settings.fields // 3])
    for key in order:
        if len(chosen) >= settings.fields:
            break
        chosen[key] = None
    return [key for key in keys if key in chosen]


class _FlatField(NamedTuple):
    """Gain and offset, see `livedead.normalization.transforms.Transform`."""

    gain: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class _Sample:
    """The signals of a plate's sampled fields, made anew each time they are asked for."""

    read: ReadPlane
    keys: Sequence[Key]
    channels: Mapping[str, str]
    flat_fields: Mapping[str, _FlatField]
    threads: int

    def planes(self) -> Iterator[tuple[Key, dict[str, np.ndarray]]]:
        """Key and raw counts of each dye, of the fields that can be read."""

        def read(key: Key) -> dict[str, np.ndarray]:
            found = {role: self.read(key, channel) for role, channel in self.channels.items()}
            for role, plane in found.items():
                check_shape(plane, self.flat_fields[role].gain.shape)
            return found

        for key, planes in read_ahead(read, self.keys, self.threads):
            if not isinstance(planes, FieldError):
                yield key, planes

    def signals(self, dyes: Mapping[str, Dye]) -> Iterator[tuple[Key, dict[str, np.ndarray]]]:
        """Key and signal of each dye."""
        for key, planes in self.planes():
            yield key, {role: dyes[role].signal(plane) for role, plane in planes.items()}


def _flat_field(
    read: ReadPlane, keys: Sequence[Key], channel: str, normalization: NormalizationSettings, threads: int
) -> _FlatField:
    if len(keys) < FIELDS_OF_A_PROFILE:
        normalization = replace(normalization, flat_fields=0)
    flat = fit_flat_field(lambda key: read(key, channel), keys, normalization, True, threads)
    return _FlatField(flat.gain, np.zeros_like(flat.gain) if flat.offset is None else flat.offset)


def _detected(
    sample: _Sample, settings: DyeSettings, controls: Mapping[str, Sequence[str]]
) -> dict[str, Dye]:
    """Every dye with the threshold of its pixels."""
    levels: dict[str, list[tuple[float, float]]] = {role: [] for role in sample.channels}
    counted = {role: _Histograms(controls) for role in sample.channels}
    for key, planes in sample.planes():
        for role, plane in planes.items():
            counts = corrected(plane, *sample.flat_fields[role])
            level, sigma = field_background(counts)
            levels[role].append((level, sigma))
            counted[role].add(key, counts - np.float32(level))
    dyes = {}
    for role, channel in sample.channels.items():
        found, of_fields = counted[role], np.array(levels[role] or [(0.0, 0.0)])
        background, sigma = float(np.quantile(of_fields[:, 0], 0.1)), float(np.median(of_fields[:, 1]))
        least = settings.sigmas * max(sigma, QUANTIZED)
        # Controls differ in their states, not in how well all their nuclei are stained.
        apart = {} if role == "total" and settings.threshold[role] == "auto" else found.of_controls
        threshold = choose_threshold(settings.threshold[role], found.plate, apart, least, of_cells=False)
        flat = sample.flat_fields[role]
        dyes[role] = Dye(
            channel,
            flat.gain,
            flat.offset,
            background,
            sigma,
            # Living cells may cover a field; nuclei never do, but a compound may shine all over its well.
            background + threshold.counts / 2 if role == "live" else np.inf,
            threshold,
            np.nan,
            found.plate,
            found.of_controls,
        )
    return dyes


class _Histograms:
    """Histograms of signals of a plate and of its control wells."""

    def __init__(self, controls: Mapping[str, Sequence[str]]):
        self._wells = {kind: frozenset(wells) for kind, wells in controls.items()}
        self.plate = histogram(np.empty(0))
        self.of_controls = {kind: histogram(np.empty(0)) for kind in controls}

    def add(self, key: Key, signal: np.ndarray) -> None:
        """Count the signals of a field."""
        counts = histogram(signal)
        self.plate += counts
        for kind, wells in self._wells.items():
            if key[0] in wells:
                self.of_controls[kind] += counts


def _diameters(sample: _Sample, dyes: Mapping[str, Dye]) -> dict[str, float]:
    """Median diameter of the single nuclei or cells that each dye stains, px; NaN with too few of them."""
    found: dict[str, list[float]] = {role: [] for role in dyes}
    for _, signals in sample.signals(dyes):
        for role, dye in dyes.items():
            found[role] += diameters(signals[role], dye.threshold.counts)
        if all(len(of_dye) >= ENOUGH_CELLS for of_dye in found.values()):
            break
    return {
        role: float(np.median(of_dye)) if len(of_dye) >= FEW_CELLS else np.nan
        for role, of_dye in found.items()
    }


def _gated(sample: _Sample, fitted: PlateDyes, controls: Mapping[str, Sequence[str]]) -> dict[str, Dye]:
    """Every dye; those of the state with the threshold of the cells that another dye shows."""
    dyes = dict(fitted.dyes)
    gates = [
        _Gate(role, base, _Histograms(controls))
        for role in ("live", "dead")
        if role in dyes and (base := _shown_by(role, dyes))
    ]
    if not gates:
        return dyes
    for key, signals in sample.signals(dyes):
        cells = stained_cells(signals, fitted)
        means = {role: cells.mean(own.ravel()[cells.at]) for role, own in signals.items()}
        for gate in gates:
            gate.add(key, cell_signals(cells, signals[gate.role], fitted, gate.role), means[gate.base])
    return dyes | {gate.role: gate.applied(dyes[gate.role], fitted.settings) for gate in gates}


def _shown_by(role: str, dyes: Mapping[str, Dye]) -> str:
    """The dye that shows all cells, or all that the dye `role` should not stain; empty if none does.

    Of the dead cells a dead dye shows only those that it stains: the live dye then shows its cells itself.
    """
    shown = (other for other in ("total", "live") if other != role and other in dyes)
    return next((other for other in shown if dyes[other].threshold.holds), "")


class _Gate:
    """The signals of a dye in the cells that another one shows."""

    def __init__(self, role: str, base: str, histograms: _Histograms):
        self.role, self.base = role, base
        self._histograms = histograms
        self._signals: list[np.ndarray] = []
        self._bases: list[np.ndarray] = []

    def add(self, key: Key, signals: np.ndarray, bases: np.ndarray) -> None:
        """Count the cells of a field."""
        self._histograms.add(key, signals)
        self._signals.append(signals)
        self._bases.append(bases)

    def applied(self, dye: Dye, settings: DyeSettings) -> Dye:
        """The dye with the threshold of its cells, and what of the other dye bleeds through."""
        found, least = self._histograms, settings.sigmas * max(dye.sigma, QUANTIZED)
        threshold = choose_threshold(
            settings.threshold[self.role], found.plate, found.of_controls, least, of_cells=True
        )
        signals, bases = (np.concatenate([np.empty(0), *values]) for values in (self._signals, self._bases))
        without = (signals < threshold.counts) & (bases > 0)
        ratio = float(np.median(signals[without] / bases[without])) if without.any() else np.nan
        bright = float(np.quantile(bases[without], 0.95)) if without.any() else np.nan
        return replace(
            dye,
            threshold=threshold,
            histogram=found.plate,
            controls=found.of_controls,
            of_cells=True,
            bleed_through=ratio,
            bleed_reach=ratio * bright / threshold.counts,
        )
