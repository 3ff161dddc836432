"""lib/averages.py against a plain loop and against what its quantities are defined to be."""

import math

import numpy as np
import pytest

from lib import averages
from lib.averages import BLOCK, corrected_series, debias, ewma, ewma_series, power

BETAS = [0.0, 0.5, 0.9, 0.999, 0.9999]
LENGTHS = [1, 2, 3, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1]


def series(*shape):
    return np.random.default_rng(0).normal(10.0, 3.0, shape)


def loop(values, beta, average):
    result = []
    for value in values:
        average = beta * average + (1 - beta) * value
        result.append(average)
    return np.array(result)


def test_one_step_by_hand():
    assert ewma(8.0, 4.0, 0.75) == 7.0
    assert ewma(8.0, 4.0, 0.25) == 5.0
    assert debias(3.0, 0.5, 1) == 6.0
    assert debias(3.0, 0.5, 2) == 4.0


def test_one_step_broadcasts():
    average, value, beta = series(2, 3), series(3), np.array([0.0, 0.5, 0.75])
    expected = [[ewma(average[i, j], value[j], beta[j]) for j in range(3)] for i in range(2)]
    np.testing.assert_array_equal(ewma(average, value, beta), expected)
    np.testing.assert_array_equal(debias(average, beta, 3), average / (1 - beta**3))


@pytest.mark.parametrize("start", ["zero", "first value"])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("beta", BETAS)
def test_a_series_equals_a_plain_loop(beta, length, start):
    values = series(length)
    initial = 0.0 if start == "zero" else values[0]
    got = ewma_series(values, beta, initial)
    assert got.shape == values.shape
    np.testing.assert_allclose(got, loop(values.tolist(), beta, float(initial)), rtol=1e-14)  # the loop's


@pytest.mark.parametrize("beta", BETAS)
def test_a_long_series_is_right_to_1e_15(beta):
    values = series(2 * BLOCK + 1)
    got = ewma_series(values, beta)
    by_age = averages.weights(beta, len(values))
    for t in (1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1):
        assert got[t - 1] == pytest.approx(math.fsum(by_age[:t] * values[:t][::-1]), rel=1e-15, abs=0)


def test_the_series_starts_at_zero_unless_told():
    np.testing.assert_array_equal(ewma_series([4.0, 8.0], 0.5), [2.0, 5.0])
    np.testing.assert_array_equal(ewma_series([4.0, 8.0], 0.5, initial=4.0), [4.0, 6.0])


@pytest.mark.parametrize("batch", [(3,), (2, 3)])
@pytest.mark.parametrize("beta", BETAS)
def test_several_series_at_once_equal_each_alone(beta, batch):
    values = series(BLOCK + 2, *batch)
    together = ewma_series(values, beta, values[0])
    corrected = corrected_series(values, beta)
    assert together.shape == corrected.shape == values.shape
    for index in np.ndindex(*batch):
        one = (slice(None), *index)
        np.testing.assert_array_equal(together[one], ewma_series(values[one], beta, values[0][index]))
        np.testing.assert_array_equal(corrected[one], corrected_series(values[one], beta))


def test_a_list_of_whole_numbers_is_a_series_and_is_left_alone():
    values = np.array([4, 8, 1])
    np.testing.assert_array_equal(ewma_series(values, 0.5), [2.0, 5.0, 3.0])
    np.testing.assert_array_equal(ewma_series([4, 8, 1], 0.5), [2.0, 5.0, 3.0])
    np.testing.assert_array_equal(values, [4, 8, 1])


@pytest.mark.parametrize("beta", BETAS)
def test_the_corrected_series_is_the_weighted_mean_of_what_was_seen(beta):
    values = series(200)
    got = corrected_series(values, beta)
    for t in (1, 2, 10, 200):
        by_age = averages.weights(beta, t)
        assert got[t - 1] == pytest.approx(np.average(values[:t][::-1], weights=by_age), rel=1e-12)
    assert got[0] == pytest.approx(values[0], rel=1e-15)


@pytest.mark.parametrize("beta", BETAS)
def test_weights_are_what_a_lone_value_leaves_behind(beta):
    lone = np.zeros(50)
    lone[0] = 1.0
    np.testing.assert_allclose(averages.weights(beta, 50), ewma_series(lone, beta), rtol=1e-13)
    assert averages.weights(beta, 50).sum() == pytest.approx(1 - beta**50, rel=1e-12)


@pytest.mark.parametrize("beta", BETAS)
def test_windows_against_their_definitions(beta):
    by_age = averages.weights(beta, 400_000)
    age = np.arange(len(by_age))
    assert by_age.sum() == pytest.approx(1)
    assert averages.effective_window(beta) == pytest.approx(by_age.sum() / by_age[0])
    assert averages.latency(beta) == pytest.approx((age * by_age).sum())
    # White noise of variance 1: a plain average of n values has variance 1/n.
    assert averages.equal_noise_window(beta) == pytest.approx(1 / (by_age**2).sum())
    # beta**h = 1/2, so the first whole age with half the weight or less is h rounded up.
    halved = np.argmax(by_age <= by_age[0] / 2)
    assert np.ceil(averages.half_life(beta)) == pytest.approx(halved if beta else 0)
    assert beta ** averages.half_life(beta) == pytest.approx(0.5 if beta else 1)


@pytest.mark.parametrize("beta", BETAS[1:])
def test_the_effective_window_carries_about_63_percent_of_the_weight(beta):
    window = round(averages.effective_window(beta))
    share = averages.weights(beta, window).sum()
    assert 1 - np.exp(-1) < share <= 0.75
    if beta >= 0.999:
        assert share == pytest.approx(1 - np.exp(-1), abs=2e-4)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.999])
def test_latency_is_the_lag_behind_a_trend(beta):
    trend = 3.0 * np.arange(40_000)
    lag = trend[-1] - ewma_series(trend, beta)[-1]
    assert lag / 3.0 == pytest.approx(averages.latency(beta), rel=1e-9)


@pytest.mark.parametrize("t", [0, 1, 2, 3, 7, 8, 100, 1000, 1023])
def test_power_has_the_same_bits_for_a_number_and_in_an_array(t):
    betas = np.random.default_rng(0).uniform(0.5, 1, 100)
    together = np.broadcast_to(power(betas, t), betas.shape)
    np.testing.assert_array_equal(together, [power(float(beta), t) for beta in betas])
    np.testing.assert_array_equal(together, [power(beta, t) for beta in betas])
    np.testing.assert_allclose(together, betas**t, rtol=1e-13)


def test_power_multiplies_and_asks_no_library():
    for beta in np.random.default_rng(0).uniform(0.5, 1, 100).tolist():
        squared = beta * beta
        assert [power(beta, t) for t in (0, 1, 2, 3, 4)] == [
            1,
            beta,
            squared,
            squared * beta,
            squared * squared,
        ]


def test_power_of_an_array_of_steps():
    t = np.arange(1, 100)
    np.testing.assert_allclose(power(0.9, t), [power(0.9, int(k)) for k in t], rtol=1e-13)


every_function_of_beta = pytest.mark.parametrize(
    "function",
    [
        lambda beta: ewma_series([1.0], beta),
        lambda beta: corrected_series([1.0], beta),
        lambda beta: averages.weights(beta, 3),
        averages.effective_window,
        averages.half_life,
        averages.latency,
        averages.equal_noise_window,
    ],
)


@pytest.mark.parametrize("beta", [-0.1, 1.0, 1.5, np.nan, np.inf])
@every_function_of_beta
def test_a_beta_that_is_no_share_is_refused(function, beta):
    with pytest.raises(ValueError, match=rf"beta must be a number in \[0, 1\), got {beta}"):
        function(beta)


@pytest.mark.parametrize("beta", ["0.9", None, 1j, [0.9], np.array([0.5, 0.9])], ids=str)
@every_function_of_beta
def test_a_beta_that_is_no_number_is_refused(function, beta):
    with pytest.raises(TypeError) as caught:
        function(beta)
    assert str(caught.value) == f"beta must be a number in [0, 1), got {beta!r}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], r"values must be a series with at least one value, got shape \(0,\)"),
        (3.0, r"values must be a series with at least one value, got shape \(\)"),
        ([1.0, np.nan, np.inf], r"values must be finite, got nan at position 1"),
        (
            [[1.0, 2.0], [3.0, 4.0], [-np.inf, 5.0]],
            r"values must be finite, got -inf at position 2",
        ),
    ],
)
@pytest.mark.parametrize("function", [ewma_series, corrected_series])
def test_a_series_that_cannot_be_averaged_is_refused(function, values, message):
    with pytest.raises(ValueError, match=message):
        function(values, 0.9)


@pytest.mark.parametrize("values", ["warm", [1.0, "warm"], [[1.0], [2.0, 3.0]], [1j]])
@pytest.mark.parametrize("function", [ewma_series, corrected_series])
def test_what_is_no_series_is_refused_by_name(function, values):
    with pytest.raises(TypeError) as caught:
        function(values, 0.9)
    assert str(caught.value) == f"values must be a series of numbers, got {values!r}"


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", None, True])
def test_at_least_one_weight(n):
    with pytest.raises(ValueError, match=f"n must be a whole number >= 1, got {n!r}"):
        averages.weights(0.9, n)


def test_weights_may_be_counted_by_numpy():
    np.testing.assert_array_equal(averages.weights(0.5, np.int64(2)), [0.5, 0.25])
