"""Sweeps: a map of 100 learning rates by 100 values of momentum or beta_1, 100 steps each, on the ravine."""

import os
from functools import partial
from importlib.util import find_spec

import numpy as np

from benchmarks.timing import Row, compare, duration, ratio, wall
from lib import optimizers, surfaces, sweep

START, STEPS, TOLERANCE = (0.1, 3.5), 100, 1e-3
SURFACE, COEFFICIENTS, TARGET = surfaces.ravine, (0.1, 1.2), (4.0, 2.0)


def settings(n):
    """A map of `n` settings: every rate with every beta, two flat arrays."""
    side = round(n**0.5)
    return np.repeat(np.linspace(0.01, 0.6, side), side), np.tile(np.linspace(0.0, 0.99, side), side)


def momentum(rates, betas):
    return sweep(
        optimizers.momentum,
        SURFACE,
        START,
        STEPS,
        tolerance=TOLERANCE,
        learning_rate=rates,
        momentum=betas,
    )


def adam(rates, betas):
    return sweep(
        optimizers.adam,
        SURFACE,
        START,
        STEPS,
        tolerance=TOLERANCE,
        learning_rate=rates,
        beta_1=betas,
    )


class Results:
    """The three results of a sweep, kept by hand."""

    def __init__(self, n):
        self.reached, self.lost = np.full(n, np.inf), np.full(n, np.inf)
        self.near, self.late, self.finite = (
            np.empty(n, bool),
            np.empty(n, bool),
            np.empty((2, n), bool),
        )

    def add(self, t, w, loss):
        np.less_equal(loss, TOLERANCE, out=self.near)
        np.greater(self.reached, t, out=self.late)
        self.near &= self.late
        self.reached[self.near] = t
        if not np.isfinite(w, out=self.finite).all():
            self.lost[~self.finite.all(axis=0) & (self.lost > t)] = t
        self.loss = loss

    def all(self):
        failed = (self.lost < np.inf) | np.isnan(self.loss)
        return {
            "final_loss": np.where(failed, np.inf, self.loss),
            "steps_to_tolerance": self.reached,
            "diverged": self.lost,
        }


def given(w):
    """The loss and the gradient of the library's surface, which make new arrays."""
    return SURFACE.value, SURFACE.gradient


def by_hand(w):
    """The same two for the points `w`, written out in place; the gradient follows the loss of its points."""
    a, p = np.reshape(COEFFICIENTS, (2, 1)), np.reshape(TARGET, (2, 1))
    twice = 2 * a
    away, terms, g, loss = (
        w - p,
        np.empty_like(w),
        np.empty_like(w),
        np.empty(w.shape[1]),
    )

    def gradient(_):
        return np.multiply(twice, away, out=g)

    def value(w):
        np.subtract(w, p, out=away)
        np.multiply(a, away, out=terms)
        np.multiply(terms, away, out=terms)
        return np.add(terms[0], terms[1], out=loss)

    return value, gradient


def momentum_in_place(rates, betas, surface=by_hand):
    w = np.repeat(np.reshape(START, (2, 1)), len(rates), axis=1)
    value, gradient = surface(w)
    velocity, results = np.zeros_like(w), Results(len(rates))
    with np.errstate(all="ignore"):
        for t in range(1, STEPS + 1):
            g = gradient(w)
            g *= rates
            velocity *= betas
            velocity -= g
            w += velocity
            results.add(t, w, value(w))
    return results.all()


def adam_in_place(rates, betas, surface=by_hand, beta_2=0.999, epsilon=1e-7):
    w = np.repeat(np.reshape(START, (2, 1)), len(rates), axis=1)
    value, gradient = surface(w)
    m, v, step, results = (
        np.zeros_like(w),
        np.zeros_like(w),
        np.empty_like(w),
        Results(len(rates)),
    )
    rest, power_1, power_2, rate = (
        1 - betas,
        np.ones_like(betas),
        1.0,
        np.empty_like(rates),
    )
    with np.errstate(all="ignore"):
        for t in range(1, STEPS + 1):
            g = gradient(w)
            np.multiply(rest, g, out=step)
            m *= betas
            m += step
            g *= g
            g *= 1 - beta_2
            v *= beta_2
            v += g
            power_1 *= betas
            power_2 *= beta_2
            np.subtract(1, power_1, out=rate)
            np.divide(rates, rate, out=rate)
            rate *= np.sqrt(1 - power_2)
            np.sqrt(v, out=step)
            step += epsilon
            np.divide(m, step, out=step)
            step *= rate
            w -= step
            results.add(t, w, value(w))
    return results.all()


def adam_optax(rates, betas):
    """A function that runs the sweep: optax under `vmap` and `scan`, compiled once, in JAX's own float32."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # one thread, as NumPy
    import jax
    import jax.numpy as jnp
    import optax

    a, p = jnp.array(COEFFICIENTS), jnp.array(TARGET)

    def loss(w):
        return (a * (w - p) ** 2).sum()

    def one(rate, beta):
        optimizer = optax.adam(rate, b1=beta, eps=1e-7)

        def step(carry, t):
            w, state, reached, lost = carry
            updates, state = optimizer.update(jax.grad(loss)(w), state, w)
            w = optax.apply_updates(w, updates)
            reached = jnp.where(loss(w) <= TOLERANCE, jnp.minimum(reached, t), reached)
            lost = jnp.where(jnp.isfinite(w).all(), lost, jnp.minimum(lost, t))
            return (w, state, reached, lost), None

        w = jnp.array(START)
        carry = (w, optimizer.init(w), jnp.inf, jnp.inf)
        (w, _, reached, lost), _ = jax.lax.scan(step, carry, jnp.arange(1.0, STEPS + 1))
        end = jnp.where(jnp.isinf(lost), loss(w), jnp.inf)
        return {"final_loss": end, "steps_to_tolerance": reached, "diverged": lost}

    run = jax.jit(jax.vmap(one))
    rates, betas = jnp.array(rates), jnp.array(betas)
    return lambda: jax.block_until_ready(run(rates, betas))


def growth(what, run):
    """The slope of the time from 10,000 to 1,000,000 settings, both axes logarithmic."""
    few, many, found = ratio(partial(run, *settings(10_000)), partial(run, *settings(1_000_000)), rounds=3)
    return Row(
        what,
        duration(many),
        f"10,000 settings {duration(few)}",
        -np.log10(found) / 2,
        "<= 1.05",
    )


def rows():
    pair, one = settings(10_000), (0.1, 0.9)
    for name, run, in_place in (
        ("momentum", momentum, momentum_in_place),
        ("Adam", adam, adam_in_place),
    ):
        what, ours = f"{name}, 10,000 settings", partial(run, *pair)
        yield compare(what, ours, "one setting", partial(run, *one), "<= 10", 21)
        other = partial(in_place, *pair, given)
        yield compare(what, ours, "in place, same surface", other, "<= 1.2", 21)
        other = partial(in_place, *pair, by_hand)
        yield compare(what, ours, "in place, all by hand", other, "<= 1.2", 21)
        yield growth(f"{name}, 1,000,000 settings, slope", run)
    if find_spec("optax"):
        yield compare(what, ours, "optax, warm", adam_optax(*pair), "<= 1.1", 21, wall)
    else:
        yield Row(what, "", "optax", None, "<= 1.1")
