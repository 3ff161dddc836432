"""A small neural network: its weights in one flat vector, its gradient by
backpropagation.

Throughout this file:

w        all weights and biases: `(n,)`, or `(n, *batch)` for many networks at once
W, b     the weights `(inputs, outputs)` and the biases `(1, outputs)` of one layer; in
         `w`, layer after layer, W stands before b, as in Keras's `Dense`
x, y     the examples, one in each row: inputs `(N, inputs)`, targets `(N, outputs)`
z, a     what enters the units of a layer, `a @ W + b`, and what leaves them
delta    the error of a layer: the derivative of the loss by its z

Every rule of `lib.optimizers` trains a network, because to a rule `w` is one point:
`trace`, `sweep` and `history` on `network.on(x, y)`, all examples in every step, or
`train` on mini-batches.
"""

import itertools
from types import SimpleNamespace

import numpy as np

from lib.memory import parameters
from lib.paths import check_whole, walk


def sigmoid(z):
    """`1 / (1 + exp(-z))`, in a form that does not overflow."""
    return (1 + np.tanh(z / 2)) / 2


def relu(z):
    """`z` where it is positive, elsewhere 0."""
    return np.maximum(z, 0)


def softmax(z):
    """`exp(z)` divided by its sum over the last axis; shifted, so as not to overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def identity(z):
    """`z` itself."""
    return z


def squared_error(z, y):
    """Half the squared distance between outputs `z` and targets `y`, row by row."""
    return 0.5 * ((z - y) ** 2).sum(axis=-1)


def sigmoid_cross_entropy(z, y):
    """`-y log p - (1 - y) log(1 - p)` for `p = sigmoid(z)`, added up over each row.

    Computed from `z`, so that no `p` that has been rounded to 0 or 1 meets the logarithm.
    """
    return (np.logaddexp(0, z) - y * z).sum(axis=-1)


def softmax_cross_entropy(z, y):
    """`-y log p` for `p = softmax(z)`, added up over each row; computed from `z`."""
    z = z - z.max(axis=-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return -(y * log_p).sum(axis=-1)


# Of each activation, its slope as a function of its output a.
ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "relu": (relu, lambda a: a > 0),
}

# Each loss with the output it belongs to: in all three pairs, delta is output - target.
LOSSES = {
    "squared_error": (identity, squared_error),
    "sigmoid_cross_entropy": (sigmoid, sigmoid_cross_entropy),
    "softmax_cross_entropy": (softmax, softmax_cross_entropy),
}

# The variance of the weights of a layer; as in Keras, but a normal is not truncated.
INITIALIZERS = {
    "glorot_uniform": ("uniform", lambda inputs, outputs: 2 / (inputs + outputs)),
    "glorot_normal": ("normal", lambda inputs, outputs: 2 / (inputs + outputs)),
    "he_uniform": ("uniform", lambda inputs, outputs: 2 / inputs),
    "he_normal": ("normal", lambda inputs, outputs: 2 / inputs),
    "lecun_uniform": ("uniform", lambda inputs, outputs: 1 / inputs),
    "lecun_normal": ("normal", lambda inputs, outputs: 1 / inputs),
}


class Network:
    """Layers of `sizes` units, the inputs first: `Network((784, 32, 10))`.

    `activation` is that of the hidden layers, "relu", "tanh" or "sigmoid"; `loss` is
    "squared_error" (outputs as they are), "sigmoid_cross_entropy" (each output a
    probability) or "softmax_cross_entropy" (the outputs together a distribution). A
    loss is the mean over the examples of a sum over the outputs. `n` is the number of
    weights, biases included. Raises `ValueError` for sizes that make no network, or an
    unknown name; so do the methods for shapes or targets that do not fit.

    >>> network = Network((784, 32, 20, 10))
    >>> network.n
    25990
    """

    def __init__(self, sizes, activation="relu", loss="softmax_cross_entropy"):
        self.sizes = tuple(sizes)
        self.n = parameters(self.sizes)
        self.activation = activation
        self.objective = loss
        self._activate, self._slope = _known("activation", activation, ACTIVATIONS)
        self._output, self._losses = _known("loss", loss, LOSSES)

    def __repr__(self):
        sizes = "-".join(map(str, self.sizes))
        return f"<Network {sizes}, {self.activation}, {self.objective}>"

    def parameters(self, seed, initializer="glorot_uniform"):
        """Random weights `(n,)`, around zero and as wide as the initializer says; biases
        0.

        The names are Keras's: `glorot`, `he` and `lecun`, each `_uniform` or `_normal`.
        Source: Glorot and Bengio (2010); He et al. (2015); LeCun et al. (1998).
        """
        kind, variance = _known("initializer", initializer, INITIALIZERS)
        random = np.random.default_rng(seed)
        parts = []
        for shape in self._shapes():
            scale = np.sqrt(variance(*shape))
            if kind == "normal":
                W = scale * random.normal(size=shape)
            else:
                W = scale * np.sqrt(3) * random.uniform(-1, 1, shape)
            parts += [W, np.zeros(shape[1])]
        return _flat(parts, ())

    def layers(self, w):
        """The `(W, b)` of each layer, cut out of `w` or of any vector like it.

        Shapes `(*batch, inputs, outputs)` and `(*batch, 1, outputs)`; without a batch
        they are views: who changes them changes `w`.
        """
        w = np.asarray(w)
        if w.ndim == 0 or len(w) != self.n:
            raise ValueError(
                f"w must have shape ({self.n},) or ({self.n}, *batch) for {self!r}, "
                f"got {w.shape}"
            )
        w = np.moveaxis(w, 0, -1)
        if w.ndim > 1:  # side by side in memory, so that NumPy multiplies them by BLAS
            w = np.ascontiguousarray(w)
        layers, start = [], 0
        for inputs, outputs in self._shapes():
            middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
            W = w[..., start:middle].reshape(w.shape[:-1] + (inputs, outputs))
            layers.append((W, w[..., None, middle:end]))
            start = end
        return layers

    def forward(self, w, x):
        """`[a, ..., a, z]`: x, what leaves each hidden layer, what enters the last."""
        *hidden, (W, b) = self.layers(w)
        a = [self._inputs(x)]
        for V, c in hidden:
            a.append(self._activate(a[-1] @ V + c))
        return a + [a[-1] @ W + b]

    def predict(self, w, x):
        """The outputs, `(*batch, N, outputs)`."""
        return self._output(self.forward(w, x)[-1])

    def loss(self, w, x, y):
        """The mean loss over the examples, shape `batch`."""
        z = self.forward(w, x)[-1]
        return self._losses(z, self._targets(x, y)).mean(axis=-1)[()]

    def gradient(self, w, x, y):
        """The derivative of the loss by every weight, in the shape of `w`."""
        return self.loss_and_gradient(w, x, y)[1]

    def loss_and_gradient(self, w, x, y):
        """Both at the price of one: forward, then `backward` through the layers.

        Source: Rumelhart, Hinton and Williams (1986); BP1 to BP4 are the names of
        Nielsen (2015), chapter 2.
        """
        *activations, z = self.forward(w, x)
        y = self._targets(x, y)
        loss = self._losses(z, y).mean(axis=-1)[()]
        delta = (self._output(z) - y) / len(y)  # BP1
        return loss, self.backward(w, activations, delta)

    def backward(self, w, activations, delta):
        """From the error of the last layer to the derivative by every weight.

        `activations` are those of `forward`, without its z. The result has the shape of
        `w`.
        """
        deltas = [delta]
        for (W, _), a in zip(self.layers(w)[1:][::-1], activations[1:][::-1]):
            deltas.insert(0, (deltas[0] @ W.mT) * self._slope(a))  # BP2
        parts = []
        for a, delta in zip(activations, deltas):
            parts += [a.mT @ delta, delta.sum(axis=-2)]  # BP4, BP3
        return _flat(parts, np.shape(w)[1:])

    def accuracy(self, w, x, y):
        """The share of examples whose largest output is at the largest target.

        A single output counts as the probability of the class 1. Shape `batch`.
        """
        output, y = self.predict(w, x), self._targets(x, y)
        if self.sizes[-1] == 1:
            right = (output[..., 0] > 0.5) == (y[..., 0] > 0.5)
        else:
            right = output.argmax(axis=-1) == y.argmax(axis=-1)
        return right.mean(axis=-1)[()]

    def on(self, x, y):
        """The loss on these examples with its `value` and `gradient`, functions of `w`
        alone.

        That is what `paths.trace` and `paths.sweep` ask for.
        """
        return SimpleNamespace(
            value=lambda w: self.loss(w, x, y),
            gradient=lambda w: self.gradient(w, x, y),
        )

    def _shapes(self):
        return itertools.pairwise(self.sizes)

    def _inputs(self, x):
        x = np.asarray(x)
        if x.ndim != 2 or len(x) == 0 or x.shape[1] != self.sizes[0]:
            raise ValueError(
                f"x must be examples in rows, (N, {self.sizes[0]}), got shape {x.shape}"
            )
        return x

    def _targets(self, x, y):
        y = np.asarray(y)
        shape = (len(x), self.sizes[-1])
        if y.shape != shape:
            raise ValueError(f"y must have a row for each of x, {shape}, got {y.shape}")
        if self._output is not identity and not np.all((y >= 0) & (y <= 1)):
            raise ValueError(f"y must lie in [0, 1] for {self.objective}")
        if self._output is softmax and not np.allclose(y.sum(axis=-1), 1):
            raise ValueError(
                f"y must have rows that sum to 1 for {self.objective}, as "
                f"np.eye({self.sizes[-1]})[labels] has"
            )
        return y


def batches(n, batch_size, epochs, seed):
    """The rows of each mini-batch, one after the other: every epoch cuts a new shuffle.

    Each of the `n` rows comes once an epoch. The last batch of an epoch holds what is
    left, `n % batch_size`, if that is not 0.
    Raises `ValueError` for a batch that is empty or larger than `n`, or `epochs < 1`.

    >>> [rows.tolist() for rows in batches(5, 2, epochs=1, seed=0)]
    [[2, 4], [3, 0], [1]]
    """
    if check_whole("batch_size", batch_size) > n:
        raise ValueError(f"batch_size must be at most {n}, all rows, got {batch_size}")
    check_whole("epochs", epochs)
    random = np.random.default_rng(seed)
    shuffles = (random.permutation(n) for _ in range(epochs))
    return (
        rows[first : first + batch_size]
        for rows in shuffles
        for first in range(0, n, batch_size)
    )


def train(
    network,
    rule,
    w,
    x,
    y,
    *,
    batch_size=32,
    epochs=1,
    seed=0,
    validation_data=None,
    **hyperparameters,
):
    """Let a rule train a network from `w` on, a step for each of `batches`.

    Returns a dictionary: `"w"`, the weights at the end; `"batch_loss"`, of each batch
    where the rule asked for its gradient, `(steps, *batch)`; `"loss"`, of all examples,
    at the start and after each epoch, `(epochs + 1, *batch)`; and `"val_loss"`, the
    same for `validation_data`, a pair `(x, y)`, if given. All networks of a batch, and
    all settings, see the same examples in the same order. Hyperparameters and errors as
    in `paths.trace`; a loss that leaves the finite numbers is a result.
    """
    x, y = np.asarray(x), np.asarray(y)
    order = list(batches(len(x), batch_size, epochs, seed))
    told, batch_loss = [np.nan], []

    def gradient(w):
        rows = order[len(batch_loss)]  # of this step, however often the rule asks
        told[0], g = network.loss_and_gradient(w, x[rows], y[rows])
        return g

    data = {"loss": (x, y)}
    if validation_data is not None:
        data["val_loss"] = validation_data
    with np.errstate(all="ignore"):
        curves = {name: [_loss(network, w, *pair)] for name, pair in data.items()}
        for t, point, _ in walk(rule, gradient, w, len(order), **hyperparameters):
            batch_loss.append(told[0])
            if t % (len(order) // epochs) == 0:
                for name, pair in data.items():
                    curves[name].append(_loss(network, point, *pair))
    record = {"w": point, "batch_loss": np.array(batch_loss)}
    # The start may have fewer axes than the settings.
    for name, curve in curves.items():
        record[name] = np.stack(np.broadcast_arrays(*curve))
    return record


def _loss(network, w, x, y):
    """`network.loss`, a few rows at a time.

    What is multiplied then fits in the cache, and is too small to be shared out among
    threads, which on a busy machine spend most of their time waiting for each other.
    """
    x, y = network._inputs(x), network._targets(x, y)
    parts = [np.s_[first : first + 64] for first in range(0, len(x), 64)]
    return sum(network.loss(w, x[p], y[p]) * len(x[p]) for p in parts) / len(x)


def _flat(parts, batch):
    """The parts of each layer, W and b in turn, as one vector, coordinates first."""
    parts = [part.reshape(batch + (-1,)) for part in parts]
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 0)


def _known(what, name, table):
    if name not in table:
        raise ValueError(f"{what} must be one of {', '.join(table)}; got {name!r}")
    return table[name]
