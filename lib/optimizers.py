"""Every update rule of the course, one function each, simplest first.

Throughout this file:

w                the point: the weights, `(n,)` or `(n, *batch)`, coordinates first
gradient         the gradient function of the loss; `gradient(w)` has the shape of `w`
t                the number of the step, from 1
velocity         the running sum of past steps that momentum keeps
m, v             first and second moment: the averages of the gradient and of its square
accumulator      the sum (Adagrad) or the average (Adadelta) of squared gradients
epsilon          the small constant that keeps a division finite

A rule is called as `rule(w, gradient, t, *state, **hyperparameters)` and returns the
tuple `(new w, *new state)`. The state's start values are the defaults in the signature;
a rule never changes its arguments. Hyperparameters carry Keras's names and defaults; a
hyperparameter is a number or an array of shape `batch`. Nothing is checked here:
`paths.trace` does that once, before the first step.

A plain name (`adam`) is the rule as Keras computes it. A longer name (`adam_paper`) is
a variant, and its docstring says where it departs from the plain one.
"""

import numpy as np

from lib.averages import debias, ewma, power


def gradient_descent(w, gradient, t, *, learning_rate=0.01):
    """Step against the gradient: `w - learning_rate * g`.

    State: none. Equals Keras `SGD`.
    Source: Cauchy (1847); with sampled gradients, Robbins and Monro (1951).
    """
    return (w - learning_rate * gradient(w),)


def momentum(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """Keep a velocity, which the gradient only nudges, and move by it.

    State: `velocity`, shape of `w`, in units of a step. Equals Keras
    `SGD(momentum=...)`, whose own default of 0.0 would switch the idea off.
    Source: Polyak (1964); in this form Sutskever et al. (2013).
    """
    velocity = momentum * velocity - learning_rate * gradient(w)
    return w + velocity, velocity


def momentum_averaged(w, gradient, t, average=0.0, *, learning_rate=0.01, momentum=0.9):
    """Move along the exponentially weighted average of the gradients.

    State: `average`, shape of `w`, in units of the gradient.
    Departs from `momentum`: the gradient enters with weight `1 - momentum`, so that the
    same path needs the learning rate divided by `1 - momentum`.
    Source: Ng, "Improving deep neural networks" (2017); Kingma and Ba's (2014) first
    moment.
    """
    average = ewma(average, gradient(w), momentum)
    return w - learning_rate * average, average


def momentum_accumulated(
    w, gradient, t, accumulated=0.0, *, learning_rate=0.01, momentum=0.9
):
    """Add up the gradients, discounting the old ones, and step against the sum.

    State: `accumulated`, shape of `w`, in units of the gradient.
    Departs from `momentum`: the rate multiplies the sum instead of each gradient, which
    is the same path while the rate is constant and another one when a schedule changes
    it. PyTorch's `SGD(momentum=...)`.
    Source: PyTorch, `torch.optim.SGD`.
    """
    accumulated = momentum * accumulated + gradient(w)
    return w - learning_rate * accumulated, accumulated


def nesterov(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """Look ahead to where the velocity leads, and let the gradient there correct it.

    State: `velocity`, shape of `w`, in units of a step. Keras's `SGD(nesterov=True)`
    stores the look-ahead point: its weights are this rule's `w + momentum * velocity`.
    Source: Nesterov (1983); in this form Sutskever et al. (2013).
    """
    velocity = momentum * velocity - learning_rate * gradient(w + momentum * velocity)
    return w + velocity, velocity


def nesterov_keras(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """Nesterov's rule with the look-ahead point itself as the weights.

    State: `velocity`, shape of `w`, in units of a step. Equals Keras
    `SGD(nesterov=True)`.
    Departs from `nesterov`: `w` stands for its `w + momentum * velocity`, so that the
    gradient is taken where the weights are.
    Source: Bengio, Boulanger-Lewandowski and Pascanu (2013), "Advances in optimizing
    recurrent networks".
    """
    g = gradient(w)
    velocity = momentum * velocity - learning_rate * g
    return w + momentum * velocity - learning_rate * g, velocity


def rprop(
    w,
    gradient,
    t,
    step_size=None,
    sign=0.0,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """Move each weight against its gradient's sign by its own step size; then adapt
    that.

    A sign that repeats lets the step size grow, one that changes lets it shrink; a
    gradient of zero, or none before it, leaves it alone. State: `step_size`, in units
    of `w`, and `sign` of the last gradient, both of shape `w`. Keras has no Rprop.
    Source: the three-step algorithm as taught; after Riedmiller and Braun (1993).
    """
    if step_size is None:
        step_size = initial_step_size
    new_sign = np.sign(gradient(w))
    w = w - step_size * new_sign
    step_size = _adapt(
        step_size, sign * new_sign, eta_plus, eta_minus, min_step_size, max_step_size
    )
    return w, step_size, new_sign


def rprop_adapt_first(
    w,
    gradient,
    t,
    step_size=None,
    sign=0.0,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """Adapt the step size to this gradient's sign, then move by it.

    State as in `rprop`.
    Departs from `rprop`: the order.
    Source: Igel and Huesken (2000), Rprop-.
    """
    if step_size is None:
        step_size = initial_step_size
    new_sign = np.sign(gradient(w))
    step_size = _adapt(
        step_size, sign * new_sign, eta_plus, eta_minus, min_step_size, max_step_size
    )
    return w - step_size * new_sign, step_size, new_sign


def rprop_backtracking(
    w,
    gradient,
    t,
    step_size=None,
    sign=0.0,
    last_step=0.0,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """Adapt, then move; but where the sign has changed, take the last step back.

    State as in `rprop`, and `last_step`, what the weight moved by, in units of `w`.
    Departs from `rprop_adapt_first`: after a change of sign the weight returns to where
    it was, and the sign is forgotten, so that the next step does not shrink again.
    Source: Riedmiller and Braun (1993); Igel and Huesken (2000), Rprop+.
    """
    if step_size is None:
        step_size = initial_step_size
    new_sign = np.sign(gradient(w))
    agreement = sign * new_sign
    step_size = _adapt(
        step_size, agreement, eta_plus, eta_minus, min_step_size, max_step_size
    )
    step = np.where(agreement < 0, -last_step, -step_size * new_sign)
    return w + step, step_size, np.where(agreement < 0, 0.0, new_sign), step


def rprop_skip(
    w,
    gradient,
    t,
    step_size=None,
    sign=0.0,
    *,
    initial_step_size=0.01,
    eta_plus=1.2,
    eta_minus=0.5,
    min_step_size=1e-6,
    max_step_size=50.0,
):
    """Adapt, then move; but where the sign has changed, stay for one step.

    State as in `rprop`.
    Departs from `rprop_adapt_first`: after a change of sign the weight does not move
    and the sign is forgotten. PyTorch's `Rprop`.
    Source: Igel and Huesken (2000), iRprop-.
    """
    if step_size is None:
        step_size = initial_step_size
    new_sign = np.sign(gradient(w))
    agreement = sign * new_sign
    step_size = _adapt(
        step_size, agreement, eta_plus, eta_minus, min_step_size, max_step_size
    )
    new_sign = np.where(agreement < 0, 0.0, new_sign)
    return w - step_size * new_sign, step_size, new_sign


def _adapt(step_size, agreement, eta_plus, eta_minus, min_step_size, max_step_size):
    factor = np.where(agreement > 0, eta_plus, np.where(agreement < 0, eta_minus, 1.0))
    return np.clip(step_size * factor, min_step_size, max_step_size)


def adagrad(
    w,
    gradient,
    t,
    accumulator=None,
    *,
    learning_rate=0.001,
    initial_accumulator_value=0.1,
    epsilon=1e-7,
):
    """Divide each weight's rate by the root of the sum of its squared gradients.

    State: `accumulator`, shape of `w`, in units of the gradient squared. Equals Keras
    `Adagrad`.
    Source: Duchi, Hazan and Singer (2011), who start the sum at zero.
    """
    if accumulator is None:
        accumulator = initial_accumulator_value
    g = gradient(w)
    accumulator = accumulator + g * g
    return w - learning_rate * g / np.sqrt(accumulator + epsilon), accumulator


def adagrad_outside(
    w,
    gradient,
    t,
    accumulator=None,
    *,
    learning_rate=0.01,
    initial_accumulator_value=0.0,
    epsilon=1e-10,
):
    """Adagrad with epsilon outside the root and the sum started at zero.

    State as in `adagrad`.
    Departs from `adagrad`: where epsilon stands; and the defaults, which are PyTorch's.
    Source: Goodfellow, Bengio and Courville (2016), algorithm 8.4; PyTorch,
    `torch.optim.Adagrad`.
    """
    if accumulator is None:
        accumulator = initial_accumulator_value
    g = gradient(w)
    accumulator = accumulator + g * g
    return w - learning_rate * g / (np.sqrt(accumulator) + epsilon), accumulator


def rmsprop(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """Divide each weight's rate by the root of the average of its squared gradients.

    State: `v`, shape of `w`, in units of the gradient squared. Equals Keras `RMSprop`.
    Source: Tieleman and Hinton (2012), lecture 6.5.
    """
    g = gradient(w)
    v = ewma(v, g * g, rho)
    return w - learning_rate * g / np.sqrt(v + epsilon), v


def rmsprop_outside(
    w, gradient, t, v=0.0, *, learning_rate=0.01, rho=0.99, epsilon=1e-8
):
    """RMSprop with epsilon outside the root.

    State as in `rmsprop`.
    Departs from `rmsprop`: where epsilon stands; and the defaults, which are PyTorch's.
    Source: PyTorch, `torch.optim.RMSprop`.
    """
    g = gradient(w)
    v = ewma(v, g * g, rho)
    return w - learning_rate * g / (np.sqrt(v) + epsilon), v


def rmsprop_momentum(
    w,
    gradient,
    t,
    v=0.0,
    velocity=0.0,
    *,
    learning_rate=0.001,
    rho=0.9,
    momentum=0.9,
    epsilon=1e-7,
):
    """RMSprop whose steps build up a velocity.

    State: `v` as in `rmsprop`, and `velocity`, shape of `w`, in units of a step. Equals
    Keras `RMSprop(momentum=...)`, whose own default of 0.0 would switch the idea off.
    Departs from `rmsprop`: the step is added to `momentum` times the last one.
    Source: Graves (2013), arXiv:1308.0850; Keras, `RMSprop`.
    """
    g = gradient(w)
    v = ewma(v, g * g, rho)
    velocity = momentum * velocity - learning_rate * g / np.sqrt(v + epsilon)
    return w + velocity, v, velocity


def rmsprop_centered(
    w, gradient, t, v=0.0, m=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7
):
    """RMSprop that divides by the standard deviation of the gradient instead of its
    root mean square.

    State: `v` as in `rmsprop`, and `m`, the average gradient, shape of `w`. Equals
    Keras `RMSprop(centered=True)`.
    Departs from `rmsprop`: the square of the average gradient is taken off `v` under
    the root.
    Source: Graves (2013), arXiv:1308.0850, equations 38 to 40; Keras, `RMSprop`.
    """
    g = gradient(w)
    v = ewma(v, g * g, rho)
    m = ewma(m, g, rho)
    return w - learning_rate * g / np.sqrt(v - m * m + epsilon), v, m


def adadelta(
    w,
    gradient,
    t,
    accumulator=0.0,
    delta_accumulator=0.0,
    *,
    learning_rate=0.001,
    rho=0.95,
    epsilon=1e-7,
):
    """Measure each step by the root mean square of past steps over that of past
    gradients.

    State: `accumulator`, in units of the gradient squared, and `delta_accumulator`, in
    units of `w` squared, both of shape `w`. Equals Keras `Adadelta`, whose rate of
    0.001 has to be raised to 1.0 for Zeiler's rule.
    Departs from `adadelta_zeiler`: the rate scales the step, but not what is remembered
    of it.
    Source: Zeiler (2012), algorithm 1; Keras, `Adadelta`.
    """
    g = gradient(w)
    accumulator = ewma(accumulator, g * g, rho)
    delta = -np.sqrt(delta_accumulator + epsilon) / np.sqrt(accumulator + epsilon) * g
    delta_accumulator = ewma(delta_accumulator, delta * delta, rho)
    return w + learning_rate * delta, accumulator, delta_accumulator


def adadelta_zeiler(
    w, gradient, t, accumulator=0.0, delta_accumulator=0.0, *, rho=0.95, epsilon=1e-6
):
    """Adadelta as published: no learning rate.

    State as in `adadelta`.
    Source: Zeiler (2012), algorithm 1.
    """
    g = gradient(w)
    accumulator = ewma(accumulator, g * g, rho)
    delta = -np.sqrt(delta_accumulator + epsilon) / np.sqrt(accumulator + epsilon) * g
    delta_accumulator = ewma(delta_accumulator, delta * delta, rho)
    return w + delta, accumulator, delta_accumulator


def adam(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
):
    """Average the gradient and its square, correct both averages, and step by their
    ratio.

    State: `m`, in units of the gradient, and `v`, in units of its square, both of shape
    `w`. Equals Keras `Adam`: the corrections are folded into the rate, so that epsilon
    meets the uncorrected root of `v` (the paper's "epsilon hat").
    Source: Kingma and Ba (2014), section 2, the more efficient order of computation.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    rate = learning_rate * np.sqrt(1 - power(beta_2, t)) / (1 - power(beta_1, t))
    return w - rate * m / (np.sqrt(v) + epsilon), m, v


def adam_paper(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
):
    """Adam as its paper's algorithm 1 prints it.

    State as in `adam`.
    Departs from `adam`: epsilon is added to the corrected root.
    Source: Kingma and Ba (2014), algorithm 1.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    return (
        w
        - learning_rate
        * debias(m, beta_1, t)
        / (np.sqrt(debias(v, beta_2, t)) + epsilon),
        m,
        v,
    )


def adam_inside(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
):
    """Adam with epsilon under the root, as lecture notes often have it.

    State as in `adam`.
    Departs from `adam_paper`: epsilon is in units of the gradient squared, and acts
    like a far larger one.
    Source: lecture notes; not the paper's rule.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    return (
        w
        - learning_rate
        * debias(m, beta_1, t)
        / np.sqrt(debias(v, beta_2, t) + epsilon),
        m,
        v,
    )


def adam_uncorrected(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
):
    """Adam without bias correction, to show what goes wrong: its early steps are too
    large.

    State as in `adam`.
    Departs from `adam_paper`: neither average is corrected.
    Source: lecture notes' code; not the paper's rule.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    return w - learning_rate * m / (np.sqrt(v) + epsilon), m, v


def nadam(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    product=1.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
):
    """Adam whose first moment looks one step ahead, with a momentum that warms up.

    State: `m` and `v` as in `adam`, and `product`, of the momenta so far, a number or
    of shape `batch`. Equals Keras `Nadam`: momentum `beta_1 * (1 - 0.96**t / 2)` in the
    look-ahead, `beta_1` in the average.
    Source: Dozat (2016); Keras, `Nadam`.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    mu = beta_1 * (1 - 0.5 * 0.96**t)
    next_mu = beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
    product = product * mu
    m_hat = next_mu * m / (1 - product * next_mu) + (1 - mu) * g / (1 - product)
    return (
        w - learning_rate * m_hat / (np.sqrt(debias(v, beta_2, t)) + epsilon),
        m,
        v,
        product,
    )


def nadam_pytorch(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    product=1.0,
    *,
    learning_rate=0.002,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    momentum_decay=0.004,
):
    """Nadam with PyTorch's schedule, whose momentum warms up over thousands of steps.

    State as in `nadam`.
    Departs from `nadam`: the exponent of 0.96 is `momentum_decay * t`; and the
    defaults, which are PyTorch's.
    Source: PyTorch, `torch.optim.NAdam`.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    mu = beta_1 * (1 - 0.5 * np.power(0.96, t * momentum_decay))
    next_mu = beta_1 * (1 - 0.5 * np.power(0.96, (t + 1) * momentum_decay))
    product = product * mu
    m_hat = next_mu * m / (1 - product * next_mu) + (1 - mu) * g / (1 - product)
    return (
        w - learning_rate * m_hat / (np.sqrt(debias(v, beta_2, t)) + epsilon),
        m,
        v,
        product,
    )


def nadam_exact(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
):
    """Nadam with a constant momentum, each term divided by the weight it has seen.

    State as in `adam`.
    Departs from `nadam`: no schedule. What looks ahead is corrected for step `t + 1`,
    the gradient for `t`.
    Source: Dozat (2016), with a constant momentum.
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    m_hat = beta_1 * debias(m, beta_1, t + 1) + (1 - beta_1) * debias(g, beta_1, t)
    return w - learning_rate * m_hat / (np.sqrt(debias(v, beta_2, t)) + epsilon), m, v


def nadam_taught(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
):
    """Nadam as lectures derive it, with today's corrected moment in the place of
    tomorrow's.

    State as in `adam`.
    Departs from `nadam_exact`: the look-ahead is corrected for step `t`, which makes
    the first step `1 + beta_1` times the learning rate.
    Source: the lecture notes' derivation; after Dozat (2016).
    """
    g = gradient(w)
    m = ewma(m, g, beta_1)
    v = ewma(v, g * g, beta_2)
    m_hat = beta_1 * debias(m, beta_1, t) + (1 - beta_1) * debias(g, beta_1, t)
    return w - learning_rate * m_hat / (np.sqrt(debias(v, beta_2, t)) + epsilon), m, v


def newton(w, gradient, t, *, hessian, learning_rate=1.0):
    """Newton's step, for comparison: `w - learning_rate * H^-1 g`, with the curvature
    itself.

    `hessian` is the function that gives it, `(n, n, *batch)`; n is 1 or 2. State: none.
    A singular Hessian gives a step that is not finite. Keras has no such rule.
    Source: Nocedal and Wright (2006), chapter 3.
    """
    return (w - learning_rate * _solve(hessian(w), gradient(w)),)


def _solve(matrix, vector):
    """The solution of a 1x1 or 2x2 system by Cramer's rule, coordinates first."""
    if len(vector) == 1:
        return vector / matrix[0]
    if len(vector) != 2:
        raise ValueError(f"newton works on 1 or 2 weights, got {len(vector)}")
    if np.shape(matrix)[:2] != (2, 2):
        raise ValueError(
            f"hessian must return shape (2, 2, *batch), got {np.shape(matrix)}"
        )
    (a, b), (c, d) = matrix
    x, y = vector
    return np.array([d * x - b * y, a * y - c * x]) / (a * d - b * c)
