from __future__ import annotations

import numpy as np
import pytest
from fits.fitting import FitError, fit
from fits.models import MODELS

TRUTHS = {"line": [2.0, -0.5], "decay": [3.0, 1.5, 0.25], "peak": [4.0, 2.5, 0.6, 1.0]}


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_found_within_their_errors(name: str) -> None:
    model, truth = MODELS[name], np.array(TRUTHS[name])
    x = np.linspace(0.0, 5.0, 400)
    sigma = np.full_like(x, 0.05)
    y = model.value(x, truth) + np.random.default_rng(7).normal(scale=sigma)
    found = fit(model, x, y, sigma)
    for parameter, value in zip(model.names, truth, strict=True):
        assert abs(found.parameters[parameter] - value) < 5 * found.errors[parameter]
    assert found.chi_square == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize("name", MODELS)
def test_the_jacobian_is_the_curves_own(name: str) -> None:
    model, at = MODELS[name], np.array(TRUTHS[name])
    x = np.linspace(0.1, 4.0, 9)
    for column, step in enumerate(np.eye(len(at)) * 1e-6):
        numeric = (model.value(x, at + step) - model.value(x, at - step)) / 2e-6
        assert model.jacobian(x, at)[:, column] == pytest.approx(numeric, rel=1e-5, abs=1e-7)


def test_too_few_measurements_are_refused() -> None:
    with pytest.raises(FitError, match="3 parameters need 4"):
        fit(MODELS["decay"], np.arange(3.0), np.arange(3.0))


def test_measurements_at_one_place_say_nothing_about_a_slope() -> None:
    with pytest.raises(FitError, match="nothing about"):
        fit(MODELS["line"], np.zeros(5), np.arange(5.0))
