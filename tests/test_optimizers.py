"""lib/optimizers.py: every rule against sums written out, tables worked by hand, and every surface.

`WRITTEN_OUT` gives each rule's steps and state as explicit sums over all past gradients, an independent way
to the same numbers: no recursion, no shared code. Rprop's ifs and elses are in tests/rows.py.
"""

import numpy as np
import pytest

from lib import optimizers, surfaces, sweep, trace
from lib.paths import history, signature
from tests.rules import RULES, SURFACES

RPROP = ("rprop", "rprop_adapt_first", "rprop_backtracking", "rprop_skip")
every_rule = pytest.mark.parametrize("name", RULES)

# The rules written out. `g` holds all gradients, (steps, ...); `h` the hyperparameters.


def discounted(g, beta):
    """The sum of all gradients so far, each discounted by beta for every step of its age."""
    return np.array([sum(beta ** (t - k) * g[k] for k in range(t + 1)) for t in range(len(g))])


def averaged(g, beta):
    return (1 - beta) * discounted(g, beta)


def corrected(g, beta):
    """The weighted mean of all gradients so far."""
    return discounted(g, beta) / discounted(np.ones_like(g), beta)


def momentum(g, h):
    velocity = -h["learning_rate"] * discounted(g, h["momentum"])
    return velocity, {"velocity": velocity}


def momentum_averaged(g, h):
    average = averaged(g, h["momentum"])
    return -h["learning_rate"] * average, {"average": average}


def momentum_accumulated(g, h):
    accumulated = discounted(g, h["momentum"])
    return -h["learning_rate"] * accumulated, {"accumulated": accumulated}


def nesterov_keras(g, h):
    velocity, state = momentum(g, h)
    return h["momentum"] * velocity - h["learning_rate"] * g, state


def adagrad(divisor):
    def written_out(g, h):
        accumulator = h["initial_accumulator_value"] + np.cumsum(g**2, axis=0)
        return -h["learning_rate"] * g / divisor(accumulator, h["epsilon"]), {"accumulator": accumulator}

    return written_out


def rmsprop(divisor):
    def written_out(g, h):
        v = averaged(g**2, h["rho"])
        return -h["learning_rate"] * g / divisor(v, h["epsilon"]), {"v": v}

    return written_out


def inside(v, epsilon):
    return np.sqrt(v + epsilon)


def outside(v, epsilon):
    return np.sqrt(v) + epsilon


def rmsprop_momentum(g, h):
    alone, state = rmsprop(inside)(g, h)
    velocity = discounted(alone, h["momentum"])
    return velocity, {**state, "velocity": velocity}


def rmsprop_centered(g, h):
    v, m = averaged(g**2, h["rho"]), averaged(g, h["rho"])
    return -h["learning_rate"] * g / np.sqrt(v - m**2 + h["epsilon"]), {"v": v, "m": m}


def adadelta(g, h):
    accumulator = averaged(g**2, h["rho"])
    deltas = np.empty((0, *g.shape[1:]))
    for t in range(len(g)):
        past = averaged(deltas**2, h["rho"])[-1] if t else 0.0
        delta = -g[t] * np.sqrt((past + h["epsilon"]) / (accumulator[t] + h["epsilon"]))
        deltas = np.append(deltas, [delta], axis=0)
    state = {"accumulator": accumulator, "delta_accumulator": averaged(deltas**2, h["rho"])}
    return h.get("learning_rate", 1.0) * deltas, state


def moments(g, h):
    return {"m": averaged(g, h["beta_1"]), "v": averaged(g**2, h["beta_2"])}


def adam(divisor):
    def written_out(g, h):
        m_hat, v_hat = corrected(g, h["beta_1"]), corrected(g**2, h["beta_2"])
        return -h["learning_rate"] * m_hat / divisor(v_hat, h["epsilon"]), moments(g, h)

    return written_out


def adam_keras(g, h):
    t = np.arange(1, len(g) + 1)[:, None]
    epsilon = h["epsilon"] / np.sqrt(1 - h["beta_2"] ** t)  # the paper's, from Keras's "epsilon hat"
    return adam(outside)(g, {**h, "epsilon": epsilon})


def adam_uncorrected(g, h):
    state = moments(g, h)
    return -h["learning_rate"] * state["m"] / (np.sqrt(state["v"]) + h["epsilon"]), state


def nadam(exponent):
    def written_out(g, h):
        t = np.arange(1, len(g) + 2)[:, None]
        mu = h["beta_1"] * (1 - 0.96 ** (exponent(h) * t) / 2)
        product = np.cumprod(mu, axis=0)
        state = moments(g, h)
        m_hat = mu[1:] * state["m"] / (1 - product[1:]) + (1 - mu[:-1]) * g / (1 - product[:-1])
        v_hat = corrected(g**2, h["beta_2"])
        step = -h["learning_rate"] * m_hat / (np.sqrt(v_hat) + h["epsilon"])
        return step, {**state, "product": np.broadcast_to(product[:-1], g.shape)}

    return written_out


def nadam_constant(ahead):
    def written_out(g, h):
        beta, t, state = h["beta_1"], np.arange(1, len(g) + 1)[:, None], moments(g, h)
        m_hat = beta * state["m"] / (1 - beta ** (t + ahead)) + (1 - beta) * g / (1 - beta**t)
        v_hat = corrected(g**2, h["beta_2"])
        return -h["learning_rate"] * m_hat / (np.sqrt(v_hat) + h["epsilon"]), state

    return written_out


WRITTEN_OUT = {
    "gradient_descent": lambda g, h: (-h["learning_rate"] * g, {}),
    "momentum": momentum,
    "momentum_averaged": momentum_averaged,
    "momentum_accumulated": momentum_accumulated,
    "nesterov": momentum,  # with the gradients of the look-ahead points
    "nesterov_keras": nesterov_keras,
    "adagrad": adagrad(inside),
    "adagrad_outside": adagrad(outside),
    "rmsprop": rmsprop(inside),
    "rmsprop_outside": rmsprop(outside),
    "rmsprop_momentum": rmsprop_momentum,
    "rmsprop_centered": rmsprop_centered,
    "adadelta": adadelta,
    "adadelta_zeiler": adadelta,
    "adam": adam_keras,
    "adam_paper": adam(outside),
    "adam_inside": adam(inside),
    "adam_uncorrected": adam_uncorrected,
    "nadam": nadam(lambda h: 1),
    "nadam_pytorch": nadam(lambda h: h["momentum_decay"]),
    "nadam_exact": nadam_constant(ahead=1),
    "nadam_taught": nadam_constant(ahead=0),
}

# Settings that leave nothing negligible: an epsilon beside gradients of order one, a memory of few steps.
SETTINGS = {
    "learning_rate": 0.5,
    "momentum": 0.75,
    "momentum_decay": 0.25,
    "beta_1": 0.75,
    "beta_2": 0.875,
    "rho": 0.8,
    "epsilon": 0.25,
    "initial_accumulator_value": 0.5,
    "initial_step_size": 0.1,
    "eta_plus": 1.5,
    "eta_minus": 0.25,
    "min_step_size": 0.01,
    "max_step_size": 0.5,
}


def script(steps=40):
    """Gradients of two weights: changing signs, runs of one sign, and zeros here and there."""
    g = np.random.default_rng(5).normal(0.3, 1.0, (steps, 2))
    g[20:30] = np.abs(g[20:30])
    g[::7, 0] = 0.0
    g[[0, 13, 14, 15], 1] = 0.0
    return g


def test_every_rule_with_sums_is_written_out():
    assert set(WRITTEN_OUT) == set(RULES) - {"newton", *RPROP}


@pytest.mark.parametrize("name", WRITTEN_OUT)
@pytest.mark.parametrize("settings", ["nothing negligible", "defaults"])
def test_a_rule_is_its_sums_written_out(name, settings):
    g = script()
    told = iter(g)
    hyperparameters = signature(RULES[name])[1]
    if settings == "nothing negligible":
        hyperparameters = {key: SETTINGS[key] for key in hyperparameters}
    record = history(RULES[name], lambda w: next(told), (1.0, -2.0), len(g), **hyperparameters)
    steps, states = WRITTEN_OUT[name](g, hyperparameters)
    np.testing.assert_allclose(
        record["w"][1:], (1.0, -2.0) + np.cumsum(steps, axis=0), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_array_equal(record["gradient"], g)
    assert set(states) == set(signature(RULES[name])[0])
    for part, expected in states.items():
        np.testing.assert_allclose(record[part], expected, rtol=1e-10, atol=1e-14, err_msg=part)


@every_rule
def test_the_gradient_is_asked_for_at_the_point_except_by_nesterov(name):
    asked = []

    def gradient(w):
        asked.append(w.copy())
        return surfaces.ravine.gradient(w)

    rule = RULES[name]
    hyperparameters = {key: SETTINGS.get(key, surfaces.ravine.hessian) for key in signature(rule)[1]}
    path = trace(rule, gradient, (0.1, 3.5), 10, **hyperparameters)
    expected = path[:-1].copy()
    if name == "nesterov":
        expected[1:] += SETTINGS["momentum"] * np.diff(path, axis=0)[:-1]
    np.testing.assert_allclose(asked, expected, rtol=1e-13)


# Two steps on (x - 4)**2 + (y - 2)**2 from (2, 3), worked by hand; `nesterov_keras`, `adagrad`, `adam` and
# `nadam` as Keras 3.15 computes them.
BETAS = {"learning_rate": 0.2, "beta_1": 0.9, "beta_2": 0.999}
TWO_STEPS = [
    ("momentum", {"learning_rate": 0.1}, (2.4, 2.8), (3.08, 2.46)),
    ("momentum_averaged", {"learning_rate": 0.1}, (2.04, 2.98), (2.1152, 2.9424)),
    ("momentum_averaged", {"learning_rate": 1.0}, (2.4, 2.8), (3.08, 2.46)),
    ("momentum_accumulated", {"learning_rate": 0.1}, (2.4, 2.8), (3.08, 2.46)),
    ("nesterov", {"learning_rate": 0.1}, (2.4, 2.8), (3.008, 2.496)),
    ("nesterov_keras", {"learning_rate": 0.1}, (2.76, 2.62), (3.5552, 2.2224)),
    (
        "adagrad",
        {"learning_rate": 1.0, "initial_accumulator_value": 0.0, "epsilon": 0.0},
        (3, 2),
        (3.44721, 2),
    ),
    ("adagrad", {"learning_rate": 1.0}, (2.99689, 2.01227), (3.44410, 2.00015)),
    ("adagrad_outside", {"learning_rate": 1.0}, (3, 2), (3.44721, 2)),
    ("rmsprop", {"learning_rate": 0.2}, (2.63246, 2.36754), (3.00226, 2.13906)),
    ("rmsprop_outside", {"learning_rate": 0.2, "rho": 0.9}, (2.63246, 2.36754), (3.00226, 2.13906)),
    (
        "adadelta",
        {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-4},
        (2.03162, 2.96838),
        (2.06382, 2.93644),
    ),
    ("adadelta_zeiler", {"rho": 0.9, "epsilon": 1e-4}, (2.03162, 2.96838), (2.06382, 2.93644)),
    ("adam", BETAS, (2.2, 2.8), (2.39917, 2.60238)),
    ("adam_paper", BETAS, (2.2, 2.8), (2.39917, 2.60238)),
    ("adam_inside", BETAS, (2.2, 2.8), (2.39917, 2.60238)),
    ("adam_uncorrected", BETAS, (2.63246, 2.36754), (3.45959, 1.61476)),
    ("nadam", BETAS, (2.212558, 2.787442), (2.359509, 2.649661)),
    ("nadam_taught", BETAS, (2.38, 2.62), (2.65174, 2.36845)),
    ("newton", {"hessian": surfaces.hand_bowl.hessian}, (4, 2), (4, 2)),
    ("newton", {"hessian": surfaces.hand_bowl.hessian, "learning_rate": 0.5}, (3, 2.5), (3.5, 2.25)),
]


@pytest.mark.parametrize(("name", "hyperparameters", "first", "second"), TWO_STEPS)
def test_two_steps_by_hand(name, hyperparameters, first, second):
    path = trace(RULES[name], surfaces.hand_bowl.gradient, (2, 3), 2, **hyperparameters)
    np.testing.assert_allclose(path[1:], [first, second], rtol=0, atol=6e-6)


def test_gradient_descent_by_hand():
    path = trace(RULES["gradient_descent"], surfaces.round_bowl.gradient, (1, 4), 1, learning_rate=0.3)
    np.testing.assert_allclose(path[1], (2.2, 2.8), rtol=1e-15)


# Every rule on every surface


def rate_for(name, surface):
    """Half of one over the largest curvature in the window, or steps of a hundredth of its width."""
    (x0, x1), (y0, y1) = surface.window
    if name in ("gradient_descent", "newton") or name.startswith(("momentum", "nesterov")):
        grid = np.array(np.meshgrid(np.linspace(x0, x1, 41), np.linspace(y0, y1, 41)))
        curvatures = np.linalg.eigvalsh(np.moveaxis(surface.hessian(grid), (0, 1), (-2, -1)))
        return 0.5 / np.abs(curvatures).max()
    return 1.0 if name == "adadelta" else 0.01 * (x1 - x0)


# Newton's step goes to the nearest flat point, or past it, where the curvature at the start is not positive
# or changes fast.
NOT_FOR_NEWTON = {"long_valley", "himmelblau", "plateau", "rastrigin"}
SUITABLE = [(name, on) for name in RULES for on in SURFACES if name != "newton" or on not in NOT_FOR_NEWTON]


@pytest.mark.parametrize(("name", "on"), SUITABLE)
def test_every_rule_goes_down_on_every_surface(name, on):
    rule, surface = RULES[name], SURFACES[on]
    hyperparameters = signature(rule)[1]
    given = {"hessian": surface.hessian} if name == "newton" else {}
    if name != "newton" and "learning_rate" in hyperparameters:
        given["learning_rate"] = rate_for(name, surface)
    path = trace(rule, surface.gradient, surface.start, 100, **given)
    assert path.shape == (101, 2)
    assert path.dtype == float
    assert np.isfinite(path).all()
    assert surface.value(path[-1]) < surface.value(surface.start)
    starts = np.multiply.outer(surface.start, [1.0, 1.01])
    both = trace(rule, surface.gradient, starts, 100, **given)
    assert both.shape == (101, 2, 2)
    assert np.isfinite(both).all()


@every_rule
def test_a_rule_returns_a_tuple_of_point_and_state_and_changes_nothing(name):
    rule = RULES[name]
    state, hyperparameters = signature(rule)
    given = {key: SETTINGS.get(key, surfaces.ravine.hessian) for key in hyperparameters}
    for shape in ((2,), (2, 3), (2, 3, 4)):
        rng = np.random.default_rng(0)
        w = rng.uniform(1.0, 2.0, shape)
        parts = {part: rng.uniform(0.1, 0.4, shape) for part in state}
        asked = []

        def gradient(point, asked=asked):
            asked.append(surfaces.ravine.gradient(point))
            asked[-1].flags.writeable = False
            return asked[-1]

        for array in (w, *parts.values()):
            array.flags.writeable = False
        for t in (1, 2):
            result = rule(w, gradient, t, *parts.values(), **given)
            assert type(result) is tuple
            assert [np.shape(part) for part in result] == [shape] * (1 + len(state))
            assert all(np.asarray(part).dtype == float for part in result)
            assert not any(np.shares_memory(part, w) for part in result)
            np.testing.assert_array_equal(result, rule(w, gradient, t, *parts.values(), **given))


# Rprop


@pytest.mark.parametrize(
    ("name", "loss", "to_1e_3", "to_1e_3_from_a_tenth", "to_1e_6"),
    [
        ("rprop", 1.65e-10, 29, 16, 39),
        ("rprop_backtracking", 2.76e-7, 24, 17, 44),
        ("rprop_adapt_first", 3.05e-10, 24, 15, 35),
        ("rprop_skip", 3.40e-7, 29, 19, 43),
    ],
)
def test_the_four_rprops_on_the_ravine(name, loss, to_1e_3, to_1e_3_from_a_tenth, to_1e_6):
    def run(**given):
        return sweep(RULES[name], surfaces.ravine, (0.1, 3.5), 50, **given)

    assert run()["final_loss"] == pytest.approx(loss, rel=2e-3)
    assert run(tolerance=1e-3)["steps_to_tolerance"] == to_1e_3
    assert run(tolerance=1e-6)["steps_to_tolerance"] == to_1e_6
    assert run(tolerance=1e-3, initial_step_size=0.1)["steps_to_tolerance"] == to_1e_3_from_a_tenth


@pytest.mark.parametrize("name", RPROP)
def test_the_limits_of_the_step_size_bind(name):
    downhill = history(RULES[name], np.ones_like, (0.0,), 40, max_step_size=0.5)
    assert downhill["step_size"].max() == downhill["step_size"][-1] == 0.5
    assert np.abs(np.diff(downhill["w"], axis=0)).max() == pytest.approx(0.5)
    signs = iter(60 * [1.0, -1.0])
    there_and_back = history(RULES[name], lambda w: [next(signs)], (0.0,), 60, min_step_size=0.001)
    assert there_and_back["step_size"].min() == there_and_back["step_size"][-1] == 0.001


@pytest.mark.parametrize("name", RPROP)
def test_the_default_limits_of_the_step_size(name):
    downhill = history(RULES[name], np.ones_like, (0.0,), 80)
    assert downhill["step_size"][-1] == 50.0
    signs = iter(60 * [1.0, -1.0])
    assert history(RULES[name], lambda w: [next(signs)], (0.0,), 60)["step_size"][-1] == 1e-6


# Where epsilon stands


@pytest.mark.parametrize(
    ("gradient", "inside", "outside"), [(1e-4, 0.707, 0.9999), (1e-5, 0.0995, 0.999), (1e-6, 0.010, 0.990)]
)
def test_an_epsilon_inside_the_root_acts_like_a_far_larger_one(gradient, inside, outside):
    def first_step(name, **given):
        path = trace(RULES[name], lambda w: gradient * np.ones_like(w), (0.0,), 1, learning_rate=1.0, **given)
        return -path[1, 0]

    same = {"epsilon": 1e-8}
    assert first_step("adam_inside", **same) == pytest.approx(inside, rel=5e-3)
    assert first_step("adam_paper", **same) == pytest.approx(outside, abs=5e-4)
    assert first_step("adagrad", initial_accumulator_value=0.0, **same) == pytest.approx(inside, rel=5e-3)
    assert first_step("adagrad_outside", **same) == pytest.approx(outside, abs=5e-4)
    assert first_step("rmsprop", rho=0.0, **same) == pytest.approx(inside, rel=5e-3)
    assert first_step("rmsprop_outside", rho=0.0, **same) == pytest.approx(outside, abs=5e-4)


def test_adams_three_epsilons_under_one_tiny_gradient():
    step = {
        name: -trace(RULES[name], lambda w: 1e-6 * np.ones_like(w), (0.0,), 1, learning_rate=1.0)[1, 0]
        for name in ("adam", "adam_paper", "adam_inside")
    }
    hat = 1e-7 / np.sqrt(1 - 0.999)  # Keras's epsilon seen from the corrected root
    assert step["adam"] == pytest.approx(1e-6 / (1e-6 + hat), rel=1e-9)
    assert step["adam_paper"] == pytest.approx(1e-6 / (1e-6 + 1e-8), rel=1e-9)
    assert step["adam_inside"] == pytest.approx(1e-6 / np.sqrt(1e-12 + 1e-8), rel=1e-9)


def test_an_epsilon_of_zero_leaves_a_weight_without_a_gradient_undefined():
    path = trace(
        RULES["adagrad"],
        lambda w: np.array([1.0, 0.0]),
        (1.0, 1.0),
        1,
        initial_accumulator_value=0.0,
        epsilon=0.0,
    )
    np.testing.assert_array_equal(path[1], [1 - 0.001, np.nan])


def test_without_correction_adams_early_steps_are_too_large():
    path = trace(RULES["adam_uncorrected"], np.ones_like, (0.0,), 2000, learning_rate=1.0)
    steps = -np.diff(path[:, 0])
    assert steps[0] == pytest.approx(3.16, abs=0.005)
    assert np.argmax(steps) + 1 == 12
    assert steps.max() == pytest.approx(6.57, abs=0.005)
    assert steps[-1] == pytest.approx(1.075, abs=5e-4)


# Variants: where they part


def test_accumulated_momentum_parts_from_keras_when_the_rate_changes():
    def run(rule, rate):
        return trace(rule, surfaces.ravine.gradient, (0.1, 3.5), 20, learning_rate=rate)

    keras, pytorch = optimizers.momentum, optimizers.momentum_accumulated
    np.testing.assert_allclose(run(keras, 0.1), run(pytorch, 0.1), rtol=1e-12)
    assert np.abs(run(keras, lambda t: 0.1 / t) - run(pytorch, lambda t: 0.1 / t)).max() > 0.1


def test_zeilers_defaults_are_the_papers():
    assert signature(RULES["adadelta_zeiler"])[1] == {"rho": 0.95, "epsilon": 1e-6}


def test_adadelta_at_rate_one_is_zeilers():
    given = {"rho": 0.9, "epsilon": 1e-4}
    zeiler = trace(RULES["adadelta_zeiler"], surfaces.ravine.gradient, (0.1, 3.5), 50, **given)
    one = trace(RULES["adadelta"], surfaces.ravine.gradient, (0.1, 3.5), 50, learning_rate=1.0, **given)
    five = trace(RULES["adadelta"], surfaces.ravine.gradient, (0.1, 3.5), 50, learning_rate=5.0, **given)
    np.testing.assert_array_equal(zeiler, one)
    # What is remembered of a step is the step before the rate.
    np.testing.assert_allclose(five[1] - five[0], 5 * (one[1] - one[0]), rtol=1e-12)


# Newton


def test_newton_reaches_the_bottom_of_any_quadratic_in_one_step():
    matrix, bottom = np.array([[3.0, 1.0], [0.5, 2.0]]), np.array([1.0, -2.0])  # rows and columns differ
    path = trace(optimizers.newton, lambda w: matrix @ (w - bottom), (5.0, 7.0), 1, hessian=lambda w: matrix)
    np.testing.assert_allclose(path[1], bottom, rtol=1e-14)


def test_newton_in_one_dimension_and_in_a_batch():
    # Roots of w**3 - 8, one Newton step from 1 and from 4.
    path = trace(
        optimizers.newton,
        lambda w: w**3 - 8,
        np.array([[1.0, 4.0]]),
        1,
        hessian=lambda w: 3 * w[None] ** 2,
    )
    np.testing.assert_allclose(path[1], [[1 + 7 / 3, 4 - 56 / 48]], rtol=1e-15)
    wells = surfaces.two_wells
    starts = np.array([[-1.2, 1.1, 0.9], [1.0, -0.5, 0.2]])
    together = trace(optimizers.newton, wells.gradient, starts, 8, hessian=wells.hessian)
    np.testing.assert_allclose(
        together[-1], np.transpose([wells.minima[0], wells.minima[1], wells.minima[1]]), atol=1e-12
    )


def test_newton_jumps_to_the_saddle():
    path = trace(optimizers.newton, surfaces.saddle.gradient, (1.0, 0.5), 1, hessian=surfaces.saddle.hessian)
    np.testing.assert_array_equal(path[1], [0.0, 0.0])


def test_newton_where_there_is_no_curvature_and_in_more_dimensions():
    flat = trace(optimizers.newton, np.ones_like, (1.0, 2.0), 1, hessian=lambda w: np.zeros((2, 2)))
    assert not np.isfinite(flat[1]).any()
    with pytest.raises(ValueError, match="newton works on 1 or 2 weights, got 3"):
        trace(optimizers.newton, lambda w: 2 * w, (1.0, 2.0, 3.0), 1, hessian=lambda w: 2 * np.eye(3))


@pytest.mark.parametrize("hessian", [np.eye(3), np.ones(2), None], ids=["3x3", "row", "nothing"])
def test_newton_names_a_hessian_that_does_not_fit(hessian):
    message = f"hessian must return shape (2, 2, *batch), got {np.shape(hessian)}"
    with pytest.raises(ValueError) as caught:
        optimizers.newton(np.ones(2), lambda w: w, 1, hessian=lambda w: hessian)
    assert str(caught.value) == message
