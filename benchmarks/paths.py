"""Paths: 100 steps of Adam on the ravine, one start."""

from importlib.util import find_spec

import numpy as np

from benchmarks.timing import Row, compare, wall
from lib import optimizers, surfaces, trace

START, STEPS, RATE = (0.1, 3.5), 100, 0.1
(A, B), (P, Q) = (
    (0.1, 1.2),
    (4.0, 2.0),
)  # the ravine, for contenders that differentiate it themselves


def adam():
    return trace(optimizers.adam, surfaces.ravine.gradient, START, STEPS, learning_rate=RATE)


def adam_paper():
    return trace(
        optimizers.adam_paper,
        surfaces.ravine.gradient,
        START,
        STEPS,
        learning_rate=RATE,
    )


def textbook(
    learning_rate=RATE,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    gradient=surfaces.ravine.gradient,
):
    """The loop as a good textbook prints it."""
    w = np.array(START)
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    path = [w]
    for t in range(1, STEPS + 1):
        g = gradient(w)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_hat = v / (1 - beta_2**t)
        w = w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
        path.append(w)
    return np.array(path)


def with_keras():
    """Keras eager: a variable, a tape and `apply_gradients`."""
    import keras
    import tensorflow as tf

    w = tf.Variable(START, dtype=tf.float64)
    optimizer = keras.optimizers.Adam(learning_rate=RATE)
    path = [w.numpy()]
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            x, y = tf.unstack(w)
            loss = A * (x - P) ** 2 + B * (y - Q) ** 2
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        path.append(w.numpy())
    return np.array(path)


def with_torch():
    """PyTorch eager: a tensor, `backward` and `torch.optim.Adam`, which is our `adam_paper`."""
    import torch

    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=RATE)
    path = [w.detach().numpy().copy()]
    for _ in range(STEPS):
        optimizer.zero_grad()
        x, y = w
        loss = A * (x - P) ** 2 + B * (y - Q) ** 2
        loss.backward()
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def rows():
    what = "Adam, 100 steps"
    yield compare(what, adam, "textbook loop", textbook, "<= 1.0", rounds=51)
    yield compare(
        "Adam of the paper, 100 steps",
        adam_paper,
        "textbook loop",
        textbook,
        "<= 1.0",
        rounds=51,
    )
    if find_spec("torch"):
        yield compare(what, adam, "torch.optim", with_torch, ">= 20", 15, wall)
    else:
        yield Row(what, "", "torch", None, ">= 20")
    yield compare(what, adam, "Keras and a tape", with_keras, ">= 400", 7, wall)
