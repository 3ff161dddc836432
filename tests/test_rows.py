"""Every rule has an oracle in tests/rows.py; here are those without TensorFlow (see test_keras_check.py)."""

import itertools

import numpy as np
import pytest

from lib import optimizers, surfaces, trace
from lib.keras_check import START, STEPS, gradient, run
from lib.paths import signature
from tests.rows import HAND, OTHERS, REFERENCES, ROWS, SIGNS
from tests.rules import RULES


def test_every_rule_has_a_row():
    assert set(ROWS) == set(RULES)


@pytest.mark.parametrize("name", REFERENCES)
def test_the_defaults_are_the_publications(name):
    assert signature(RULES[name])[1] == REFERENCES[name].__kwdefaults__


@pytest.mark.parametrize("name", REFERENCES)
def test_the_other_hyperparameters_are_all_others(name):
    defaults, others = REFERENCES[name].__kwdefaults__, OTHERS[REFERENCES[name]]
    assert defaults.keys() == others.keys()
    assert all(others[key] != defaults[key] for key in defaults)


@pytest.mark.parametrize("settings", ["defaults", "others"])
@pytest.mark.parametrize("name", REFERENCES)
def test_a_rule_follows_its_reference(name, settings):
    hyperparameters = OTHERS[REFERENCES[name]] if settings == "others" else {}
    path = run(RULES[name], **hyperparameters)["w"]
    for i, j in np.ndindex(2, 2):

        def one(w, t, i=i, j=j):
            return float(gradient(np.full((2, 2), w), t)[i, j])

        reference = REFERENCES[name](one, START[i, j], **hyperparameters)
        expected = [START[i, j], *itertools.islice(reference, STEPS)]
        np.testing.assert_allclose(path[:, i, j], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", HAND)
def test_rprop_by_hand(name):
    signs = iter(SIGNS)
    path = trace(
        RULES[name],
        lambda w: np.array([next(signs)]),
        (0.0,),
        len(SIGNS),
        initial_step_size=1.0,
        eta_plus=2.0,
        eta_minus=0.5,
        min_step_size=0.25,
        max_step_size=4.0,
    )
    assert path[1:, 0].tolist() == list(HAND[name])


@pytest.mark.parametrize("name", ["hand_bowl", "saddle", "beale", "himmelblau"])
def test_newton_solves_the_linear_system(name):
    surface = getattr(surfaces, name)
    w = np.array(surface.start)
    path = trace(
        optimizers.newton, surface.gradient, surface.start, 8, hessian=surface.hessian, learning_rate=0.75
    )
    for point in path:
        np.testing.assert_allclose(point, w, rtol=1e-9, atol=1e-12)
        w = w - 0.75 * np.linalg.solve(surface.hessian(w), surface.gradient(w))


def test_newton_on_one_weight():
    path = trace(
        optimizers.newton,
        lambda w: w**3 - 8.0,
        (1.0,),
        6,
        hessian=lambda w: np.array([3 * w**2]),
        learning_rate=1.0,
    )
    w = 1.0
    for (point,) in path:
        assert point == pytest.approx(w, abs=1e-12)
        w -= (w**3 - 8) / (3 * w**2)
