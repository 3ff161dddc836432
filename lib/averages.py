"""Exponentially weighted averages, which momentum, RMSprop, Adadelta and Adam share.

Throughout this file: `beta` in [0, 1) is the share of the old average that survives a
step, `t` counts steps from 1, and the age `k` of a value is the number of steps since
it arrived (the newest has age 0).
"""

import numpy as np

BLOCK = 16_384  # values worked on at a time, so that they stay in the cache
NEGLIGIBLE = 1e-17  # a factor below this is lost in the rounding of the sum


def ewma(average, value, beta):
    """One step of the average: keep `beta` of the old, add the rest of the new.

    `average`, `value` and `beta` are numbers or arrays that broadcast; so is the
    result. Nothing is checked here, because the update rules call it at every step;
    `ewma_series` and `paths.trace` check.
    Source: Roberts (1959), "Control chart tests based on geometric moving averages".

    >>> round(ewma(ewma(0.0, 4.0, 0.9), 4.95, 0.9), 12)
    0.855
    """
    return beta * average + (1 - beta) * value


def debias(average, beta, t):
    """Divide an average that started at zero by the weight it has seen so far.

    That undoes its pull toward zero. After `t` steps the weights sum to `1 - beta**t`;
    dividing makes them sum to one. Numbers or arrays that broadcast. Source: Kingma and
    Ba (2014), section 3.

    >>> round(debias(0.855, 0.9, 2), 12)
    4.5
    """
    return average / (1 - power(beta, t))


def power(beta, t):
    """`beta**t`, for a whole number `t` by repeated squaring.

    That gives the same bits for a number and for each element of an array, on every
    machine (a library's `pow` does not), and on arrays it is several times faster. For
    an array `t` it is `numpy.power`.
    """
    if not isinstance(t, int):
        return np.power(beta, t)
    result = 1.0
    for bit in bin(t)[2:]:
        result *= result
        if bit == "1":
            result *= beta
    return result


def ewma_series(values, beta, initial=0.0):
    """The average after every value of a series, from the start value `initial`.

    It is `V_t = beta V_(t-1) + (1 - beta) value_t` with `V_0 = initial`. `values` has
    shape `(T,)`, or `(T, *batch)` for several series at once; the result has the same
    shape. `initial=0.0` is the start that needs `debias`; `initial=values[0]` lets the
    first average be the first value. Raises `ValueError` for a `beta` outside [0, 1),
    an empty series or a value that is not finite.

    The recursion is unrolled by doubling: after the pass with stride `k`, every entry
    has collected its `2k` newest terms. Blocks keep the work in the cache and hand
    their last average on.
    """
    check_beta(beta)
    values = check_series(values)
    averages = np.empty(values.shape)
    carry = initial
    for first in range(0, len(values), BLOCK):
        block = averages[first : first + BLOCK]
        block[:] = (1 - beta) * values[first : first + BLOCK]
        block[0] += beta * carry
        stride, factor = 1, beta
        while stride < len(block) and factor > NEGLIGIBLE:
            block[stride:] += factor * block[:-stride]
            stride, factor = 2 * stride, beta ** (2 * stride)
        carry = block[-1]
    return averages


def corrected_series(values, beta):
    """The average after every value, started at zero and corrected.

    It is `V_t / (1 - beta**t)`. Shapes and errors as in `ewma_series`. The first entry
    is the first value itself.
    """
    averages = ewma_series(values, beta)
    t = np.arange(1, len(averages) + 1)
    return debias(averages, beta, t.reshape((-1,) + (1,) * (averages.ndim - 1)))


def weights(beta, n):
    """The weights of the `n` newest values by their age `k`, newest first: `(n,)`.

    They are `(1 - beta) * beta**k` and sum to `1 - beta**n`. Raises `ValueError` for a
    `beta` outside [0, 1) or `n < 1`.
    """
    check_beta(beta)
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise ValueError(f"n must be a whole number >= 1, got {n!r}")
    return (1 - beta) * np.power(beta, np.arange(n))


def effective_window(beta):
    """`1 / (1 - beta)`, in steps: about how many of the newest values it rests on.

    They carry the share `1 - beta**window`, about 1 - 1/e = 63 %, of the weight.
    """
    check_beta(beta)
    return 1 / (1 - beta)


def half_life(beta):
    """`log(1/2) / log(beta)`, in steps: the age at which a value's weight has halved.

    It is 0 for `beta = 0`.
    """
    check_beta(beta)
    return np.log(0.5) / np.log(beta) if beta > 0 else 0.0


def latency(beta):
    """`beta / (1 - beta)`, in steps: the mean age; also the lag behind a steady trend."""
    check_beta(beta)
    return beta / (1 - beta)


def equal_noise_window(beta):
    """`(1 + beta) / (1 - beta)`, in steps: the plain mean that calms noise as much."""
    check_beta(beta)
    return (1 + beta) / (1 - beta)


def check_beta(beta):
    """Raise `ValueError` unless `beta` is in [0, 1), `TypeError` if it is no number."""
    try:
        if 0 <= beta < 1:
            return
        error = ValueError
    except (TypeError, ValueError):
        error = TypeError
    raise error(f"beta must be a number in [0, 1), got {beta!r}")


def check_series(values):
    """The series as an array of floats.

    Raises `ValueError` if it is empty or not finite, `TypeError` if it is no numbers.
    """
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"values must be a series of numbers, got {values!r}") from None
    if values.ndim == 0 or len(values) == 0:
        raise ValueError(
            f"values must be a series with at least one value, got shape {values.shape}"
        )
    finite = np.isfinite(values)
    if not finite.all():
        position = np.argwhere(~finite)[0]
        raise ValueError(
            f"values must be finite, got {values[tuple(position)]} at position {position[0]}"
        )
    return values
