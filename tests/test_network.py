"""lib/network.py: its gradient against differences and a tape, its training against `trace` and Keras."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import keras_check, memory, optimizers, paths
from lib.network import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    Network,
    batches,
    sigmoid,
    softmax,
    train,
)
from tests.rules import RULES

examples = settings(derandomize=True, deadline=None, max_examples=60)
few_examples = settings(examples, max_examples=20)

sizes = st.lists(st.integers(1, 5), min_size=2, max_size=4)
networks = st.builds(Network, sizes, st.sampled_from(list(ACTIVATIONS)), st.sampled_from(list(LOSSES)))
seeds = st.integers(0, 2**32 - 1)
EVERY_KIND = [Network((4, 5, 3, 2), *kind) for kind in itertools.product(ACTIVATIONS, LOSSES)]
every_kind = pytest.mark.parametrize("network", EVERY_KIND, ids=repr)


def problem(network, seed, count=6, batch=()):
    """Weights, biases included, and examples for a network."""
    random = np.random.default_rng(seed)
    w = random.normal(size=(network.n, *batch))
    x = random.normal(size=(count, network.sizes[0]))
    y = random.normal(size=(count, network.sizes[-1]))
    if network.objective == "sigmoid_cross_entropy":
        y = sigmoid(y)
    elif network.objective == "softmax_cross_entropy":
        y = softmax(y)
    return w, x, y


def differences(network, w, x, y, step=1e-6):
    """The derivative of the loss by every weight, by central differences."""
    h = step * np.eye(network.n)
    return (network.loss(w[:, None] + h, x, y) - network.loss(w[:, None] - h, x, y)) / (2 * step)


# The gradient


@examples
@given(networks, seeds, st.integers(1, 7))
def test_the_gradient_against_finite_differences(network, seed, count):
    w, x, y = problem(network, seed, count)
    g = network.gradient(w, x, y)
    np.testing.assert_allclose(g, differences(network, w, x, y), rtol=1e-5, atol=1e-7)


@every_kind
def test_the_gradient_against_the_tape(network):
    w, x, y = problem(network, seed=0)
    loss, g = network.loss_and_gradient(w, x, y)
    tape_loss, tape_g = keras_check.tape(network, w, x, y)
    assert loss == pytest.approx(tape_loss, rel=1e-13)
    np.testing.assert_allclose(g, tape_g, rtol=1e-11, atol=1e-14)


def test_the_gradient_of_a_linear_network_is_that_of_least_squares():
    network = Network((3, 1), loss="squared_error")
    w, x, y = problem(network, seed=1, count=50)
    ones = np.column_stack([x, np.ones(len(x))])
    np.testing.assert_allclose(network.gradient(w, x, y), ones.T @ (ones @ w - y[:, 0]) / len(x))
    solution = np.linalg.lstsq(ones, y[:, 0], rcond=None)[0]
    np.testing.assert_allclose(network.gradient(solution, x, y), 0, atol=1e-15)


def test_two_by_two_by_hand():
    """One example through one hidden unit of each kind, computed with pencil and paper."""
    x, y = [[2.0]], [[1.0]]
    w = np.array([0.5, -1.0, 3.0, 1.0])  # z = 2 * 0.5 - 1 = 0
    for activation, a, slope in (
        ("sigmoid", 0.5, 0.25),
        ("tanh", 0.0, 1.0),
        ("relu", 0.0, 0.0),
    ):
        network = Network((1, 1, 1), activation, "squared_error")
        output = 3 * a + 1
        error = output - 1
        assert network.predict(w, x) == [[output]]
        assert network.loss(w, x, y) == error**2 / 2
        delta = error * 3 * slope
        assert network.gradient(w, x, y).tolist() == [
            delta * 2,
            delta,
            error * a,
            error,
        ]


@few_examples
@given(networks, seeds)
def test_backward_takes_any_error_back(network, seed):
    """It is the derivative of the last z, weighted by the error, whatever the loss."""
    w, x, _ = problem(network, seed)
    *activations, z = network.forward(w, x)
    delta = np.random.default_rng(seed).normal(size=z.shape)
    h = 1e-6 * np.eye(network.n)
    upper, lower = (network.forward(w[:, None] + s * h, x)[-1] for s in (1, -1))
    expected = ((upper - lower) / 2e-6 * delta).sum(axis=(-2, -1))
    g = network.backward(w, activations, delta)
    np.testing.assert_allclose(g, expected, rtol=1e-5, atol=1e-7)


@few_examples
@given(networks, seeds)
def test_both_at_once_are_both(network, seed):
    w, x, y = problem(network, seed)
    loss, g = network.loss_and_gradient(w, x, y)
    assert loss == network.loss(w, x, y)
    np.testing.assert_array_equal(g, network.gradient(w, x, y))
    data = network.on(x, y)
    assert data.value(w) == loss
    np.testing.assert_array_equal(data.gradient(w), g)


# Shapes


@few_examples
@given(networks, seeds, st.sampled_from([(1,), (3,), (2, 3)]))
def test_many_networks_are_as_many_single_ones(network, seed, batch):
    w, x, y = problem(network, seed, batch=batch)
    loss, g = network.loss_and_gradient(w, x, y)
    prediction = network.predict(w, x)
    accuracy = network.accuracy(w, x, y)
    assert loss.shape == accuracy.shape == batch
    assert g.shape == w.shape
    assert prediction.shape == (*batch, len(x), network.sizes[-1])
    for index in np.ndindex(batch):
        one = w[(slice(None), *index)]
        assert np.ndim(network.loss(one, x, y)) == 0
        assert network.loss(one, x, y) == pytest.approx(loss[index], rel=1e-12)
        np.testing.assert_allclose(
            network.gradient(one, x, y), g[(slice(None), *index)], rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose(network.predict(one, x), prediction[index], rtol=1e-12)
        assert network.accuracy(one, x, y) == accuracy[index]


def test_the_chain_of_shapes():
    network = Network((784, 32, 20, 10))
    w, x, y = problem(network, seed=0, count=7)
    assert network.n == 784 * 32 + 32 + 32 * 20 + 20 + 20 * 10 + 10 == 25990
    assert [W.shape for W, _ in network.layers(w)] == [(784, 32), (32, 20), (20, 10)]
    assert [b.shape for _, b in network.layers(w)] == [(1, 32), (1, 20), (1, 10)]
    assert [a.shape for a in network.forward(w, x)] == [
        (7, 784),
        (7, 32),
        (7, 20),
        (7, 10),
    ]
    assert network.gradient(w, x, y).shape == (25990,)


@few_examples
@given(networks, seeds)
def test_layers_are_views_in_keras_order(network, seed):
    w, _, _ = problem(network, seed)
    flat = [part.ravel() for layer in network.layers(w) for part in layer]
    np.testing.assert_array_equal(np.concatenate(flat), w)
    assert all(np.shares_memory(part, w) for layer in network.layers(w) for part in layer)


def test_nothing_is_changed():
    network = Network((4, 5, 2))
    given_ = problem(network, seed=3)
    kept = [part.copy() for part in given_]
    network.gradient(*given_)
    train(network, optimizers.adam, *given_, batch_size=2, epochs=2)
    for part, copy in zip(given_, kept):
        np.testing.assert_array_equal(part, copy)


# Losses and outputs


@examples
@given(networks, seeds, st.integers(1, 4))
def test_the_loss_of_all_is_the_mean_over_equal_parts(network, seed, size):
    w, x, y = problem(network, seed, count=3 * size)
    parts = [network.loss_and_gradient(w, x[k::3], y[k::3]) for k in range(3)]
    loss, g = network.loss_and_gradient(w, x, y)
    assert loss == pytest.approx(np.mean([part[0] for part in parts]), rel=1e-12)
    np.testing.assert_allclose(g, np.mean([part[1] for part in parts], axis=0), rtol=1e-9, atol=1e-13)


@examples
@given(sizes, seeds, st.floats(-50, 50))
def test_softmax_does_not_see_a_shift(sizes, seed, shift):
    network = Network(sizes, "tanh")
    w, x, y = problem(network, seed)
    shifted = w.copy()
    network.layers(shifted)[-1][1][:] += shift
    np.testing.assert_allclose(network.predict(shifted, x), network.predict(w, x), atol=1e-12)
    assert network.loss(shifted, x, y) == pytest.approx(network.loss(w, x, y), rel=1e-10, abs=1e-12)
    last_b = network.layers(network.gradient(w, x, y))[-1][1]
    assert last_b.sum() == pytest.approx(0, abs=1e-14)


@examples
@given(seeds)
def test_softmax_over_two_is_a_sigmoid_of_the_difference(seed):
    random = np.random.default_rng(seed)
    z = 3 * random.normal(size=(5, 2))
    p = random.uniform(size=(5, 1))
    np.testing.assert_allclose(softmax(z)[:, 0], sigmoid(z[:, 0] - z[:, 1]), atol=1e-15)
    np.testing.assert_allclose(
        LOSSES["softmax_cross_entropy"][1](z, np.hstack([p, 1 - p])),
        LOSSES["sigmoid_cross_entropy"][1](z[:, :1] - z[:, 1:], p),
        rtol=1e-11,
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_that_of_its_output(loss):
    """The textbook's formula, from the outputs, where nothing is rounded to 0 or 1."""
    network = Network((4, 5, 3), "tanh", loss)
    w, x, y = problem(network, seed=5)
    p = network.predict(w, x)
    textbook = {
        "squared_error": lambda: 0.5 * (p - y) ** 2,
        "sigmoid_cross_entropy": lambda: -y * np.log(p) - (1 - y) * np.log(1 - p),
        "softmax_cross_entropy": lambda: -y * np.log(p),
    }[loss]()
    assert network.loss(w, x, y) == pytest.approx(textbook.sum(axis=1).mean(), rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_certainty_is_finite(loss):
    network = Network((1, 2), loss=loss)
    w = np.array([1e4, -1e4, 0, 0])
    for y in ([[1.0, 0.0]], [[0.0, 1.0]]):
        assert np.isfinite(network.predict(w, [[1.0]])).all()
        assert np.isfinite(network.loss(w, [[1.0]], y))
        assert np.isfinite(network.gradient(w, [[1.0]], y)).all()
    if loss != "squared_error":
        assert network.loss(w, [[1.0]], [[1.0, 0.0]]) == 0
        assert network.loss(w, [[1.0]], [[0.0, 1.0]]) == 2e4


@few_examples
@given(st.sampled_from(["sigmoid", "tanh", "relu"]), st.sampled_from(list(LOSSES)), seeds)
def test_hidden_units_may_change_places(activation, loss, seed):
    network = Network((3, 4, 2), activation, loss)
    w, x, y = problem(network, seed)
    order = np.random.default_rng(seed).permutation(4)
    swapped = w.copy()
    (W, b), (V, _) = network.layers(w)
    (W_, b_), (V_, _) = network.layers(swapped)
    W_[:], b_[:], V_[:] = W[:, order], b[:, order], V[order]
    assert network.loss(swapped, x, y) == pytest.approx(network.loss(w, x, y), rel=1e-12)


@few_examples
@given(st.sampled_from(list(LOSSES)), seeds, st.floats(0, 1))
def test_without_a_hidden_layer_the_loss_is_convex(loss, seed, share):
    network = Network((3, 2), loss=loss)
    w, x, y = problem(network, seed)
    v = np.random.default_rng(seed + 1).normal(size=network.n)
    between = network.loss(share * w + (1 - share) * v, x, y)
    assert between <= share * network.loss(w, x, y) + (1 - share) * network.loss(v, x, y) + 1e-12


def test_accuracy():
    one = Network((1, 1), loss="sigmoid_cross_entropy")
    x = [[-2.0], [-1.0], [1.0], [2.0]]
    assert one.accuracy(np.array([1.0, 0.0]), x, [[0.0], [1.0], [1.0], [1.0]]) == 0.75
    three = Network((1, 3))
    w = np.array([-1.0, 0.0, 1.0, 0.0, -10.0, 0.0])
    assert three.accuracy(w, x, np.eye(3)[[0, 0, 2, 1]]) == 0.75


# Where the weights start


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_an_initializer_against_keras(initializer):
    network = Network((300, 100, 50))
    w = network.parameters(0, initializer)
    keras = keras_check.tensorflow().keras.initializers
    draw = getattr(keras, initializer.title().replace("_", ""))(seed=0)
    assert w.shape == (network.n,)
    for W, b in network.layers(w):
        assert not b.any()
        twin = np.asarray(draw(W.shape), dtype=float)
        assert W.std() == pytest.approx(twin.std(), rel=0.05)
        assert W.mean() == pytest.approx(0, abs=0.05 * twin.std())
        if "uniform" in initializer:
            assert np.abs(W).max() == pytest.approx(np.abs(twin).max(), rel=0.01)


def test_a_seed_is_a_start():
    network = Network((4, 3, 2))
    np.testing.assert_array_equal(network.parameters(7), network.parameters(7))
    assert not np.array_equal(network.parameters(7), network.parameters(8))


# Mini-batches


@examples
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 4), seeds)
def test_an_epoch_shows_every_example_once(n, batch_size, epochs, seed):
    batch_size = min(batch_size, n)
    rows = list(batches(n, batch_size, epochs, seed))
    per_epoch = -(-n // batch_size)
    assert len(rows) == epochs * per_epoch
    for first in range(0, len(rows), per_epoch):
        epoch = rows[first : first + per_epoch]
        assert [len(part) for part in epoch[:-1]] == [batch_size] * (per_epoch - 1)
        assert sorted(np.concatenate(epoch)) == list(range(n))
    again = batches(n, batch_size, epochs, seed)
    assert all(np.array_equal(part, other) for part, other in zip(rows, again))


def test_every_epoch_is_shuffled_anew():
    first, second = batches(100, 100, 2, seed=0)
    other, _ = batches(100, 100, 2, seed=1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


@few_examples
@given(seeds)
def test_the_gradient_of_a_minibatch_is_unbiased(seed):
    network = Network((4, 3, 2), "tanh")
    w, x, y = problem(network, seed, count=12)
    parts = [network.gradient(w, x[rows], y[rows]) for rows in batches(12, 4, 1, seed)]
    np.testing.assert_allclose(np.mean(parts, axis=0), network.gradient(w, x, y), atol=1e-13)


# Training


@pytest.mark.parametrize("name", [name for name in RULES if name != "newton"])
def test_training_on_all_examples_is_a_path(name):
    network = Network((4, 5, 2), "tanh")
    w, x, y = problem(network, seed=0)
    record = train(network, RULES[name], w, x, y, batch_size=len(x), epochs=20)
    data = network.on(x, y)
    path = paths.trace(RULES[name], data.gradient, w, 20)
    np.testing.assert_allclose(record["w"], path[-1], rtol=1e-9)
    np.testing.assert_allclose(record["loss"], data.value(path.T), rtol=1e-9)


def test_training_on_batches_step_by_step():
    network = Network((4, 5, 2), "relu")
    w, x, y = problem(network, seed=0, count=7)
    other = problem(network, seed=1)[1:]
    record = train(
        network,
        optimizers.gradient_descent,
        w,
        x,
        y,
        batch_size=3,
        epochs=4,
        seed=5,
        validation_data=other,
        learning_rate=lambda t: 0.1 / t,
    )
    batch_loss, loss, val_loss = [], [network.loss(w, x, y)], [network.loss(w, *other)]
    for t, rows in enumerate(batches(7, 3, 4, seed=5), 1):
        part, g = network.loss_and_gradient(w, x[rows], y[rows])
        w = w - 0.1 / t * g
        batch_loss.append(part)
        if t % 3 == 0:
            loss.append(network.loss(w, x, y))
            val_loss.append(network.loss(w, *other))
    assert record.keys() == {"w", "batch_loss", "loss", "val_loss"}
    np.testing.assert_array_equal(record["w"], w)
    np.testing.assert_array_equal(record["batch_loss"], batch_loss)
    np.testing.assert_array_equal(record["loss"], loss)
    np.testing.assert_array_equal(record["val_loss"], val_loss)
    assert len(batch_loss) == 12


def test_many_settings_and_seeds_train_together():
    network = Network((4, 5, 2), "tanh")
    _, x, y = problem(network, seed=0, count=8)
    starts = np.stack([network.parameters(seed) for seed in range(3)], axis=-1)
    rates = np.array([[0.01], [0.1]])
    given_ = dict(batch_size=4, epochs=3, seed=1)
    record = train(network, optimizers.adam, starts, x, y, learning_rate=rates, **given_)
    assert record["w"].shape == (network.n, 2, 3)
    assert record["loss"].shape == (4, 2, 3)
    assert record["batch_loss"].shape == (6, 2, 3)
    assert "val_loss" not in record
    alone = train(network, optimizers.adam, starts[:, 2], x, y, learning_rate=0.1, **given_)
    for part in ("w", "loss", "batch_loss"):
        np.testing.assert_allclose(record[part][..., 1, 2], alone[part], rtol=1e-7, atol=1e-12)


def test_a_rule_may_ask_twice_and_is_told_of_the_same_batch():
    network = Network((2, 1), loss="squared_error")
    w, x, y = problem(network, seed=0, count=9)
    asked = []

    def curious(w, gradient, t, *, learning_rate=0.1):
        asked.append([gradient(w), gradient(w)])
        return (w - learning_rate * gradient(w),)

    assert len(train(network, curious, w, x, y, batch_size=4, epochs=2)["batch_loss"]) == 6
    for one, two in asked:
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(asked[0][0], asked[1][0])


SETTINGS = {
    "gradient_descent": {"learning_rate": 0.5},
    "momentum_averaged": {"learning_rate": 0.5},
    "adagrad": {"learning_rate": 0.3},
    "adagrad_outside": {"learning_rate": 0.3},
    "adadelta": {"learning_rate": 1.0, "epsilon": 1e-4},
    "adadelta_zeiler": {"epsilon": 1e-4},
}


@pytest.mark.parametrize(
    "name",
    [name for name in RULES if name != "newton" and not name.startswith("rprop")],
)
def test_every_rule_learns(name):
    """To tell what lies inside a circle, which no straight line can."""
    x = np.random.default_rng(0).normal(size=(200, 2))
    y = (np.hypot(*x.T) > 1.1)[:, None] * 1.0
    network = Network((2, 16, 1), "tanh", "sigmoid_cross_entropy")
    rate = 0.03 if "adam" in name or "rmsprop" in name else 0.1
    given_ = SETTINGS.get(name, {"learning_rate": rate})
    record = train(
        network,
        RULES[name],
        network.parameters(0),
        x,
        y,
        batch_size=10,
        epochs=30,
        **given_,
    )
    assert record["loss"][-1] < 0.5 * record["loss"][0]
    assert network.accuracy(record["w"], x, y) > 0.9


def test_a_run_that_diverges_is_a_result():
    network = Network((3, 4, 2), loss="squared_error")
    w, x, y = problem(network, seed=0)
    record = train(
        network,
        optimizers.gradient_descent,
        w,
        x,
        y,
        epochs=60,
        batch_size=6,
        learning_rate=10.0,
    )
    assert not np.isfinite(record["loss"][-1])
    assert len(record["loss"]) == 61


def test_training_beside_keras():
    network = Network((4, 6, 3), "relu")
    w, x, y = problem(network, seed=2, count=20)
    # What float32 holds exactly, as Keras rounds hyperparameters to it.
    adam = dict(learning_rate=2**-6, beta_1=7 / 8, beta_2=1 - 2**-10, epsilon=2**-7)
    order = dict(batch_size=6, epochs=5, seed=3)
    record = train(network, optimizers.adam, w, x, y, **order, **adam)
    twin = keras_check.train(network, "Adam", w, x, y, **order, **adam)
    np.testing.assert_allclose(twin["batch_loss"], record["batch_loss"], rtol=1e-12)
    np.testing.assert_allclose(twin["w"], record["w"], rtol=1e-11)


# Errors


@pytest.mark.parametrize("make", [Network, memory.parameters])
@pytest.mark.parametrize("sizes", [(3, 0), (3, 2.0), (-1, 2), (3, True), "ab"])
def test_sizes_that_are_no_whole_numbers(make, sizes):
    with pytest.raises(ValueError, match="the width of a layer must be a whole number >= 1, got "):
        make(sizes)


@pytest.mark.parametrize("make", [Network, memory.parameters])
@pytest.mark.parametrize("sizes", [(), (3,)])
def test_sizes_that_make_no_network(make, sizes):
    with pytest.raises(ValueError, match="a network must have inputs and outputs, got widths "):
        make(sizes)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (
            {"activation": "gelu"},
            "activation must be one of sigmoid, tanh, relu; got 'gelu'",
        ),
        (
            {"loss": "hinge"},
            "loss must be one of squared_error, sigmoid_cross_entropy, softmax_cross_entropy; got 'hinge'",
        ),
    ],
)
def test_unknown_names(given_, message):
    with pytest.raises(ValueError) as caught:
        Network((2, 2), **given_)
    assert str(caught.value) == message


def test_an_unknown_initializer():
    with pytest.raises(
        ValueError,
        match=r"^initializer must be one of glorot_uniform, .*; got 'zeros'$",
    ):
        Network((2, 2)).parameters(0, "zeros")


X, Y = np.zeros((5, 3)), np.eye(2)[[0, 1, 0, 1, 1]]
WRONG = [
    (
        np.zeros(7),
        X,
        Y,
        "w must have shape (8,) or (8, *batch) for <Network 3-2, relu, softmax_cross_entropy>",
    ),
    (0.0, X, Y, "w must have shape (8,)"),
    (np.zeros(8), X[:, :2], Y, "x must be examples in rows, (N, 3), got shape (5, 2)"),
    (np.zeros(8), X[0], Y, "x must be examples in rows, (N, 3), got shape (3,)"),
    (np.zeros(8), X[:0], Y, "x must be examples in rows, (N, 3), got shape (0, 3)"),
    (np.zeros(8), X, Y[:4], "y must have a row for each of x, (5, 2), got (4, 2)"),
    (np.zeros(8), X, Y[:, 0], "y must have a row for each of x, (5, 2), got (5,)"),
    (np.zeros(8), X, 2 * Y, "y must lie in [0, 1] for softmax_cross_entropy"),
    (np.zeros(8), X, Y * np.nan, "y must lie in [0, 1] for softmax_cross_entropy"),
    (
        np.zeros(8),
        X,
        Y / 2,
        "y must have rows that sum to 1 for softmax_cross_entropy, as np.eye(2)[labels] has",
    ),
]


@pytest.mark.parametrize(("w", "x", "y", "message"), WRONG)
def test_what_does_not_fit(w, x, y, message):
    network = Network((3, 2))
    calls = [
        lambda: network.loss(w, x, y),
        lambda: network.gradient(w, x, y),
        lambda: network.accuracy(w, x, y),
        lambda: train(network, optimizers.adam, w, x, y, batch_size=1),
    ]
    for call in calls[: 3 if np.size(x) == 0 else 4]:
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value).startswith(message)


def test_probabilities_above_one():
    network = Network((3, 2), loss="sigmoid_cross_entropy")
    with pytest.raises(ValueError, match=r"^y must lie in \[0, 1\] for sigmoid_cross_entropy$"):
        network.loss(np.zeros(8), X, Y + 0.1)
    network.loss(np.zeros(8), X, Y / 2)
    Network((3, 2), loss="squared_error").loss(np.zeros(8), X, 7 * Y)


@pytest.mark.parametrize("batch_size", [0, -1, 6, 2.0, True, None])
def test_batches_of_no_size(batch_size):
    network = Network((3, 2))
    expected = f"batch_size must be a whole number >= 1, got {batch_size!r}"
    if batch_size == 6:
        expected = "batch_size must be at most 5, all rows, got 6"
    for call in (
        lambda: batches(5, batch_size, 1, 0),
        lambda: train(network, optimizers.adam, np.zeros(8), X, Y, batch_size=batch_size),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == expected


@pytest.mark.parametrize("epochs", [0, 1.5, True])
def test_no_epochs(epochs):
    with pytest.raises(ValueError, match=rf"^epochs must be a whole number >= 1, got {epochs}$"):
        batches(5, 1, epochs, 0)


def test_hyperparameters_are_checked():
    network = Network((3, 2))
    with pytest.raises(TypeError, match="adam has no hyperparameter momentum"):
        train(network, optimizers.adam, np.zeros(8), X, Y, batch_size=1, momentum=0.9)
    with pytest.raises(ValueError, match="learning_rate must be a finite number >= 0, got -1"):
        train(network, optimizers.adam, np.zeros(8), X, Y, batch_size=1, learning_rate=-1)
