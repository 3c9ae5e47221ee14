"""Least squares by Levenberg and Marquardt, with the errors of what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fits.models import Array, Model

_STEPS = 200
_CLOSE = 1e-10


class FitError(ValueError):
    """These measurements can't be fitted with this model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was found."""

    parameters: dict[str, float]
    errors: dict[str, float]
    """Standard errors, from the covariance."""
    chi_square: float
    """Reduced: by the degrees of freedom. About 1 where model and errors are right."""
    steps: int


def fit(model: Model, x: Array, y: Array, sigma: Array | None = None) -> Fit:
    """Fit a model to measurements.

    Args:
        model: The curve.
        x: Where it was measured.
        y: What was measured.
        sigma: The measurements' own errors; the same unknown one for all when absent.

    Raises:
        FitError: There are too few measurements, or they say nothing about a parameter.
    """
    free = len(y) - len(model.names)
    if free < 1:
        raise FitError(f"{len(model.names)} parameters need {len(model.names) + 1} measurements")
    weight = np.ones_like(y) if sigma is None else 1.0 / sigma
    at, damping = model.guess(x, y), 1e-3
    left = weight * (y - model.value(x, at))
    cost, steps = float(left @ left), 0
    while steps < _STEPS:
        steps += 1
        slope = weight[:, None] * model.jacobian(x, at)
        normal = slope.T @ slope
        scale = np.diag(np.maximum(np.diag(normal), 1e-12))
        step = np.linalg.solve(normal + damping * scale, slope.T @ left)
        with np.errstate(over="ignore", invalid="ignore"):
            tried = weight * (y - model.value(x, at + step))
            its_cost = float(tried @ tried)
        if not its_cost < cost:
            if damping > 1e12:
                break
            damping *= 4.0
            continue
        gain = cost - its_cost
        at, left, cost, damping = at + step, tried, its_cost, damping / 9.0
        if gain <= _CLOSE * (cost + _CLOSE):
            break
    slope = weight[:, None] * model.jacobian(x, at)
    try:
        covariance = np.linalg.inv(slope.T @ slope)
    except np.linalg.LinAlgError as error:
        raise FitError("the measurements say nothing about one of the parameters") from error
    chi_square = cost / free
    spread = np.diag(covariance) * (chi_square if sigma is None else 1.0)
    if not (np.all(np.isfinite(at)) and np.all(spread >= 0)):
        raise FitError("no curve of this model is near the measurements")
    return Fit(
        parameters=dict(zip(model.names, at.tolist(), strict=True)),
        errors=dict(zip(model.names, np.sqrt(spread).tolist(), strict=True)),
        chi_square=chi_square,
        steps=steps,
    )
