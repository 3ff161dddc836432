"""lib/schedules.py against tf.keras.optimizers.schedules, which counts from 0, and against values by hand."""

import inspect
import re

import numpy as np
import pytest

from lib import keras_check, optimizers, schedules, surfaces, trace
from lib.keras_check import keras_path, tensorflow

STEPS = 120
T = np.arange(1, STEPS + 1)

TWINS = [
    (schedules.step(0.5, 10), "ExponentialDecay", (0.5, 10, 0.5), {"staircase": True}),
    (schedules.step(0.1, 7, 0.9), "ExponentialDecay", (0.1, 7, 0.9), {"staircase": True}),
    (schedules.exponential(0.5, 10, 0.5), "ExponentialDecay", (0.5, 10, 0.5), {}),
    (schedules.exponential(0.1, 33, 0.96), "ExponentialDecay", (0.1, 33, 0.96), {}),
    (schedules.exponential(0.1, 33, 1.5), "ExponentialDecay", (0.1, 33, 1.5), {}),
    (schedules.inverse_time(0.5, 10, 0.5), "InverseTimeDecay", (0.5, 10, 0.5), {}),
    (schedules.inverse_time(0.1, 1, 2.0), "InverseTimeDecay", (0.1, 1, 2.0), {}),
    (schedules.polynomial(0.5, 50), "PolynomialDecay", (0.5, 50), {}),
    (
        schedules.polynomial(0.5, 50, 0.1, 2.0),
        "PolynomialDecay",
        (0.5, 50),
        {"end_learning_rate": 0.1, "power": 2.0},
    ),
    (
        schedules.polynomial(0.1, 200, 0.3, 0.5),
        "PolynomialDecay",
        (0.1, 200),
        {"end_learning_rate": 0.3, "power": 0.5},
    ),
    (schedules.cosine(0.5, 50), "CosineDecay", (0.5, 50), {}),
    (schedules.cosine(0.5, 50, 0.1), "CosineDecay", (0.5, 50), {"alpha": 0.1}),
    (schedules.cosine(0.1, 200, 0.5), "CosineDecay", (0.1, 200), {"alpha": 0.5}),
    (
        schedules.warmup(schedules.cosine(0.5, 50), 20),
        "CosineDecay",
        (0.0, 50),
        {"warmup_target": 0.5, "warmup_steps": 20},
    ),
    (
        schedules.warmup(schedules.cosine(0.1, 200, 0.5), 1),
        "CosineDecay",
        (0.0, 200),
        {"alpha": 0.5, "warmup_target": 0.1, "warmup_steps": 1},
    ),
]


def ids(value):
    return value if isinstance(value, str) else repr(value) if isinstance(value, tuple | dict) else ""


@pytest.mark.parametrize("schedule, keras, arguments, others", TWINS, ids=ids)
def test_a_schedule_equals_its_twin(schedule, keras, arguments, others):
    twin = getattr(tensorflow().keras.optimizers.schedules, keras)(*arguments, **others)
    expected = [float(twin(t - 1)) for t in T]
    np.testing.assert_allclose([schedule(int(t)) for t in T], expected, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize("schedule", [row[0] for row in TWINS] + [schedules.constant(0.3)])
def test_a_schedule_takes_arrays_of_steps(schedule):
    one_by_one = [float(schedule(int(t))) for t in T]
    np.testing.assert_allclose(schedule(T), one_by_one, rtol=1e-15)
    np.testing.assert_array_equal(schedule(T.reshape(4, -1)), schedule(T).reshape(4, -1))


@pytest.mark.parametrize(
    "schedule, expected",
    [
        (schedules.constant(0.3), {1: 0.3, 1000: 0.3}),
        (schedules.step(0.8, 10), {1: 0.8, 10: 0.8, 11: 0.4, 20: 0.4, 21: 0.2}),
        (schedules.exponential(0.8, 10, 0.25), {1: 0.8, 6: 0.4, 11: 0.2, 21: 0.05}),
        (schedules.inverse_time(0.8, 10, 1.0), {1: 0.8, 11: 0.4, 31: 0.2}),
        (schedules.polynomial(0.8, 10, 0.2), {1: 0.8, 6: 0.5, 11: 0.2, 12: 0.2, 99: 0.2}),
        (schedules.polynomial(0.8, 10, 0.0, 2.0), {1: 0.8, 6: 0.2, 11: 0.0, 99: 0.0}),
        (schedules.cosine(0.8, 10), {1: 0.8, 6: 0.4, 11: 0.0, 99: 0.0}),
        (schedules.cosine(0.8, 10, 0.25), {1: 0.8, 6: 0.5, 11: 0.2, 99: 0.2}),
        (schedules.warmup(schedules.constant(0.8), 4), {1: 0.0, 2: 0.2, 4: 0.6, 5: 0.8, 6: 0.8}),
        (schedules.warmup(schedules.step(0.8, 10), 4), {1: 0.0, 3: 0.4, 5: 0.8, 14: 0.8, 15: 0.4}),
    ],
    ids=[
        "constant",
        "step",
        "exponential",
        "inverse time",
        "line",
        "power",
        "cosine",
        "alpha",
        "warmup",
        "both",
    ],
)
def test_a_schedule_by_hand(schedule, expected):
    assert {t: float(schedule(t)) for t in expected} == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "adam"])
def test_a_rule_with_a_schedule_equals_keras_with_its_twin(name):
    rule, twin, ravine = getattr(optimizers, name), keras_check.TWINS[name], surfaces.ravine
    decay = tensorflow().keras.optimizers.schedules.ExponentialDecay(0.25, 8, 0.5)
    settings = {**twin.used, "learning_rate": decay}
    expected = keras_path(twin.keras, lambda w, t: ravine.gradient(w), ravine.start, STEPS, **settings)

    settings["learning_rate"] = schedules.exponential(0.25, 8, 0.5)
    path = trace(rule, ravine.gradient, ravine.start, STEPS, **settings)
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-4)

    settings["learning_rate"] = 0.25
    path = trace(rule, ravine.gradient, ravine.start, STEPS, **settings)
    assert np.abs(path - expected).max() > 0.1


FACTORIES = {
    "constant": {"learning_rate": 0.1},
    "step": {"learning_rate": 0.1, "drop_steps": 10, "drop_rate": 0.5},
    "exponential": {"learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "inverse_time": {"learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "polynomial": {"learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.01, "power": 2.0},
    "cosine": {"learning_rate": 0.1, "decay_steps": 10, "alpha": 0.1},
    "warmup": {"schedule": schedules.constant(0.1), "warmup_steps": 10},
}


def test_every_factory_is_tested():
    factories = {name for name, f in vars(schedules).items() if callable(f) and not name.startswith("_")}
    assert factories == set(FACTORIES)
    for name, arguments in FACTORIES.items():
        assert list(inspect.signature(getattr(schedules, name)).parameters) == list(arguments)


@pytest.mark.parametrize("value", [-0.1, np.inf, np.nan])
@pytest.mark.parametrize(
    "name, argument",
    [(name, argument) for name in FACTORIES for argument in FACTORIES[name] if argument != "schedule"],
)
def test_a_number_that_makes_no_schedule_is_refused_by_name(name, argument, value):
    low = 1 if argument.endswith("_steps") else 0
    message = f"^{argument} must be a finite number >= {low}, got {re.escape(repr(value))}$"
    with pytest.raises(ValueError, match=message):
        getattr(schedules, name)(**{**FACTORIES[name], argument: value})


@pytest.mark.parametrize(
    "name, argument",
    [(name, argument) for name in FACTORIES for argument in FACTORIES[name] if argument.endswith("_steps")],
)
def test_no_steps_are_refused(name, argument):
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        getattr(schedules, name)(**{**FACTORIES[name], argument: 0})


@pytest.mark.parametrize("number", [np.float32, np.int64, np.float64])
def test_a_number_of_numpy_is_a_number(number):
    assert schedules.inverse_time(number(2), number(4), number(1))(5) == 1.0


def test_what_is_no_number_or_no_schedule_is_refused_by_name():
    with pytest.raises(TypeError, match=r"^learning_rate must be a number, got '0\.1'$"):
        schedules.constant("0.1")
    with pytest.raises(TypeError, match=r"^schedule must be a function of t, got 0\.1$"):
        schedules.warmup(0.1, 10)
