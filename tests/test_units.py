"""lib/units.py: the units it infers, what it refuses, and that paths agree with both."""

import functools

import numpy as np
import pint
import pytest

from lib import optimizers, surfaces, trace
from lib.averages import ewma
from lib.paths import FUNCTIONS, signature
from lib.units import DimensionError, infer, quantity
from tests.rules import RULES

G, G2 = "EUR/m", "EUR²/m²"  # of a gradient, and of its square
HYPERPARAMETERS = {
    "gradient_descent": {"learning_rate": "m²/EUR"},
    "momentum": {"learning_rate": "m²/EUR", "momentum": "1"},
    "nesterov": {"learning_rate": "m²/EUR", "momentum": "1"},
    "rprop": dict.fromkeys(("initial_step_size", "min_step_size", "max_step_size"), "m"),
    "adagrad": {"learning_rate": "m", "initial_accumulator_value": G2, "epsilon": G2},
    "adagrad_outside": {
        "learning_rate": "m",
        "initial_accumulator_value": G2,
        "epsilon": G,
    },
    "rmsprop": {"learning_rate": "m", "rho": "1", "epsilon": G2},
    "rmsprop_outside": {"learning_rate": "m", "rho": "1", "epsilon": G},
    "adadelta": {"learning_rate": "m²/EUR", "rho": "1", "epsilon": G2},
    "adam": {"learning_rate": "m", "beta_1": "1", "beta_2": "1", "epsilon": G},
    "adam_inside": {"learning_rate": "m", "beta_1": "1", "beta_2": "1", "epsilon": G2},
    "nadam": {"learning_rate": "m", "beta_1": "1", "beta_2": "1", "epsilon": G},
    "newton": {"learning_rate": "1"},
}
STATE = {
    "momentum": {"velocity": "m"},
    "momentum_averaged": {"average": G},
    "momentum_accumulated": {"accumulated": G},
    "nesterov": {"velocity": "m"},
    "rprop_backtracking": {"last_step": "m"},
    "rmsprop_centered": {"v": G2, "m": G},
    "rmsprop_momentum": {"v": G2, "velocity": "m"},
    "adam": {"m": G, "v": G2},
    "nadam": {"m": G, "v": G2, "product": "1"},
}
SOUND = sorted(RULES.keys() - {"adadelta_zeiler"})  # those that some units make right


def refusal(rule, **given):
    with pytest.raises(DimensionError) as error:
        infer(rule, **given)
    return str(error.value)


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_the_units_of_the_hyperparameters(name):
    units = infer(RULES[name])
    assert HYPERPARAMETERS[name].items() <= units.items()


@pytest.mark.parametrize("name", STATE)
def test_the_units_of_the_state(name):
    assert STATE[name].items() <= infer(RULES[name]).items()


@pytest.mark.parametrize("name", SOUND)
def test_every_number_gets_a_unit_and_keeps_it(name):
    state, hyperparameters = signature(RULES[name])
    units = infer(RULES[name])
    expected = [key for key, start in state.items() if start is not None]
    expected += [key for key in hyperparameters if key not in FUNCTIONS]
    assert list(units) == expected
    known = {key: unit for key, unit in units.items() if "unit_of" not in unit}
    assert infer(RULES[name], **known) == units


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("gradient_descent", "EUR/m"),
        ("momentum", "EUR/m"),
        ("nesterov", "EUR/m"),
        ("adagrad", "1"),
        ("rmsprop", "1"),
        ("adam", "1"),
        ("nadam", "1"),
        ("adadelta", "EUR/m"),
    ],
)
def test_a_plain_number_is_no_learning_rate(name, step):
    assert refusal(RULES[name], learning_rate=0.1) == f"{name} adds m and {step}"


def test_newton_needs_no_units():
    assert infer(optimizers.newton, learning_rate=1.0) == {}


def test_adadelta_passes_without_epsilon_and_no_unit_of_epsilon_saves_it():
    state = {"accumulator": G2, "delta_accumulator": "m²"}
    assert infer(optimizers.adadelta_zeiler, epsilon=0.0) == {**state, "rho": "1"}
    adadelta = infer(optimizers.adadelta, epsilon=0.0, learning_rate=1.0)
    assert adadelta == {**state, "rho": "1"}
    assert refusal(optimizers.adadelta_zeiler).endswith("adds m and EUR/m")
    assert refusal(optimizers.adadelta_zeiler, epsilon="m²").endswith("adds EUR²/m² and m²")
    assert refusal(optimizers.adadelta_zeiler, epsilon=1e-6).endswith("adds EUR²/m² and 1")


def test_the_loss_decides():
    assert refusal(optimizers.adadelta_zeiler, loss="1").endswith("adds m and 1/m")
    assert infer(optimizers.adadelta_zeiler, loss="m²")["epsilon"] == "m²"
    assert infer(optimizers.gradient_descent, loss="1") == {"learning_rate": "m²"}
    assert infer(optimizers.adam, loss="1")["learning_rate"] == "m"


def test_a_rule_of_ones_own():
    def two(w, gradient, t, g2=0.0, step2=0.0, *, rho=0.9, low=1e-6, high=1e-6):
        g = gradient(w)
        g2 = ewma(g2, g * g, rho)
        step = np.sqrt(step2 + high) / np.sqrt(g2 + low) * g
        return w - step, g2, ewma(step2, step * step, rho)

    units = {"g2": G2, "step2": "m²", "rho": "1", "low": G2, "high": "m²"}
    assert infer(two) == units
    assert infer(functools.partial(optimizers.rmsprop, rho=0.9))["learning_rate"] == "m"

    def plain(w, gradient, t, *, rate):
        return w - rate * gradient(w)

    assert infer(plain) == {"rate": "m²/EUR"}

    def nonsense(w, gradient, t, *, rate=0.1):
        return (w + w * w - rate * gradient(w),)

    assert refusal(nonsense).endswith("nonsense adds m and m²")


def test_wrong_names_and_rules():
    with pytest.raises(TypeError, match="adam has no number rho; it has: m, v, learning"):
        infer(optimizers.adam, rho=0.9)
    with pytest.raises(TypeError, match="rule must be"):
        infer(surfaces.ravine)
    with pytest.raises(pint.UndefinedUnitError):
        infer(optimizers.adam, epsilon="dollar")


def test_quantities():
    assert quantity(3.0, "ft") + 0 == quantity(3.0, "ft")
    assert quantity(3.0, "ft").m_as("m") == pytest.approx(0.9144)
    assert quantity(2.0, "EUR/km").m_as("ct/m") == pytest.approx(0.2)
    with pytest.raises(TypeError):
        quantity(1.0, "m") + 1
    with pytest.raises(pint.DimensionalityError):
        quantity(1.0, "m") + quantity(0.0, "EUR")


def paths_in_two_systems(name, convert):
    """The path in the ravine, and the one in feet and cents, back in meters.

    `convert` says in which unit a hyperparameter is converted, given its name.
    """
    foot, cent = 1 / 0.3048, 100.0
    _, given = signature(RULES[name])
    given = {key: value for key, value in given.items() if key not in FUNCTIONS}
    other = {}
    for key, value in given.items():
        unit = convert(key)
        new = unit.replace("m", "ft").replace("EUR", "ct")
        other[key] = quantity(value, unit).m_as(new)
    if name == "newton":
        given["hessian"] = surfaces.ravine.hessian
        other["hessian"] = lambda w: cent / foot**2 * surfaces.ravine.hessian(w / foot)
    start = np.array(surfaces.ravine.start)

    def gradient(w):
        return cent / foot * surfaces.ravine.gradient(w / foot)

    here = trace(RULES[name], surfaces.ravine.gradient, start, 50, **given)
    there = trace(RULES[name], gradient, foot * start, 50, **other)
    return here, there / foot


@pytest.mark.parametrize("name", SOUND)
def test_hyperparameters_converted_by_their_units_give_the_same_path(name):
    here, there = paths_in_two_systems(name, infer(RULES[name]).get)
    np.testing.assert_allclose(there, here, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"newton"}))
def test_plain_numbers_give_another_path(name):
    here, there = paths_in_two_systems(name, lambda key: "1")
    assert not np.allclose(there, here, rtol=1e-6)


def test_newtons_path_knows_no_units():
    here, there = paths_in_two_systems("newton", lambda key: "1")
    np.testing.assert_allclose(there, here, rtol=1e-12)
