"""What the sources, the papers, Keras and PyTorch differ in, measured; and slips of the sources.

Figures are strings, and compared to the digits that they show. Where nothing else is said, a path is the
comparison of the MXDL-2 slides: the ravine from (0.1, 3.5), 50 steps.
"""

import numpy as np
import pytest

from lib import averages, optimizers, surfaces, trace
from lib.paths import effective_rate, history
from tests.rules import RULES

RAVINE = surfaces.ravine


def shows(value, figure):
    """Whether a value, rounded to as many digits as the figure has, is the figure."""
    digits = len(figure.split("e")[0].replace(".", "").lstrip("-0"))
    return float(f"{value:.{digits - 1}e}") == float(figure)


def path(name, steps=50, **hyperparameters):
    return trace(RULES[name], RAVINE.gradient, RAVINE.start, steps, **hyperparameters)


def losses(name, steps=50, **hyperparameters):
    return RAVINE.value(path(name, steps, **hyperparameters).T)


def on_constant_gradient(name, steps, g=1.0, **hyperparameters):
    """The steps of a rule, with learning rate 1, where the gradient is always the same."""
    walk = trace(
        RULES[name], lambda w: np.full_like(w, g), (0.0,), steps, learning_rate=1.0, **hyperparameters
    )
    return -np.diff(walk[:, 0])


def test_figures_are_compared_to_their_digits():
    assert shows(0.08763, "0.0876")
    assert shows(4.2206, "4.221")
    assert shows(1.4672e-05, "1.467e-5")
    assert not shows(0.08768, "0.0876")
    assert not shows(0.0876, "0.08763")


MOMENTUM = {"learning_rate": 0.8, "momentum": 0.2}
MUCH_MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9}
LITTLE_MOMENTUM = {"learning_rate": 0.1, "momentum": 0.2}
ADAGRAD = {"learning_rate": 0.8}
FROM_ZERO = {**ADAGRAD, "initial_accumulator_value": 0.0}
RMSPROP = {"learning_rate": 0.2, "rho": 0.9}
ADADELTA = {"rho": 0.9, "epsilon": 1e-4}
KERAS_ADADELTA = {**ADADELTA, "learning_rate": 5.0}
SHORT = {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.9}
LONG = {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.999}

# A variant, the rule as Keras has it, and how far apart they are: after one step, at most and when; then the
# loss at the end of either, where it is not mere rounding.
DIFFERENCES = [
    ("momentum_averaged", MOMENTUM, "momentum", MOMENTUM, "0.576 0.723 2 1.67e-8 5.92e-11"),
    ("momentum_averaged", MUCH_MOMENTUM, "momentum", MUCH_MOMENTUM, "0.324 4.07 20 0.2267 0.02133"),
    ("nesterov", LITTLE_MOMENTUM, "nesterov_keras", LITTLE_MOMENTUM, "0.072 0.072 1 0.12212 0.12087"),
    ("nesterov", MUCH_MOMENTUM, "nesterov_keras", MUCH_MOMENTUM, "0.324 0.468 2 3.29e-3 3.02e-3"),
    # All four sources start the sum at zero; where epsilon stands does not show.
    ("adagrad", {**FROM_ZERO, "epsilon": 1e-6}, "adagrad", ADAGRAD, "0.0586 0.0876 5 7.47e-6 1.467e-5"),
    (
        "adagrad_outside",
        {**FROM_ZERO, "epsilon": 1e-7},
        "adagrad",
        ADAGRAD,
        "0.0586 0.0876 5 7.47e-6 1.467e-5",
    ),
    ("adagrad", {**FROM_ZERO, "epsilon": 0.0}, "adagrad", ADAGRAD, "0.0586 0.0876 5 7.47e-6 1.467e-5"),
    ("adagrad", {**FROM_ZERO, "epsilon": 1e-6}, "adagrad", FROM_ZERO, "5.9e-7 8.6e-7 5 7.47e-6 7.47e-6"),
    ("rmsprop", {**RMSPROP, "epsilon": 1e-6}, "rmsprop", RMSPROP, "4.7e-6 8.5e-6 9"),
    ("rmsprop", {**RMSPROP, "epsilon": 1e-8}, "rmsprop", RMSPROP, "5e-7 8e-7 9"),
    ("rmsprop_outside", {**RMSPROP, "epsilon": 1e-8}, "rmsprop", RMSPROP, "5e-7 9e-7 9"),
    ("rmsprop", {**RMSPROP, "rho": 0.99}, "rmsprop", RMSPROP, "1.368 1.96 3"),
    ("adadelta_zeiler", ADADELTA, "adadelta", KERAS_ADADELTA, "0.126 2.27 40 0.697 1.990e-3"),
    # Without an epsilon to start from, Adadelta stays where it is.
    (
        "adadelta_zeiler",
        {**ADADELTA, "epsilon": 0.0},
        "adadelta",
        KERAS_ADADELTA,
        "0.158 3.76 50 4.221 1.990e-3",
    ),
    ("adam_uncorrected", SHORT, "adam", SHORT, "0.0684 0.495 28 0.0431 0.0195"),
    ("adam_uncorrected", LONG, "adam", LONG, "0.2162 4.15 13 6.5e-3 1.00e-2"),
    ("nadam_taught", SHORT, "nadam", SHORT, "0.0837 0.665 30 0.01492 0.00459"),
    ("nadam_taught", LONG, "nadam", LONG, "0.0837 0.586 24 5.08e-3 2.33e-2"),
    ("nadam_exact", SHORT, "nadam", SHORT, "0.0411 0.510 32 0.0121 0.0046"),
    ("nadam_exact", LONG, "nadam", LONG, "0.0411 0.440 26 6.8e-3 2.33e-2"),
    ("nadam_pytorch", SHORT, "nadam", SHORT, "6e-4 0.242 50 2.40e-3 4.59e-3"),
    ("nadam_pytorch", LONG, "nadam", LONG, "6e-4 0.123 50 3.63e-2 2.33e-2"),
]


@pytest.mark.parametrize("name, given, keras, keras_given, figures", DIFFERENCES)
def test_a_variant_differs_from_keras(name, given, keras, keras_given, figures):
    ours, theirs = path(name, **given), path(keras, **keras_given)
    apart = np.abs(ours - theirs).max(axis=1)
    measured = [apart[1], apart.max(), np.argmax(apart), RAVINE.value(ours[-1]), RAVINE.value(theirs[-1])]
    for value, figure in zip(measured, figures.split()):
        assert shows(value, figure), (value, figure)


@pytest.mark.parametrize(
    "name, given, keras, keras_given",
    [
        ("momentum_accumulated", MOMENTUM, "momentum", MOMENTUM),
        ("momentum_averaged", {**MOMENTUM, "learning_rate": 0.8 / (1 - 0.2)}, "momentum", MOMENTUM),
        ("adam_inside", SHORT, "adam", SHORT),
        ("adam_paper", SHORT, "adam", SHORT),
        ("adam_inside", LONG, "adam", LONG),
        ("adam_paper", LONG, "adam", LONG),
    ],
)
def test_a_variant_does_not_differ_from_keras(name, given, keras, keras_given):
    """To what Keras's float32 resolves."""
    np.testing.assert_allclose(path(name, **given), path(keras, **keras_given), rtol=0, atol=5e-6)


def test_accumulated_gradients_meet_a_falling_rate_at_once():
    def falling(t):
        return 0.1 * 0.9**t

    kept = path("momentum", learning_rate=falling, momentum=0.9)
    accumulated = path("momentum_accumulated", learning_rate=falling, momentum=0.9)
    assert np.abs(kept - accumulated).max() > 0.1


def test_adadelta_in_keras_hardly_moves_by_default():
    walk = path("adadelta")
    assert all(shows(step, "1.4e-6") for step in np.abs(walk[1] - walk[0]))
    assert shows(walk[-1, 0], "0.100076")
    assert shows(walk[-1, 1], "3.499924")


@pytest.mark.parametrize(
    "name, after_50, after_200",
    [
        ("gradient_descent", "1.483", "0.683"),
        ("momentum", "0.2267", "7.4e-5"),
        ("nesterov_keras", "0.2217", "9.6e-5"),
        ("adagrad", "4.166", "4.105"),
        ("rmsprop", "3.968", "3.366"),
        ("adadelta", "4.2207", "4.2196"),
        ("adam", "4.006", "3.416"),
        ("nadam", "4.024", "3.432"),
    ],
)
def test_the_defaults_are_for_networks(name, after_50, after_200):
    loss = losses(name, 200)
    assert shows(loss[0], "4.221")
    assert shows(loss[50], after_50)
    assert shows(loss[200], after_200)


@pytest.mark.parametrize(
    "name, after_50, to_1e_3, to_1e_6, from_larger_steps",
    [
        ("rprop", "1.65e-10", 29, 39, 16),
        ("rprop_backtracking", "2.76e-7", 24, 44, 17),
        ("rprop_adapt_first", "3.05e-10", 24, 35, 15),
        ("rprop_skip", "3.40e-7", 29, 43, 19),
    ],
)
def test_four_kinds_of_rprop(name, after_50, to_1e_3, to_1e_6, from_larger_steps):
    loss, larger = losses(name), losses(name, initial_step_size=0.1)
    assert shows(loss[-1], after_50)
    assert np.argmax(loss < 1e-3) == to_1e_3
    assert np.argmax(loss < 1e-6) == to_1e_6
    assert np.argmax(larger < 1e-3) == from_larger_steps


@pytest.mark.parametrize(
    "g, inside, outside", [(1e-4, "0.707", "0.9999"), (1e-5, "0.0995", "0.999"), (1e-6, "0.0100", "0.990")]
)
def test_epsilon_inside_the_root_acts_like_its_root_outside(g, inside, outside):
    (step,) = on_constant_gradient("adam_inside", 1, g)
    assert shows(step, inside)
    assert shows(on_constant_gradient("adam_paper", 1, g)[0], outside)
    root = on_constant_gradient("adam_paper", 1, g, epsilon=1e-4)[0]
    assert 0.7 <= root / step <= 1


def test_epsilon_decides_where_gradients_are_small():
    def scaled(name, epsilon):
        gradient = lambda w: 1e-6 * RAVINE.gradient(w)  # noqa: E731
        return trace(RULES[name], gradient, RAVINE.start, 50, **LONG, epsilon=epsilon)

    without = scaled("adam_paper", 0.0)
    assert shows(np.abs(scaled("adam_paper", 1e-8) - without).max(), "0.039")
    assert shows(np.abs(scaled("adam_inside", 1e-8) - without).max(), "3.69")


def test_epsilon_hat_is_the_papers_epsilon_on_another_scale():
    def scale(t):
        return 1e-7 / np.sqrt(1 - averages.power(0.999, t))

    for t, figure in [(1, "3.2e-6"), (10, "1.0e-6"), (100, "3.2e-7"), (1000, "1.3e-7")]:
        assert shows(scale(t), figure)
    np.testing.assert_allclose(
        path("adam_paper", **LONG, epsilon=scale), path("adam", **LONG), rtol=0, atol=1e-12
    )


def test_keras_warms_nadams_momentum_up_in_96_steps():
    t = np.arange(1, 30_000)
    assert t[np.argmax(1 - 0.5 * 0.96**t >= 0.99)] == 96
    assert shows(t[np.argmax(1 - 0.5 * 0.96 ** (0.004 * t) >= 0.99)], "2.4e4")


# Slips inside one source: the claim is in the name of the test or beside the figure.


def test_adagrads_sum_saturates():
    """It is said to increase exponentially."""
    record = history(optimizers.adagrad, RAVINE.gradient, RAVINE.start, 201, **FROM_ZERO)
    total = record["accumulator"][:, 0]
    for t, figure in [(1, "0.608"), (11, "2.013"), (21, "2.125"), (51, "2.137"), (201, "2.137")]:
        assert shows(total[t - 1], figure)


def test_rmsprops_rate_rises():
    """It is said to decay smoothly."""
    rms = effective_rate(history(optimizers.rmsprop, RAVINE.gradient, RAVINE.start, 50, **RMSPROP))[:, 0]
    figures = [(1, "0.811"), (2, "0.641"), (6, "0.530"), (11, "0.583"), (21, "0.906"), (50, "4.148")]
    assert all(shows(rms[t - 1], figure) for t, figure in figures)
    ada = effective_rate(history(optimizers.adagrad, RAVINE.gradient, RAVINE.start, 50, **FROM_ZERO))[:, 0]
    assert shows(ada[0], "1.026")
    assert shows(ada[-1], "0.547")


def test_momentum_moves_on_after_passing_the_target():
    """It is said to return in the next iteration."""
    w = trace(optimizers.momentum, lambda w: w, (1.0,), 60, learning_rate=0.1, momentum=0.9)[:, 0]
    crossed, farthest = np.argmax(w < 0), np.argmin(w)
    assert farthest - crossed == 4
    assert shows(w[farthest], "-0.604")


def test_gradient_descent_turns_at_every_step_of_the_comparison():
    """The rate 0.8 is close to the limit of 0.8333, and oscillates and converges."""
    y = path("gradient_descent", learning_rate=0.8)[:, 1] - 2
    np.testing.assert_allclose(y[1:] / y[:-1], -0.92, rtol=1e-9)


def test_newton_jumps_to_the_saddle():
    (_, end) = trace(
        optimizers.newton, surfaces.saddle.gradient, (1.0, 0.5), 1, hessian=surfaces.saddle.hessian
    )
    assert end.tolist() == [0, 0]


def test_adadeltas_first_step_is_larger_than_the_root_of_epsilon():
    """The root, 0.01, is said to be the initial rate."""
    walk = trace(optimizers.adadelta_zeiler, surfaces.hand_bowl.gradient, (2.0, 3.0), 1, **ADADELTA)
    assert all(shows(step, "0.0316") for step in np.abs(walk[1] - walk[0]))


def test_adam_without_correction():
    steps = on_constant_gradient("adam_uncorrected", 2000)
    assert shows(steps[0], "3.16")
    assert np.argmax(steps) == 12 - 1
    assert shows(steps.max(), "6.57")
    assert shows(steps[-1], "1.075")
    assert shows(on_constant_gradient("adam_uncorrected", 1, beta_2=0.9)[0], "0.316")


def test_adams_largest_step():
    """About the learning rate, it is said. Gradients that grow just so make it 7.27 of it."""
    beta_1, beta_2, steps = 0.9, 0.999, 10_000
    growing = iter(np.maximum((beta_1 / beta_2) ** np.arange(steps - 1, -1, -1), 1e-150))
    walk = trace(
        optimizers.adam_paper,
        lambda w: np.array([next(growing)]),
        (0.0,),
        steps,
        learning_rate=1.0,
        epsilon=0.0,
    )
    largest = (1 - beta_1) / np.sqrt((1 - beta_2) * (1 - beta_1**2 / beta_2))
    assert shows(largest, "7.27")
    assert shows(walk[-2, 0] - walk[-1, 0], "7.27")


def test_adam_has_adagrad_and_rmsprop_for_limits():
    adagrad = path("adagrad_outside", learning_rate=0.8)
    limit = path("adam_paper", learning_rate=lambda t: 0.8 / np.sqrt(t), beta_1=0.0, beta_2=1 - 1e-8)
    assert np.abs(limit - adagrad).max() < 1e-6
    assert shows(on_constant_gradient("rmsprop", 1)[0], "3.16")
    assert shows(on_constant_gradient("adam", 1, beta_1=0.0)[0], "1.00")


def test_adagrad_without_epsilon_fails_on_a_first_gradient_of_zero():
    settings = {"initial_accumulator_value": 0.0, "epsilon": 0.0}
    walk = trace(optimizers.adagrad, lambda w: np.array([0.0, 1.0]), (1.0, 1.0), 1, **settings)
    assert np.isnan(walk[1]).tolist() == [True, False]


def test_adagrads_first_rate_is_large_where_the_gradient_is_small():
    """The starting rate is said to be the largest; that holds for the step."""
    record = history(
        optimizers.adagrad,
        lambda w: np.full_like(w, 1e-3),
        (0.0,),
        9,
        **{**FROM_ZERO, "epsilon": 0.0, "learning_rate": 0.1},
    )
    assert shows(effective_rate(record)[0, 0], "100")
    steps = np.abs(np.diff(record["w"][:, 0]))
    assert shows(steps.max(), "0.1")
    assert np.argmax(steps) == 0


def test_yesterdays_moment_is_corrected_by_yesterdays_weight():
    """The derivation of Nadam divides it by today's."""
    for t, figure in [(2, "0.526"), (3, "0.70"), (10, "0.94"), (50, "0.9994")]:
        assert shows(averages.debias(1, 0.9, t) / averages.debias(1, 0.9, t - 1), figure)


def test_nadams_first_step():
    for name, figure in [
        ("nadam_taught", "1.9"),
        ("nadam_exact", "1.474"),
        ("nadam", "1.063"),
        ("nadam_pytorch", "1.056"),
    ]:
        assert shows(on_constant_gradient(name, 1)[0], figure)
