"""The oracle of every rule: its Keras twin, or a reference written here from the publication.

The twins are the table of `lib.keras_check`. A reference is the published algorithm for a single weight, in
plain floats: it asks for the gradient at the weight and the step, and yields the weight after every step. Its
defaults are the publication's, and `OTHERS` changes each of them.
"""

from itertools import count
from math import sqrt

from lib.keras_check import TWINS


def adagrad_outside(gradient, w, *, learning_rate=0.01, initial_accumulator_value=0.0, epsilon=1e-10):
    """PyTorch's documentation of `torch.optim.Adagrad`."""
    state_sum = initial_accumulator_value
    for t in count(1):
        g = gradient(w, t)
        state_sum += g**2
        w -= learning_rate * g / (sqrt(state_sum) + epsilon)
        yield w


def rmsprop_outside(gradient, w, *, learning_rate=0.01, rho=0.99, epsilon=1e-8):
    """PyTorch's documentation of `torch.optim.RMSprop`."""
    square_average = 0.0
    for t in count(1):
        g = gradient(w, t)
        square_average = rho * square_average + (1 - rho) * g**2
        w -= learning_rate * g / (sqrt(square_average) + epsilon)
        yield w


def adam_paper(gradient, w, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma and Ba (2014), algorithm 1."""
    m = v = 0.0
    for t in count(1):
        g = gradient(w, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_hat = v / (1 - beta_2**t)
        w -= learning_rate * m_hat / (sqrt(v_hat) + epsilon)
        yield w


def adam_inside(gradient, w, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """The slides' formula: epsilon is added to the corrected second moment."""
    m = v = 0.0
    for t in count(1):
        g = gradient(w, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        w -= learning_rate / sqrt(v / (1 - beta_2**t) + epsilon) * m / (1 - beta_1**t)
        yield w


def adam_uncorrected(gradient, w, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """The lecture slides' code."""
    m = v = 0.0
    for t in count(1):
        g = gradient(w, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        w -= learning_rate * m / (sqrt(v) + epsilon)
        yield w


def nadam_pytorch(
    gradient, w, *, learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=0.004
):
    """PyTorch's documentation of `torch.optim.NAdam`."""
    m = v = 0.0
    mu_product = 1.0
    for t in count(1):
        g = gradient(w, t)
        mu = beta_1 * (1 - 0.96 ** (t * momentum_decay) / 2)
        next_mu = beta_1 * (1 - 0.96 ** ((t + 1) * momentum_decay) / 2)
        mu_product *= mu
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = next_mu * m / (1 - mu_product * next_mu) + (1 - mu) * g / (1 - mu_product)
        v_hat = v / (1 - beta_2**t)
        w -= learning_rate * m_hat / (sqrt(v_hat) + epsilon)
        yield w


def nadam(gradient, w, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Keras's `Nadam`: PyTorch's schedule without the decay. Exact, where the twin rounds its 0.96."""
    settings = {"learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
    return nadam_pytorch(gradient, w, **settings, momentum_decay=1.0)


def nadam_exact(gradient, w, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Dozat (2016), with the same mu at all steps: the products are powers."""
    m = v = 0.0
    for t in count(1):
        g = gradient(w, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_bar = beta_1 * m / (1 - beta_1 ** (t + 1)) + (1 - beta_1) * g / (1 - beta_1**t)
        w -= learning_rate * m_bar / (sqrt(v / (1 - beta_2**t)) + epsilon)
        yield w


def nadam_taught(gradient, w, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """The last line of the Course 6 slides' derivation."""
    m = v = 0.0
    for t in count(1):
        g = gradient(w, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        r_hat = v / (1 - beta_2**t)
        w -= learning_rate / (sqrt(r_hat) + epsilon) * (beta_1 * m_hat + (1 - beta_1) * g / (1 - beta_1**t))
        yield w


def rprop(
    gradient,
    w,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """The three steps of the Course 6 slides: update the weight, update the value, store the sign."""
    update = initial_step_size
    stored = 0
    for t in count(1):
        new = sign(gradient(w, t))
        w -= update * new
        if stored and new:  # the first gradient has no predecessor to agree with or to differ from
            update *= eta_plus if new == stored else eta_minus
            update = min(max(update, min_step_size), max_step_size)
        stored = new
        yield w


def rprop_adapt_first(
    gradient,
    w,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """Igel and Huesken (2000), Rprop-."""
    delta = initial_step_size
    previous = 0.0
    for t in count(1):
        g = gradient(w, t)
        if previous * g > 0:
            delta = min(delta * eta_plus, max_step_size)
        elif previous * g < 0:
            delta = max(delta * eta_minus, min_step_size)
        w -= sign(g) * delta
        previous = g
        yield w


def rprop_backtracking(
    gradient,
    w,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """Riedmiller and Braun (1993), figure 2: Rprop with weight backtracking, Rprop+."""
    delta = initial_step_size
    previous = 0.0
    change = 0.0
    for t in count(1):
        g = gradient(w, t)
        if previous * g > 0:
            delta = min(delta * eta_plus, max_step_size)
            change = -sign(g) * delta
            w += change
            previous = g
        elif previous * g < 0:
            delta = max(delta * eta_minus, min_step_size)
            change = -change
            w += change
            previous = 0.0
        else:
            change = -sign(g) * delta
            w += change
            previous = g
        yield w


def rprop_skip(
    gradient,
    w,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """PyTorch's documentation of `torch.optim.Rprop`: a gradient of the other sign is set to zero."""
    eta = initial_step_size
    previous = 0.0
    for t in count(1):
        g = gradient(w, t)
        if previous * g > 0:
            eta = min(eta * eta_plus, max_step_size)
        elif previous * g < 0:
            eta = max(eta * eta_minus, min_step_size)
            g = 0.0
        w -= eta * sign(g)
        previous = g
        yield w


def sign(x):
    return (x > 0) - (x < 0)


ADAM = {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.01}
RPROP = {
    "initial_step_size": 0.1,
    "eta_plus": 1.5,
    "eta_minus": 0.25,
    "min_step_size": 0.01,
    "max_step_size": 0.5,
}

OTHERS = {
    adagrad_outside: {"learning_rate": 0.5, "initial_accumulator_value": 0.25, "epsilon": 0.01},
    rmsprop_outside: {"learning_rate": 0.1, "rho": 0.8, "epsilon": 0.01},
    adam_paper: ADAM,
    adam_inside: ADAM,
    adam_uncorrected: ADAM,
    nadam: ADAM,
    nadam_pytorch: {**ADAM, "momentum_decay": 0.1},
    nadam_exact: ADAM,
    nadam_taught: ADAM,
    rprop: RPROP,
    rprop_adapt_first: RPROP,
    rprop_backtracking: RPROP,
    rprop_skip: RPROP,
}
REFERENCES = {reference.__name__: reference for reference in OTHERS}

# Worked by hand: the weight, from 0, after gradients of these signs, with step sizes that start at 1, double
# and halve, and stay at or below 4.
SIGNS = (1, 1, 1, -1, -1, 0, -1)
HAND = {
    "rprop": (-1.0, -2.0, -4.0, 0.0, 2.0, 2.0, 6.0),
    "rprop_adapt_first": (-1.0, -3.0, -7.0, -5.0, -1.0, -1.0, 3.0),
    "rprop_backtracking": (-1.0, -3.0, -7.0, -3.0, -1.0, -1.0, 1.0),
    "rprop_skip": (-1.0, -3.0, -7.0, -7.0, -5.0, -5.0, -3.0),
}

# What the tests hold each rule against. For Newton's step, that is a linear solver.
ROWS = {**TWINS, **REFERENCES, "newton": "numpy.linalg.solve"}
