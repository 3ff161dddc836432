"""What the rules share and what theory promises of them, for any gradients hypothesis can think of."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lib import averages, optimizers, trace
from lib.paths import history, signature
from tests.rules import RULES

examples = settings(derandomize=True, deadline=None, max_examples=50)
few_examples = settings(examples, max_examples=15)

STEPS = 12
shares = st.floats(0.0, 0.99)
rates = st.floats(1e-3, 1.0)
starts = arrays(float, 2, elements=st.floats(-5, 5))
# The gradients of a path, told one after the other wherever the path is.
nonzero = st.floats(0.1, 10) | st.floats(-10, -0.1)
gradients = arrays(float, (STEPS, 2), elements=nonzero | st.just(0.0))
steep = arrays(float, (STEPS, 2), elements=nonzero)  # for an epsilon of zero
# For bounds: long silences, and sizes far apart.
wild = arrays(float, (60, 2), elements=st.just(0.0) | st.floats(-1, 1) | st.floats(-1e6, 1e6))
# A power of two, so that nothing is rounded away: what scales exactly, scales to the bit.
scales = st.integers(-10, 10).map(lambda k: 4.0**k)

SCRIPTED = [name for name in RULES if name != "newton"]  # rules that take the gradients as they come
DESCENTS = ["momentum", "momentum_averaged", "momentum_accumulated", "nesterov", "nesterov_keras"]
RPROP = ["rprop", "rprop_adapt_first", "rprop_backtracking", "rprop_skip"]

# The power of the gradient's unit in which a rule's epsilon is measured.
EPSILON_UNIT = {
    "adagrad": 2,
    "adagrad_outside": 1,
    "rmsprop": 2,
    "rmsprop_outside": 1,
    "rmsprop_momentum": 2,
    "rmsprop_centered": 2,
    "adam": 1,
    "adam_paper": 1,
    "adam_inside": 2,
    "adam_uncorrected": 1,
    "nadam": 1,
    "nadam_pytorch": 1,
    "nadam_exact": 1,
    "nadam_taught": 1,
}


def follow(name, told, start=(0.0, 0.0), **hyperparameters):
    """The path of a rule that is told these gradients."""
    script = iter(told)
    return trace(RULES[name], lambda w: next(script), start, len(told), **hyperparameters)


# Averages


@examples
@given(st.floats(0.0, 0.999), st.integers(1, 300))
def test_weights_sum_to_one_after_correction(beta, n):
    assert averages.debias(averages.weights(beta, n).sum(), beta, n) == pytest.approx(1, rel=1e-11)


@examples
@given(st.floats(0.0, 0.999), st.floats(-1e3, 1e3), st.integers(1, 300))
def test_the_corrected_average_of_a_constant_is_the_constant(beta, value, n):
    got = averages.corrected_series(np.full(n, value), beta)
    np.testing.assert_allclose(got, np.full(n, value), rtol=1e-11)
    average = 0.0
    for _ in range(n):
        average = averages.ewma(average, value, beta)
    assert averages.debias(average, beta, n) == pytest.approx(value, rel=1e-11)


@examples
@given(st.floats(0.0, 0.999), arrays(float, st.integers(1, 100), elements=st.floats(-100, 100)))
def test_a_corrected_average_lies_among_its_values(beta, values):
    corrected = averages.corrected_series(values, beta)
    slack = 1e-10 * np.abs(values).max()
    assert np.all(corrected <= np.maximum.accumulate(values) + slack)
    assert np.all(corrected >= np.minimum.accumulate(values) - slack)


# One rule in several forms


@examples
@given(starts, gradients, rates, shares)
def test_the_three_forms_of_momentum_coincide_under_the_change_of_rate(start, told, rate, share):
    velocity = follow("momentum", told, start, learning_rate=rate, momentum=share)
    accumulated = follow("momentum_accumulated", told, start, learning_rate=rate, momentum=share)
    averaged = follow("momentum_averaged", told, start, learning_rate=rate / (1 - share), momentum=share)
    np.testing.assert_allclose(accumulated, velocity, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(averaged, velocity, rtol=1e-12, atol=1e-10)


@examples
@given(steep, rates, st.floats(0.01, 0.99))
def test_at_the_same_rate_the_averaged_form_goes_only_a_share_of_the_way(told, rate, share):
    velocity = follow("momentum", told, learning_rate=rate, momentum=share)
    averaged = follow("momentum_averaged", told, learning_rate=rate, momentum=share)
    np.testing.assert_allclose(averaged, (1 - share) * velocity, rtol=1e-10, atol=1e-12)
    assert not np.allclose(averaged[1], velocity[1], rtol=1e-3)


@examples
@given(starts, rates, shares, st.floats(0.1, 2), st.floats(-1, 1))
def test_nesterov_is_kerass_form_after_the_change_of_variable(start, rate, share, curvature, bend):
    def gradient(w):
        return curvature * w + bend * np.sin(w)

    given_ = {"learning_rate": rate, "momentum": share}
    record = history(optimizers.nesterov, gradient, start, 30, **given_)
    keras = trace(optimizers.nesterov_keras, gradient, start, 30, **given_)
    scale = 1 + np.abs(keras).max()
    np.testing.assert_allclose(
        keras[1:], record["w"][1:] + share * record["velocity"], rtol=1e-9, atol=1e-9 * scale
    )


@pytest.mark.parametrize("name", DESCENTS)
@few_examples
@given(starts, rates)
def test_momentum_zero_is_gradient_descent(name, start, rate):
    def gradient(w):
        return np.sin(3 * w)

    still = trace(RULES[name], gradient, start, 20, learning_rate=rate, momentum=0.0)
    plain = trace(optimizers.gradient_descent, gradient, start, 20, learning_rate=rate)
    np.testing.assert_array_equal(still, plain)


@examples
@given(gradients, rates, shares)
def test_rmsprop_with_momentum_zero_is_rmsprop(told, rate, share):
    np.testing.assert_array_equal(
        follow("rmsprop_momentum", told, learning_rate=rate, rho=share, momentum=0.0),
        follow("rmsprop", told, learning_rate=rate, rho=share),
    )


@examples
@given(gradients, rates, shares, shares)
def test_the_corrected_rules_differ_only_in_where_they_put_epsilon(told, rate, beta_1, beta_2):
    assume(np.all(told[0] != 0))
    given_ = {"learning_rate": rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": 0.0}
    paper = follow("adam_paper", told, **given_)
    np.testing.assert_allclose(follow("adam", told, **given_), paper, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(follow("adam_inside", told, **given_), paper, rtol=1e-9, atol=1e-9)


@examples
@given(gradients, rates, shares)
def test_without_a_first_moment_adam_and_the_constant_nadams_are_one(told, rate, share):
    given_ = {"learning_rate": rate, "beta_1": 0.0, "beta_2": share, "epsilon": 1e-3}
    adam = follow("adam_paper", told, **given_)
    np.testing.assert_allclose(follow("nadam_exact", told, **given_), adam, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(follow("nadam_taught", told, **given_), adam, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(follow("nadam", told, **given_), adam, rtol=1e-12, atol=1e-12)


@examples
@given(gradients, rates, shares, shares)
def test_pytorchs_nadam_with_decay_one_is_kerass(told, rate, beta_1, beta_2):
    given_ = {"learning_rate": rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": 1e-3}
    pytorch = follow("nadam_pytorch", told, momentum_decay=1.0, **given_)
    np.testing.assert_allclose(follow("nadam", told, **given_), pytorch, rtol=1e-9, atol=1e-9)


@examples
@given(arrays(float, STEPS, elements=st.sampled_from([-1.0, 1.0])))
def test_rprop_moves_by_what_adapting_first_has_adapted_one_step_ago(signs):
    told = np.stack([signs, signs[::-1]], axis=1)
    after = np.abs(np.diff(follow("rprop", told), axis=0))
    before = np.abs(np.diff(follow("rprop_adapt_first", told), axis=0))
    np.testing.assert_allclose(after[1:], before[:-1], rtol=1e-9)


@pytest.mark.parametrize("name", RPROP[1:])
@few_examples
@given(steep)
def test_while_no_sign_changes_the_rprops_that_adapt_first_are_one(name, told):
    told = np.abs(told)
    np.testing.assert_array_equal(follow(name, told), follow("rprop_adapt_first", told))


# Invariances


@pytest.mark.parametrize("name", SCRIPTED)
@few_examples
@given(gradients, starts)
def test_weights_do_not_see_one_another(name, told, start):
    both = follow(name, told, start)
    for weight in (0, 1):
        alone = follow(name, told[:, [weight]], start[[weight]])
        np.testing.assert_array_equal(both[:, [weight]], alone)


@pytest.mark.parametrize("name", SCRIPTED)
@few_examples
@given(gradients, starts)
def test_in_a_mirror_the_path_is_mirrored(name, told, start):
    np.testing.assert_array_equal(follow(name, -told, -start), -follow(name, told, start))


@pytest.mark.parametrize("name", ["gradient_descent", *DESCENTS])
@few_examples
@given(gradients, scales)
def test_descent_scales_with_the_gradient(name, told, scale):
    np.testing.assert_array_equal(follow(name, scale * told), scale * follow(name, told))


@pytest.mark.parametrize("name", RPROP)
@few_examples
@given(gradients, arrays(float, 2, elements=st.floats(0.01, 100)))
def test_rprop_sees_only_signs(name, told, scale):
    np.testing.assert_array_equal(follow(name, np.sign(told) * scale), follow(name, np.sign(told)))


@pytest.mark.parametrize("name", EPSILON_UNIT)
@few_examples
@given(steep, arrays(float, 2, elements=scales), rates)
def test_at_epsilon_zero_the_scale_of_each_gradient_drops_out(name, told, scale, rate):
    given_ = {"learning_rate": rate, "epsilon": 0.0}
    if "initial_accumulator_value" in signature(RULES[name])[1]:
        given_["initial_accumulator_value"] = 0.0
    np.testing.assert_array_equal(follow(name, scale * told, **given_), follow(name, told, **given_))


@pytest.mark.parametrize("name", EPSILON_UNIT)
@few_examples
@given(gradients, scales, st.floats(1e-3, 1.0))
def test_epsilon_is_measured_in_the_gradients_unit_or_in_its_square(name, told, scale, epsilon):
    given_ = {"learning_rate": 0.1, "epsilon": epsilon}
    other = {"learning_rate": 0.1, "epsilon": epsilon * scale ** EPSILON_UNIT[name]}
    if "initial_accumulator_value" in signature(RULES[name])[1]:
        given_["initial_accumulator_value"] = 0.5
        other["initial_accumulator_value"] = 0.5 * scale**2
    np.testing.assert_array_equal(follow(name, scale * told, **other), follow(name, told, **given_))


def test_every_rule_with_an_epsilon_has_a_unit_or_is_adadelta():
    with_epsilon = {name for name, rule in RULES.items() if "epsilon" in signature(rule)[1]}
    assert with_epsilon - set(EPSILON_UNIT) == {"adadelta", "adadelta_zeiler"}


@examples
@given(steep, st.floats(1, 100), st.floats(0.5, 0.95))
def test_adadelta_forgets_the_scale_of_the_loss_while_epsilon_is_small_beside_it(told, scale, rho):
    given_ = {"rho": rho, "epsilon": 1e-12}
    one = follow("adadelta_zeiler", told, **given_)
    np.testing.assert_allclose(follow("adadelta_zeiler", scale * told, **given_), one, rtol=0, atol=1e-13)
    assert np.abs(one[1]).min() > 1e-7


@examples
@given(steep, st.floats(0.5, 2), st.floats(0.5, 0.95))
def test_adadeltas_steps_are_in_the_unit_of_the_weights_if_epsilon_is(told, scale, rho):
    one = follow("adadelta_zeiler", told, rho=rho, epsilon=1e-12)
    # In another unit the numbers of the weights grow, the gradients shrink, and epsilon is a step squared.
    other = follow("adadelta_zeiler", told / scale, rho=rho, epsilon=1e-12 * scale**2)
    np.testing.assert_allclose(other, scale * one, rtol=0, atol=1e-13)


# Bounds


@pytest.mark.parametrize("name", ["adagrad", "adagrad_outside"])
@few_examples
@given(wild, rates)
def test_adagrad_from_zero_never_steps_further_than_its_rate(name, told, rate):
    path = follow(name, told, learning_rate=rate, initial_accumulator_value=0.0, epsilon=1e-12)
    assert np.abs(np.diff(path, axis=0)).max() <= rate * (1 + 1e-9)


@pytest.mark.parametrize("name", ["rmsprop", "rmsprop_outside"])
@few_examples
@given(wild, rates, shares)
def test_rmsprops_step_is_bounded(name, told, rate, rho):
    path = follow(name, told, learning_rate=rate, rho=rho, epsilon=1e-12)
    assert np.abs(np.diff(path, axis=0)).max() <= rate / np.sqrt(1 - rho) * (1 + 1e-9)


def adams_bound(t, beta_1, beta_2):
    """The largest step t in rates, by Cauchy-Schwarz between the weights of both averages."""
    shares_ = np.sum((beta_1**2 / beta_2) ** np.arange(t))
    return (1 - beta_1) / (1 - beta_1**t) * np.sqrt((1 - beta_2**t) / (1 - beta_2) * shares_)


@pytest.mark.parametrize("name", ["adam", "adam_paper", "adam_inside"])
@few_examples
@given(wild, rates, shares, st.floats(0.5, 0.999))
def test_adams_step_is_bounded(name, told, rate, beta_1, beta_2):
    path = follow(name, told, learning_rate=rate, beta_1=beta_1, beta_2=beta_2, epsilon=1e-12)
    for t, step in enumerate(np.abs(np.diff(path, axis=0)), 1):
        assert step.max() <= rate * adams_bound(t, beta_1, beta_2) * (1 + 1e-6)


@pytest.mark.parametrize("t", [1, 2, 10, 200])
def test_adams_bound_is_reached_by_gradients_that_grow(t):
    growing = (0.999 / 0.9) ** np.arange(t)
    path = follow("adam_paper", growing[:, None], (0.0,), learning_rate=1.0, epsilon=0.0)
    assert path[-2, 0] - path[-1, 0] == pytest.approx(adams_bound(t, 0.9, 0.999), rel=1e-9)


def test_adams_bound_is_seven_rates_in_the_long_run():
    bounds = [adams_bound(t, 0.9, 0.999) for t in [*range(1, 100), 1000, 20_000]]
    assert max(bounds) == pytest.approx(7.27, abs=0.005)
    assert bounds[-1] == max(bounds)


@pytest.mark.parametrize("name", RPROP)
@few_examples
@given(wild, st.floats(0.01, 1.0), st.floats(1.0, 3.0), shares)
def test_rprops_step_size_stays_within_its_limits(name, told, largest, eta_plus, eta_minus):
    script = iter(told)
    limits = {"min_step_size": 0.005, "max_step_size": largest}
    record = history(
        RULES[name],
        lambda w: next(script),
        (0.0, 0.0),
        len(told),
        initial_step_size=0.01,
        eta_plus=eta_plus,
        eta_minus=eta_minus,
        **limits,
    )
    assert record["step_size"].min() >= 0.005
    assert record["step_size"].max() <= largest
    assert np.abs(np.diff(record["w"], axis=0)).max() <= largest * (1 + 1e-9)


# Stability on a parabola with curvature L: the largest rate that converges


STABLE = {
    "gradient_descent": lambda mu: 2.0,
    "momentum": lambda mu: 2 * (1 + mu),
    "momentum_averaged": lambda mu: 2 * (1 + mu) / (1 - mu),
    "momentum_accumulated": lambda mu: 2 * (1 + mu),
    "nesterov": lambda mu: 2 * (1 + mu) / (1 + 2 * mu),
    "nesterov_keras": lambda mu: 2 * (1 + mu) / (1 + 2 * mu),
}


@pytest.mark.parametrize("name", STABLE)
@few_examples
@given(st.floats(0.0, 0.95), st.floats(0.1, 10))
def test_the_largest_stable_rate(name, share, curvature):
    limit = STABLE[name](share) / curvature
    given_ = {"momentum": share} if name != "gradient_descent" else {}
    path = trace(
        RULES[name],
        lambda w: curvature * w,
        (1.0,),
        1000,
        learning_rate=limit * np.array([0.98, 1.02]),
        **given_,
    )
    below, above = np.abs(path[-1, 0])
    assert below < 1e-6
    assert above > 1e6
