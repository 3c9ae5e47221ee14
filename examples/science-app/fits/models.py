"""The models that measurements can be fitted with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A curve with parameters."""

    names: tuple[str, ...]
    """What its parameters are called, in the order of `value`."""
    value: Callable[[Array, Array], Array]
    """The curve at `x`, for parameters."""
    jacobian: Callable[[Array, Array], Array]
    """Its derivatives by the parameters: a column each."""
    guess: Callable[[Array, Array], Array]
    """Where a fit of `x` and `y` begins."""


def _line(x: Array, p: Array) -> Array:
    return p[0] + p[1] * x


def _line_jacobian(x: Array, _p: Array) -> Array:
    return np.column_stack([np.ones_like(x), x])


def _line_guess(x: Array, y: Array) -> Array:
    return np.array([float(y.mean()), 0.0])


def _decay(x: Array, p: Array) -> Array:
    return p[0] * np.exp(-p[1] * x) + p[2]


def _decay_jacobian(x: Array, p: Array) -> Array:
    fallen = np.exp(-p[1] * x)
    return np.column_stack([fallen, -p[0] * x * fallen, np.ones_like(x)])


def _decay_guess(x: Array, y: Array) -> Array:
    first, last = y[np.argmin(x)], y[np.argmax(x)]
    return np.array([float(first - last), 2.0 / max(float(np.ptp(x)), 1e-12), float(last)])


def _peak(x: Array, p: Array) -> Array:
    return p[0] * np.exp(-0.5 * ((x - p[1]) / p[2]) ** 2) + p[3]


def _peak_jacobian(x: Array, p: Array) -> Array:
    from_centre = (x - p[1]) / p[2]
    bell = np.exp(-0.5 * from_centre**2)
    slope = p[0] * bell * from_centre / p[2]
    return np.column_stack([bell, slope, slope * from_centre, np.ones_like(x)])


def _peak_guess(x: Array, y: Array) -> Array:
    floor = float(np.median(y))
    top = int(np.argmax(y))
    width = max(float(np.ptp(x)) / 8.0, 1e-12)
    return np.array([float(y[top]) - floor, float(x[top]), width, floor])


MODELS = {
    "line": Model(
        names=("offset", "slope"), value=_line, jacobian=_line_jacobian, guess=_line_guess
    ),
    "decay": Model(
        names=("amplitude", "rate", "background"),
        value=_decay,
        jacobian=_decay_jacobian,
        guess=_decay_guess,
    ),
    "peak": Model(
        names=("height", "centre", "width", "background"),
        value=_peak,
        jacobian=_peak_jacobian,
        guess=_peak_guess,
    ),
}
