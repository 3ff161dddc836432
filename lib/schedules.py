"""Learning-rate schedules: each factory returns a function of the step number `t`, counted from 1.

A schedule can stand wherever `paths.trace` takes a hyperparameter. Keras counts its steps from 0, so its twin
at `step` is the schedule here at `t = step + 1`. A schedule takes a number or an array of step numbers.
Raises `ValueError` for a number that makes no schedule, `TypeError` for what is no number, and names it.
"""

import numpy as np


def constant(learning_rate):
    """The same rate at every step."""
    _check("learning_rate", learning_rate, 0)
    return lambda t: learning_rate + 0.0 * t


def step(learning_rate, drop_steps, drop_rate=0.5):
    """Multiply the rate by `drop_rate` every `drop_steps` steps.

    Keras: `ExponentialDecay(learning_rate, drop_steps, drop_rate, staircase=True)`.
    """
    _check("learning_rate", learning_rate, 0)
    _check("drop_steps", drop_steps, 1)
    _check("drop_rate", drop_rate, 0)

    def rate(t):
        drops = np.floor((t - 1) / drop_steps)
        return learning_rate * np.power(drop_rate, drops)

    return rate


def exponential(learning_rate, decay_steps, decay_rate):
    """Fall smoothly, by the factor `decay_rate` in `decay_steps` steps. Keras: `ExponentialDecay`."""
    _check("learning_rate", learning_rate, 0)
    _check("decay_steps", decay_steps, 1)
    _check("decay_rate", decay_rate, 0)
    return lambda t: learning_rate * np.power(decay_rate, (t - 1) / decay_steps)


def inverse_time(learning_rate, decay_steps, decay_rate):
    """`learning_rate / (1 + decay_rate * (t - 1) / decay_steps)`.

    The decay of Robbins and Monro (1951): the rates sum to infinity,
    their squares do not. Keras: `InverseTimeDecay`.
    """
    _check("learning_rate", learning_rate, 0)
    _check("decay_steps", decay_steps, 1)
    _check("decay_rate", decay_rate, 0)
    return lambda t: learning_rate / (1 + decay_rate * (t - 1) / decay_steps)


def polynomial(learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0):
    """Fall from `learning_rate` to `end_learning_rate` in `decay_steps` steps, then stay.

    `power=1` falls on a straight line. Keras: `PolynomialDecay`.
    """
    _check("learning_rate", learning_rate, 0)
    _check("decay_steps", decay_steps, 1)
    _check("end_learning_rate", end_learning_rate, 0)
    _check("power", power, 0)

    def rate(t):
        left = 1 - np.minimum((t - 1) / decay_steps, 1.0)
        return end_learning_rate + (learning_rate - end_learning_rate) * np.power(
            left, power
        )

    return rate


def cosine(learning_rate, decay_steps, alpha=0.0):
    """Fall along half a cosine to `alpha * learning_rate` in `decay_steps` steps, then stay.

    Keras: `CosineDecay`. Source: Loshchilov and Hutter (2017), without restarts.
    """
    _check("learning_rate", learning_rate, 0)
    _check("decay_steps", decay_steps, 1)
    _check("alpha", alpha, 0)

    def rate(t):
        done = np.minimum((t - 1) / decay_steps, 1.0)
        return learning_rate * (alpha + (1 - alpha) * 0.5 * (1 + np.cos(np.pi * done)))

    return rate


def warmup(schedule, warmup_steps):
    """Rise linearly from 0 to where `schedule` begins in `warmup_steps` steps, then follow it from its start.

    Keras has this only inside `CosineDecay(initial_learning_rate=0.0, warmup_target=..., warmup_steps=...)`,
    which equals `warmup(cosine(...), warmup_steps)`. Step 1 has rate 0.
    Source: Goyal et al. (2017), section 2.2.
    """
    if not callable(schedule):
        raise TypeError(f"schedule must be a function of t, got {schedule!r}")
    _check("warmup_steps", warmup_steps, 1)

    def rate(t):
        rising = schedule(1) * (t - 1) / warmup_steps
        return np.where(
            t - 1 < warmup_steps, rising, schedule(np.maximum(t - warmup_steps, 1))
        )

    return rate


def _check(name, value, low):
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not low <= value < np.inf:
        raise ValueError(f"{name} must be a finite number >= {low}, got {value!r}")
