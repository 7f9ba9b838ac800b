"""Dose-response from counts: a four-parameter logistic curve with binomial errors.

``p(dose) = bottom + (top - bottom) / (1 + (dose / ic50)^slope)``, the share alive; dose 0 is the
control, where p is `top`. Cells of one well are not independent, so the errors are quasi-binomial:
their variance is the binomial one times a dispersion estimated from the wells. The interval of the
IC50 is that of the profile likelihood, which, unlike estimate ± 2 standard errors, may be asymmetric
and open-ended.

References
----------
Finney (1971), Probit Analysis; McCullagh & Nelder (1989), Generalized Linear Models, section 4.5
(dispersion); Venzon & Moolgavkar (1988), Appl. Stat. 37:87, https://doi.org/10.2307/2347496
(profile likelihood).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit, xlogy
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

ESTIMATED = "estimated"
ABOVE = "above top dose"
BELOW = "below lowest dose"
UNDETERMINED = "under-determined"

_REACH = np.log(1000)
"""The IC50 is searched from 1/1000 of the lowest to 1000 times the top dose."""

_LIMITS = np.array([[-7.0, 12.0], [-12.0, 7.0], [np.log(0.1), np.log(20.0)]])
"""Of logit(top), logit(bottom / top) and log(slope): top 0.001 to 1, slope 0.1 to 20."""


@dataclass(frozen=True)
class Curve:
    """A fitted curve.

    Attributes
    ----------
    verdict : str
        `ESTIMATED`; `ABOVE` or `BELOW` the tested doses; or `UNDETERMINED`, if the interval
        extends beyond them or there are too few doses for the parameters.
    ic50, ic50_low, ic50_high : float
        Dose half-way between top and bottom, and its interval, in the unit of the doses; NaN
        where unknown: an IC50 above the top dose has at most a lower end.
    slope, top, bottom : float
        Hill slope, viability without agent and at an infinite dose.
    dispersion : float
        Variance of wells relative to the binomial one, at least 1.
    n_wells, n_doses : int
        Wells that were used, and distinct doses above 0 among them.
    """

    verdict: str
    ic50: float = np.nan
    ic50_low: float = np.nan
    ic50_high: float = np.nan
    slope: float = np.nan
    top: float = np.nan
    bottom: float = np.nan
    dispersion: float = np.nan
    n_wells: int = 0
    n_doses: int = 0


def logistic(dose: np.ndarray, ic50: float, slope: float, top: float, bottom: float) -> np.ndarray:
    """Viability at doses by the curve.

    Examples
    --------
    >>> logistic(np.array([0, 2, 1e9]), ic50=2, slope=1, top=0.9, bottom=0.1).round(3).tolist()
    [0.9, 0.5, 0.1]
    """
    return bottom + (top - bottom) / (1 + (dose / ic50) ** slope)


def fit_curve(
    dose: np.ndarray,
    n_live: np.ndarray,
    n_decided: np.ndarray,
    *,
    top: float | None = None,
    bottom: float | None = None,
    level: float = 0.95,
) -> Curve:
    """Fit the curve to the wells of one agent and their controls.

    Parameters
    ----------
    dose : ndarray, (n_wells,)
        In any unit; 0 is the control.
    n_live, n_decided : ndarray, (n_wells,)
        Live cells, and live plus dead cells. Wells without any are left out.
    top, bottom : float, optional
        Fixes an asymptote; if not given, it is fitted.
    level : float
        Of the interval.

    Examples
    --------
    Viabilities of 0.05 + 0.9 / (1 + dose / 2), which is an IC50 of 2:

    >>> dose = np.repeat([0, 0.1, 1, 10, 100], 2)
    >>> n_live = np.repeat([950, 907, 650, 200, 68], 2)
    >>> curve = fit_curve(dose, n_live, np.full(10, 1000))
    >>> curve.verdict, round(curve.ic50, 2), round(curve.slope, 2)
    ('estimated', 2.0, 1.0)
    """
    used = n_decided > 0
    dose, n_live, n_decided = (np.asarray(values, float)[used] for values in (dose, n_live, n_decided))
    doses, of = np.unique(dose, return_inverse=True)
    positive = doses[doses > 0]
    unknown = Curve(UNDETERMINED, n_wells=int(used.sum()), n_doses=len(positive))
    n_parameters = 4 - (top is not None) - (bottom is not None)
    freedom = len(dose) - n_parameters
    if len(doses) < n_parameters or len(positive) < 2 or freedom < 1:
        return unknown
    # The likelihood needs only the sums of each dose; the dispersion needs the wells.
    likelihood = _Likelihood(doses, np.bincount(of, n_live), np.bincount(of, n_decided), top, bottom)
    log_ic50, least, parameters = likelihood.maximum()
    shares = likelihood.shares(np.array([log_ic50]), parameters[None])[0][of]
    pearson = ((n_live - n_decided * shares) ** 2 / (n_decided * shares * (1 - shares))).sum()
    dispersion = max(1.0, float(pearson) / freedom)
    fitted = replace(_shaped(unknown, parameters), dispersion=dispersion)
    surplus = (likelihood.flat_deviance() - least) / (n_parameters - 1) / dispersion
    if surplus <= f_distribution.ppf(level, n_parameters - 1, freedom):
        # No dose has an effect beyond chance. If most cells live, the IC50 is not reached.
        alive = n_live.sum() / n_decided.sum() > 0.5
        return replace(fitted, verdict=ABOVE if alive else UNDETERMINED)
    allowed = least + dispersion * t_distribution.ppf(0.5 + level / 2, freedom) ** 2
    low, high = likelihood.interval(log_ic50, allowed)
    return _with_ic50(fitted, np.log(positive), log_ic50, low, high)


def _shaped(curve: Curve, parameters: np.ndarray) -> Curve:
    """The curve with slope and asymptotes from the parameters of `_Likelihood`."""
    top, ratio = expit(parameters[0]), expit(parameters[1])
    return replace(curve, slope=float(np.exp(parameters[2])), top=float(top), bottom=float(top * ratio))


def _with_ic50(curve: Curve, log_doses: np.ndarray, log_ic50: float, low: float, high: float) -> Curve:
    """The curve with as much of its IC50 and of the interval (all logarithms) as the doses show."""
    if log_ic50 > log_doses[-1]:
        return replace(curve, verdict=ABOVE, ic50_low=float(np.exp(low)))
    if log_ic50 < log_doses[0]:
        return replace(curve, verdict=BELOW, ic50_high=float(np.exp(high)))
    within = log_doses[0] <= low and high <= log_doses[-1]
    return replace(
        curve,
        verdict=ESTIMATED if within else UNDETERMINED,
        ic50=float(np.exp(log_ic50)),
        ic50_low=float(np.exp(low)),
        ic50_high=float(np.exp(high)),
    )


class _Likelihood:
    """The profile likelihood of log IC50, from counts summed by dose.

    For each log IC50 the three other parameters are fitted: logit(top), logit(bottom / top) and
    log(slope), within `_LIMITS`.

    Parameters
    ----------
    doses : ndarray, (n_doses,)
        Distinct, increasing; 0 is the control.
    n_live, n_decided : ndarray, (n_doses,)
    top, bottom : float, optional
        As in `fit_curve`.
    """

    def __init__(
        self,
        doses: np.ndarray,
        n_live: np.ndarray,
        n_decided: np.ndarray,
        top: float | None,
        bottom: float | None,
    ):
        with np.errstate(divide="ignore"):
            self.log_dose = np.log(doses)
        self.n_live, self.n = n_live, n_decided
        share = (n_live + 0.5) / (n_decided + 1)
        high = share.max() if top is None else np.clip(top, 1e-3, 1 - 1e-9)
        low = share.min() if bottom is None else bottom
        ratio = np.clip(low / high, 1e-9, 1 - 1e-3)
        self.start = np.array([logit(high), logit(ratio), 0.0])
        self.free = np.array([top is None, bottom is None, True])
        # With the top free, a fixed bottom is a fixed share of it; exact where the bottom is 0.
        self.limits = np.where(self.free[:, None], _LIMITS, self.start[:, None])
        tested = self.log_dose[doses > 0]
        self.grid = np.linspace(tested[0] - _REACH, tested[-1] + _REACH, 73)
        self.on_grid, _ = self.profile(self.grid)

    def maximum(self) -> tuple[float, float, np.ndarray]:
        """The most likely log IC50, the deviance there, and the parameters, (3,)."""
        best = int(self.on_grid.argmin())
        fine = np.linspace(self.grid[max(best - 1, 0)], self.grid[min(best + 1, len(self.grid) - 1)], 33)
        log_ic50 = _vertex(fine, self.profile(fine)[0])
        least, parameters = self.profile(np.array([log_ic50]))
        return log_ic50, least[0], parameters[0]

    def interval(self, log_ic50: float, allowed: float) -> tuple[float, float]:
        """Where the profile first exceeds the `allowed` deviance, down and up; NaN where nowhere."""
        below, above = self.grid < log_ic50, self.grid > log_ic50
        return (
            self._crossing(log_ic50, self.grid[below][::-1], self.on_grid[below][::-1], allowed),
            self._crossing(log_ic50, self.grid[above], self.on_grid[above], allowed),
        )

    def _crossing(self, centre: float, outwards: np.ndarray, deviance: np.ndarray, allowed: float) -> float:
        """Where the profile first exceeds `allowed` on the way outwards from `centre`."""
        beyond = np.flatnonzero(deviance > allowed)
        if not beyond.size:
            return np.nan
        inner = centre if beyond[0] == 0 else outwards[beyond[0] - 1]
        finer = np.linspace(inner, outwards[beyond[0]], 17)
        found = self.profile(finer)[0]
        k = max(1, int(np.flatnonzero(found > allowed)[0]))
        part = (allowed - found[k - 1]) / (found[k] - found[k - 1])
        return float(finer[k - 1] + np.clip(part, 0, 1) * (finer[k] - finer[k - 1]))

    def shares(self, log_ic50: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """Viability at each dose, (K, n_doses), of K curves."""
        return self._shares(log_ic50, parameters)[0]

    def _shares(self, log_ic50: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same, and its derivatives with respect to the parameters, (K, n_doses, 3)."""
        top, ratio = expit(parameters[:, :1]), expit(parameters[:, 1:2])
        steps = np.exp(parameters[:, 2:]) * (self.log_dose - log_ic50[:, None])
        fall = expit(-steps)
        share = np.clip(top * (ratio + (1 - ratio) * fall), 1e-12, 1 - 1e-12)
        bend = np.where(np.isinf(steps), 0, fall * (1 - fall) * np.where(np.isinf(steps), 0, steps))
        slopes = (
            share * (1 - top),
            top * (1 - fall) * ratio * (1 - ratio),
            -top * (1 - ratio) * bend,
        )
        return share, np.stack(slopes, axis=-1) * self.free

    def deviance(self, shares: np.ndarray) -> np.ndarray:
        """Twice the log likelihood ratio of a perfect fit to these shares, over the last axis."""
        dead = self.n - self.n_live
        perfect = xlogy(self.n_live, self.n_live / self.n) + xlogy(dead, dead / self.n)
        return 2 * (perfect - xlogy(self.n_live, shares) - xlogy(dead, 1 - shares)).sum(-1)

    def flat_deviance(self) -> float:
        """Deviance of one viability at all doses."""
        return float(self.deviance(np.full(len(self.n), self.n_live.sum() / self.n.sum())))

    def profile(self, log_ic50: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least deviance for each given log IC50, (K,), and the parameters there, (K, 3).

        All K fits run at once, by Fisher scoring with Levenberg's damping, from a flat and from a
        steep curve; the better of both is taken.
        """
        fits = [self._scored(log_ic50, np.log(slope)) for slope in (1.0, 5.0)]
        better = fits[1][0] < fits[0][0]
        return (
            np.where(better, fits[1][0], fits[0][0]),
            np.where(better[:, None], fits[1][1], fits[0][1]),
        )

    def _scored(self, log_ic50: np.ndarray, log_slope: float) -> tuple[np.ndarray, np.ndarray]:
        """`profile` from one starting slope (McCullagh & Nelder 1989, section 2.5; Levenberg 1944)."""
        parameters = np.tile(self.start, (len(log_ic50), 1))
        parameters[:, 2] = log_slope
        share, slopes = self._shares(log_ic50, parameters)
        deviance = self.deviance(share)
        damping = np.full(len(log_ic50), 1e-2)
        for _ in range(60):
            weight = self.n / (share * (1 - share))
            score = np.einsum("kdp,kd->kp", slopes, weight * (self.n_live / self.n - share))
            information = np.einsum("kdp,kd,kdq->kpq", slopes, weight, slopes)
            # The small constant keeps directions without information in place.
            ridge = damping[:, None] * np.einsum("kpp->kp", information) + 1e-9
            step = np.linalg.solve(information + ridge[:, :, None] * np.eye(3), score[:, :, None])[:, :, 0]
            trial = np.clip(parameters + np.clip(step, -2, 2), *self.limits.T)
            if (np.abs(score * (trial - parameters)).sum(-1) < 1e-6).all():
                break
            trial_share, trial_slopes = self._shares(log_ic50, trial)
            trial_deviance = self.deviance(trial_share)
            better = trial_deviance < deviance
            parameters = np.where(better[:, None], trial, parameters)
            share = np.where(better[:, None], trial_share, share)
            slopes = np.where(better[:, None, None], trial_slopes, slopes)
            deviance = np.where(better, trial_deviance, deviance)
            damping = np.clip(np.where(better, damping / 5, damping * 8), 1e-9, 1e9)
        return deviance, parameters


def _vertex(x: np.ndarray, y: np.ndarray) -> float:
    """The minimum of the parabola through the lowest of evenly spaced points and its neighbours."""
    k = int(np.clip(y.argmin(), 1, len(x) - 2))
    left, middle, right = y[k - 1 : k + 2]
    bend = left - 2 * middle + right
    shift = np.clip(0.5 * (left - right) / bend, -1, 1) if bend > 0 else 0.0
    return float(x[k] + shift * (x[1] - x[0]))
