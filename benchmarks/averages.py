"""Averages: a whole series against `scipy.signal.lfilter`, and against the exact sum."""

from decimal import Decimal, localcontext
from functools import partial

import numpy as np
from scipy.signal import lfilter

from benchmarks.timing import Row, compare
from lib.averages import ewma_series


def series(n):
    return np.random.default_rng(0).normal(size=n)


def filtered(values, beta):
    return lfilter([1 - beta], [1, -beta], values)


def exact(values, beta):
    """The averages to 50 digits, rounded once."""
    with localcontext() as context:
        context.prec = 50
        beta, average, averages = Decimal(beta), Decimal(0), []
        for value in map(Decimal, values.tolist()):
            average = beta * average + (1 - beta) * value
            averages.append(float(average))
    return np.array(averages)


def error(averages, expected):
    """The largest error, as a share of the largest average."""
    return np.abs(averages - expected).max() / np.abs(expected).max()


def rows():
    for beta, goal in ((0.9, "<= 1.0"), (0.999, "<= 1.25")):
        for n, rounds in ((10**5, 21), (10**6, 11), (10**7, 5)):
            values = series(n)
            what = f"EWMA of {n:,} values, beta {beta}"
            ours, other = (
                partial(ewma_series, values, beta),
                partial(filtered, values, beta),
            )
            yield compare(what, ours, "lfilter", other, goal, rounds)
    values = series(10**5)
    for beta in (0.9, 0.999):
        expected = exact(values, beta)
        ours, other = (
            error(ewma_series(values, beta), expected),
            error(filtered(values, beta), expected),
        )
        yield Row(
            f"EWMA, error, beta {beta}",
            f"{ours:.1e}",
            f"lfilter {other:.1e}",
            ours,
            "<= 1e-15",
        )
