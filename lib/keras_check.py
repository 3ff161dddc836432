"""The check against Keras: a rule of `lib.optimizers` beside its twin in `tf.keras.optimizers`.

Both start at the same point and are given the same gradients; what counts is the largest difference between
their weights over the whole path. Each rule is held against its twin twice:

as used             float32, Keras's usual precision, with customary hyperparameters
to the last bits    float64, with hyperparameters that float32 holds exactly, as Keras rounds them to it: what
                    is left is rounding, so that another formula, however close, is told apart. The large
                    epsilon shows where epsilon stands.

TensorFlow is loaded by the first check, silently.
"""

import contextlib
import functools
import itertools
import os
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib import optimizers, surfaces
from lib.network import batches
from lib.paths import history

STEPS = 1000
START = np.array([[0.1, 0.0], [3.5, 0.0]])


class Twin(NamedTuple):
    """What a rule is held against: a class of `tf.keras.optimizers`, and with which hyperparameters.

    `arguments` turns the rule's hyperparameters into those of Keras, `weights` the rule's history (and its
    hyperparameters) into the weights that Keras has; `note` says so in words.
    """

    keras: str
    used: dict
    exact: dict
    arguments: Callable = dict
    weights: Callable = lambda record, hyperparameters: record["w"]
    exact_tolerance: float = 1e-12
    note: str = ""


class Row(NamedTuple):
    """One comparison: the kind of row, the precision, the rule's hyperparameters, and what is tolerated."""

    kind: str
    precision: str
    hyperparameters: dict
    tolerance: float


USED_MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9}
EXACT_MOMENTUM = {"learning_rate": 2**-4, "momentum": 7 / 8}
USED_RMSPROP = {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}
EXACT_RMSPROP = {"learning_rate": 2**-6, "rho": 7 / 8, "epsilon": 2**-7}
USED_ADAM = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
EXACT_ADAM = {
    "learning_rate": 2**-4,
    "beta_1": 7 / 8,
    "beta_2": 1 - 2**-10,
    "epsilon": 2**-7,
}

TWINS = {
    "gradient_descent": Twin("SGD", {"learning_rate": 0.1}, {"learning_rate": 2**-4}),
    "momentum": Twin("SGD", USED_MOMENTUM, EXACT_MOMENTUM),
    "momentum_averaged": Twin(
        "SGD",
        {"learning_rate": 0.4, "momentum": 0.75},
        {"learning_rate": 2**-1, "momentum": 7 / 8},
        arguments=lambda given: {
            **given,
            "learning_rate": given["learning_rate"] * (1 - given["momentum"]),
        },
        note="Keras is given learning_rate * (1 - momentum)",
    ),
    "momentum_accumulated": Twin(
        "SGD",
        USED_MOMENTUM,
        EXACT_MOMENTUM,
        note="Equal because the learning rate is constant",
    ),
    "nesterov": Twin(
        "SGD",
        USED_MOMENTUM,
        EXACT_MOMENTUM,
        arguments=lambda given: {**given, "nesterov": True},
        weights=lambda record, given: _look_ahead(record, given["momentum"]),
        note="Keras's weights are w + momentum * velocity",
    ),
    "nesterov_keras": Twin(
        "SGD",
        USED_MOMENTUM,
        EXACT_MOMENTUM,
        arguments=lambda given: {**given, "nesterov": True},
    ),
    "adagrad": Twin(
        "Adagrad",
        {"learning_rate": 0.5, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
        {"learning_rate": 2**-2, "initial_accumulator_value": 2**-2, "epsilon": 2**-7},
    ),
    "rmsprop": Twin("RMSprop", USED_RMSPROP, EXACT_RMSPROP),
    "rmsprop_momentum": Twin(
        "RMSprop",
        {**USED_RMSPROP, "momentum": 0.9},
        {**EXACT_RMSPROP, "momentum": 3 / 4},
    ),
    "rmsprop_centered": Twin(
        "RMSprop",
        USED_RMSPROP,
        EXACT_RMSPROP,
        arguments=lambda given: {**given, "centered": True},
    ),
    "adadelta": Twin(
        "Adadelta",
        {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-7},
        {"learning_rate": 2**-1, "rho": 7 / 8, "epsilon": 2**-7},
    ),
    "adadelta_zeiler": Twin(
        "Adadelta",
        {"rho": 0.9, "epsilon": 1e-6},
        {"rho": 7 / 8, "epsilon": 2**-7},
        arguments=lambda given: {**given, "learning_rate": 1.0},
        note="Keras is given learning_rate 1.0",
    ),
    "adam": Twin("Adam", USED_ADAM, EXACT_ADAM),
    "nadam": Twin(
        "Nadam",
        USED_ADAM,
        EXACT_ADAM,
        exact_tolerance=1e-6,
        note="Keras rounds the 0.96 of its schedule to float32, whatever the precision",
    ),
}


def check(name):
    """Hold the rule called `name` against Keras and print the table; `check("adam")`.

    Raises `ValueError` for a rule that Keras does not have, and `AssertionError`, with the numbers, where the
    difference is larger than tolerated.
    """
    if name not in TWINS:
        raise ValueError(
            f"Keras has no twin of {name!r}; it has one of: {', '.join(TWINS)}"
        )
    twin = TWINS[name]
    rule = getattr(optimizers, name)
    results = [(row, difference(rule, twin, row)) for row in rows(twin)]
    print(_table(name, twin, results))
    for row, found in results:
        if not _equal(row, found):
            raise AssertionError(
                f"{name} differs from Keras's {twin.keras}, {row.kind}: the largest difference over {STEPS} "
                f"steps is {found:.1e}, tolerated is {row.tolerance:.0e}"
            )


def rows(twin):
    """The two rows of a twin."""
    return [
        Row("as used", "float32", twin.used, 1e-4),
        Row("to the last bits", "float64", twin.exact, twin.exact_tolerance),
    ]


def difference(rule, twin, row, steps=STEPS):
    """The largest difference between the weights of `rule` and of its twin, over all steps and weights."""
    record = run(rule, steps, **row.hyperparameters)
    arguments = twin.arguments(row.hyperparameters)
    path = keras_path(
        twin.keras, gradient, START, steps, precision=row.precision, **arguments
    )
    return float(np.abs(path - twin.weights(record, row.hyperparameters)).max())


def run(rule, steps=STEPS, **hyperparameters):
    """The `paths.history` of a rule on the gradients of this check, at most `STEPS`."""
    step = itertools.count(1)
    return history(
        rule, lambda w: gradient(w, next(step)), START, steps, **hyperparameters
    )


def keras_path(keras, gradient, start, steps, *, precision="float32", **arguments):
    """The path of `tf.keras.optimizers.<keras>(**arguments)`, in its precision: `(steps + 1, *start.shape)`.

    `gradient(w, t)` is asked at the point where the optimizer is, in the precision of that point.
    """
    tf = tensorflow()
    with tf.device("CPU:0"):
        optimizer = getattr(tf.keras.optimizers, keras)(**arguments)
        w = tf.Variable(start, dtype=precision)
        path = [w.numpy()]
        for t in range(1, steps + 1):
            optimizer.apply([tf.constant(gradient(path[-1], t))], [w])
            path.append(w.numpy())
    return np.array(path)


def gradient(w, t):
    """What the optimizers are given at step `t`, for four weights `(2, 2)`, in the precision of `w`.

    The first column descends the ravine; the second is given recorded gradients, wherever it is.
    """
    return np.stack(
        [surfaces.ravine.gradient(w[:, 0]), _recorded()[t - 1].astype(w.dtype)], axis=1
    )


@functools.cache
def _recorded():
    """Two series of gradients, `(STEPS, 2)`: noise, and noise that is zero nine times out of ten."""
    random = np.random.default_rng(0)
    dense, sparse = random.normal(size=(2, STEPS))
    return np.stack([dense, sparse * (random.random(STEPS) < 0.1)], axis=1).astype(
        "float32"
    )


def model(network, w):
    """The `tf.keras.Sequential` of a network of `lib.network`, with the weights `w` and their precision.

    Its outputs are the z of the last layer, which Keras calls logits.
    """
    keras = tensorflow().keras
    *hidden, last = network.sizes[1:]
    precision = np.asarray(w).dtype.name
    twin = keras.Sequential(
        [keras.Input(network.sizes[:1], dtype=precision)]
        + [
            keras.layers.Dense(size, activation=network.activation, dtype=precision)
            for size in hidden
        ]
        + [keras.layers.Dense(last, dtype=precision)]
    )
    twin.dtype_policy = precision  # it would cast its inputs to float32
    twin.set_weights([part for W, b in network.layers(w) for part in (W, b[0])])
    return twin


def tape(network, w, x, y):
    """The loss of a network and its gradient, flat as `w`, by `tf.GradientTape` through `model`."""
    with tensorflow().device("CPU:0"):
        loss, parts, _ = _recorded_loss(network, model(network, w), x, y)
    return float(loss), _flat(parts)


def train(network, keras, w, x, y, *, batch_size=32, epochs=1, seed=0, **arguments):
    """Let `tf.keras.optimizers.<keras>(**arguments)` train `model(network, w)`, on the same batches.

    Returns `"w"` and `"batch_loss"`, as `lib.network.train` does.
    """
    tf = tensorflow()
    losses = []
    with tf.device("CPU:0"):
        twin = model(network, w)
        optimizer = getattr(tf.keras.optimizers, keras)(**arguments)
        for rows in batches(len(x), batch_size, epochs, seed):
            loss, parts, variables = _recorded_loss(network, twin, x[rows], y[rows])
            optimizer.apply(parts, variables)
            losses.append(float(loss))
    return {"w": _flat(twin.get_weights()), "batch_loss": np.array(losses)}


def _recorded_loss(network, twin, x, y):
    """The loss of a Keras model, in TensorFlow's own functions, its gradients and their variables."""
    tf = tensorflow()
    x, y = (tf.constant(part, twin.compute_dtype) for part in (x, y))
    per_example = {
        "squared_error": lambda y, z: tf.reduce_sum((z - y) ** 2, -1) / 2,
        "sigmoid_cross_entropy": lambda y, z: tf.reduce_sum(
            tf.nn.sigmoid_cross_entropy_with_logits(y, z), -1
        ),
        "softmax_cross_entropy": tf.nn.softmax_cross_entropy_with_logits,
    }[network.objective]
    with tf.GradientTape() as recorder:
        loss = tf.reduce_mean(per_example(y, twin(x)))
    return (
        loss,
        recorder.gradient(loss, twin.trainable_variables),
        twin.trainable_variables,
    )


def _flat(parts):
    return np.concatenate([np.asarray(part).ravel() for part in parts])


def _look_ahead(record, momentum):
    path = record["w"].copy()
    path[1:] += momentum * record["velocity"]
    return path


def _equal(row, found):
    return found <= row.tolerance


def _table(name, twin, results):
    lines = [
        f"{name} and tf.keras.optimizers.{twin.keras}, in the ravine and on recorded gradients",
        "",
        "row               precision  steps  largest difference  tolerance  verdict",
    ]
    for row, found in results:
        verdict = "equal" if _equal(row, found) else "DIFFERENT"
        lines.append(
            f"{row.kind:16}  {row.precision:9}  {STEPS:5}  {found:18.1e}  {row.tolerance:9.0e}  {verdict}"
        )
    for row, _ in results:
        lines += [
            "",
            f"{row.kind}:",
            f"  {_call(name, row.hyperparameters)}",
            f"  {_call(twin.keras, twin.arguments(row.hyperparameters))}",
        ]
    if twin.note:
        lines += ["", f"{twin.note}."]
    return "\n".join(lines)


def _call(name, arguments):
    return (
        f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    )


@functools.cache
def tensorflow():
    """TensorFlow, loaded without its greetings on stderr."""
    with _quiet():
        import tensorflow as tf

        # Some of the greetings come with the first step.
        tf.keras.optimizers.SGD().apply([tf.constant([0.0])], [tf.Variable([0.0])])
    return tf


@contextlib.contextmanager
def _quiet():
    """Drop what is written to the descriptor of stderr, which is where TensorFlow's C++ code writes."""
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
