"""Every rule that Keras has, against Keras; and whether the check sees what it is there to see."""

import inspect
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from lib import keras_check, optimizers
from lib.keras_check import TWINS, check, difference, rows
from lib.paths import signature
from tests.rules import RULES

EVERY_ROW = [pytest.param(name, row, id=f"{name}, {row.kind}") for name in TWINS for row in rows(TWINS[name])]

# Rules that take the same hyperparameters, and that a check has to tell apart.
SIBLINGS = {
    "momentum": ("momentum_averaged", "nesterov", "nesterov_keras"),
    "momentum_averaged": ("momentum",),
    "nesterov": ("nesterov_keras", "momentum"),
    "nesterov_keras": ("nesterov", "momentum"),
    "adagrad": ("adagrad_outside",),
    "rmsprop": ("rmsprop_outside", "rmsprop_centered"),
    "rmsprop_centered": ("rmsprop",),
    "adam": ("adam_paper", "adam_inside", "adam_uncorrected", "nadam"),
    "nadam": ("nadam_exact", "nadam_taught", "nadam_pytorch", "adam"),
}


@pytest.mark.parametrize("name, row", EVERY_ROW)
def test_a_rule_equals_its_twin(name, row):
    assert keras_check.STEPS == 1000
    assert difference(RULES[name], TWINS[name], row) <= row.tolerance


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_is_run_with_every_hyperparameter(name):
    defaults = signature(RULES[name])[1]
    used, exact = (row.hyperparameters for row in rows(TWINS[name]))
    assert defaults.keys() == used.keys() == exact.keys()
    for key, value in exact.items():
        assert value == np.float32(value)
        assert value not in (used[key], defaults[key])


@pytest.mark.parametrize("name", [name for name in TWINS if name != "adadelta_zeiler"])
def test_the_defaults_are_kerass(name):
    twin = getattr(keras_check.tensorflow().keras.optimizers, TWINS[name].keras)
    for key, value in signature(RULES[name])[1].items():
        expected = inspect.signature(twin).parameters[key].default
        assert value == (0.9 if key == "momentum" else expected)  # Keras's 0.0 would switch the idea off


@pytest.mark.parametrize("name, sibling", [(name, other) for name in SIBLINGS for other in SIBLINGS[name]])
def test_another_formula_is_told_apart(name, sibling):
    exact = rows(TWINS[name])[1]
    assert difference(RULES[sibling], TWINS[name], exact, steps=50) > 1e3 * exact.tolerance


def test_keras_is_given_the_gradient_in_its_own_precision_and_at_its_own_point():
    asked = []

    def gradient(w, t):
        asked.append((w, t))
        return w

    path = keras_check.keras_path("SGD", gradient, [4.0, 2.0], 2, learning_rate=0.5)
    assert path.dtype == np.float32
    assert path.tolist() == [[4, 2], [2, 1], [1, 0.5]]
    assert [(w.tolist(), w.dtype, t) for w, t in asked] == [([4, 2], "float32", 1), ([2, 1], "float32", 2)]


def test_the_gradients_reach_what_they_should():
    """A weight in the ravine, noise, and gradients that are mostly zero, the first included."""
    g = np.array([keras_check.gradient(keras_check.START, t) for t in range(1, keras_check.STEPS + 1)])
    np.testing.assert_allclose(g[:, :, 0], np.tile([-0.78, 3.6], (keras_check.STEPS, 1)))
    dense, sparse = g[:, 0, 1], g[:, 1, 1]
    assert np.all(dense != 0)
    assert len(set(dense)) == keras_check.STEPS
    assert sparse[0] == 0
    assert 0.05 < np.mean(sparse != 0) < 0.15


def test_the_table(capsys):
    assert check("nesterov") is None
    printed = re.sub(r"\d\.\de[-+]\d\d", "x.xe-xx", capsys.readouterr().out)
    assert printed == textwrap.dedent("""\
        nesterov and tf.keras.optimizers.SGD, in the ravine and on recorded gradients

        row               precision  steps  largest difference  tolerance  verdict
        as used           float32     1000             x.xe-xx      1e-04  equal
        to the last bits  float64     1000             x.xe-xx      1e-12  equal

        as used:
          nesterov(learning_rate=0.1, momentum=0.9)
          SGD(learning_rate=0.1, momentum=0.9, nesterov=True)

        to the last bits:
          nesterov(learning_rate=0.0625, momentum=0.875)
          SGD(learning_rate=0.0625, momentum=0.875, nesterov=True)

        Keras's weights are w + momentum * velocity.
        """)


def test_a_mismatch_is_printed_and_raised(monkeypatch, capsys):
    monkeypatch.setattr(optimizers, "adam", optimizers.adam_paper)
    message = (
        r"^adam differs from Keras's Adam, to the last bits: .* 1000 steps is \d.\de-0\d, tolerated is 1e-12$"
    )
    with pytest.raises(AssertionError, match=message):
        check("adam")
    as_used, exact = capsys.readouterr().out.splitlines()[3:5]
    assert as_used.endswith("  equal")
    assert exact.endswith("  DIFFERENT")


def test_a_path_of_nan_is_a_mismatch(monkeypatch):
    def nowhere(w, gradient, t, *, learning_rate):
        gradient(w)
        return (w * np.nan,)

    monkeypatch.setattr(optimizers, "gradient_descent", nowhere)
    with pytest.raises(AssertionError, match=r"as used: .* is nan"):
        check("gradient_descent")


@pytest.mark.parametrize("name", ["rprop", "adamw", "", optimizers.adam])
def test_a_rule_without_a_twin_is_refused(name):
    with pytest.raises(
        ValueError, match=rf"no twin of {re.escape(repr(name))}; .*one of: gradient_descent, .*nadam$"
    ):
        check(name)


def test_tensorflow_comes_late_and_silently_and_nothing_is_left_changed():
    code = """
        import os, sys
        from lib import keras_check
        assert "tensorflow" not in sys.modules and "keras" not in sys.modules
        keras_check.check("gradient_descent")
        import tensorflow
        assert tensorflow.keras.backend.floatx() == "float32"
        assert keras_check.tensorflow() is tensorflow
        os.write(2, b"open again")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "open again"
