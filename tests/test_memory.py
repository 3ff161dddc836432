"""The bytes of training, held against what NumPy allocates and what Keras keeps."""

import functools
import itertools
import tracemalloc

import numpy as np
import pytest

from lib import keras_check, memory, optimizers
from lib.paths import signature
from tests.rules import RULES

WIDTHS = (784, 32, 20, 10)
STATEFUL = [name for name, rule in RULES.items() if signature(rule)[0]]


def parts(rule, weights, steps=3):
    """The state a rule has really built after some steps, in arrays of its own."""
    random = np.random.default_rng(0)
    w, *state = random.normal(size=weights), *signature(rule)[0].values()
    for t in range(1, steps + 1):
        w, *state = rule(w, lambda w: random.normal(size=w.shape), t, *state)
    return state


def test_parameters_are_the_matrices_and_the_biases():
    arrays = [np.empty(shape) for n, k in itertools.pairwise(WIDTHS) for shape in [(n, k), k]]
    assert memory.parameters(WIDTHS) == sum(array.size for array in arrays) == 25990


def test_activations_are_the_outputs_of_the_layers():
    x, arrays = np.ones((7, 784)), []
    for n, k in itertools.pairwise(WIDTHS):
        x = x @ np.ones((n, k))
        arrays.append(x)
    assert memory.activations(WIDTHS, 7) == sum(array.size for array in arrays)
    assert memory.activations(WIDTHS) == 62


@pytest.mark.parametrize("name", RULES)
def test_state_has_the_names_of_the_signature(name):
    assert list(memory.state(RULES[name], 7)) == list(signature(RULES[name])[0])


@pytest.mark.parametrize("name", STATEFUL)
def test_state_is_what_the_rule_keeps(name):
    sizes = [np.size(part) for part in parts(RULES[name], 7)]
    assert list(memory.state(RULES[name], 7).values()) == sizes


@pytest.mark.parametrize("name", STATEFUL)
def test_state_is_what_numpy_allocates(name):
    weights = memory.parameters(WIDTHS)
    parts(RULES[name], 2)  # what a first call allocates once and for all
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = parts(RULES[name], weights)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept
    assert held == pytest.approx(8 * sum(memory.state(RULES[name], weights).values()), rel=0.02)


@pytest.mark.parametrize("name", keras_check.TWINS)
def test_state_is_what_keras_keeps(name):
    tf, twin = keras_check.tensorflow(), keras_check.TWINS[name]
    optimizer = getattr(tf.keras.optimizers, twin.keras)(**twin.arguments(twin.used))
    optimizer.build([tf.Variable(np.zeros(7))])
    extra = {"iteration", "learning_rate"}
    sizes = [int(np.prod(v.shape)) for v in optimizer.variables if v.name not in extra]
    assert sum(memory.state(RULES[name], 7).values()) == sum(sizes)


def test_a_state_of_ones_own_is_counted():
    def rule(w, gradient, t, velocity=0.0, scale=1.0, *, learning_rate):
        return w, velocity + gradient(w), scale

    given = functools.partial(rule, learning_rate=0.1)
    assert memory.state(given, 9) == {"velocity": 9, "scale": 1}
    assert memory.training(given, 9)["state"] == 40


@pytest.mark.parametrize(
    ("precision", "bytes_per_weight"),
    [(memory.FLOAT64, 32), (memory.FLOAT32, 16), (memory.MIXED, 16)],
)
def test_adam_takes_so_many_bytes_a_weight(precision, bytes_per_weight):
    taken = memory.training(optimizers.adam, 1000, precision=precision)
    assert sum(taken.values()) == 1000 * bytes_per_weight
    assert list(taken) == list(precision)


def test_every_part_has_its_own_size():
    sizes = {
        "weights": 1,
        "gradients": 10,
        "master copy": 100,
        "state": 1000,
        "activations": 10000,
    }
    taken = memory.training(optimizers.adadelta, 3, 5, sizes)
    assert list(taken.values()) == [3, 30, 300, 6000, 50000]
    assert sum(memory.training(optimizers.gradient_descent, 3, 5, sizes).values()) == 50333


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: memory.activations((3, 2), 0),
            "batch must be a whole number >= 1, got 0",
        ),
        (
            lambda: memory.activations((3, 2), True),
            "batch must be a whole number >= 1, got True",
        ),
        (lambda: memory.activations((3,)), "a network must have inputs and outputs"),
        (lambda: memory.state(optimizers.adam, 7e9), "weights must be a whole number"),
        (
            lambda: memory.training(optimizers.adam, 1, -1),
            "activations must be a whole number >= 0",
        ),
        (lambda: memory.training(optimizers.adam, 1, 0, {"states": 1}), "got states"),
    ],
)
def test_what_cannot_be_counted_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_what_is_no_rule_is_refused():
    with pytest.raises(TypeError, match="rule must be"):
        memory.state("adam", 7)
