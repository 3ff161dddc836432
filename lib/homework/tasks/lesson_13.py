"""Lesson 13: memory, and the backward pass for which so much of it is kept."""

import functools
import itertools
import math

import numpy as np

from lib import data, memory, optimizers, paths
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import told_apart
from lib.network import Network

# 13.1

WIDTHS, BATCH = (64, 48, 16, 10), 128
WEIGHTS = 4 * memory.parameters(WIDTHS)
OUTPUTS = 4 * memory.activations(WIDTHS, BATCH)

BILL = Task(
    name="13.1",
    title="The bill",
    kind="predict",
    stars=1,
    answer="bill",
    reference=(WEIGHTS, WEIGHTS, 2 * WEIGHTS, OUTPUTS),
    mistakes=(
        Mistake(
            (16000, 16000, 32000, OUTPUTS),
            "These are the matrices. Each layer has a vector of biases besides, one "
            "for each of its units.",
            when=lambda bill: bill[0] == 16000,
        ),
        Mistake(
            (WEIGHTS / 4, WEIGHTS / 4, WEIGHTS / 2, OUTPUTS / 4),
            "This counts numbers. A number in `float32` has four bytes.",
            when=lambda bill: bill[0] == WEIGHTS / 4,
        ),
        Mistake(
            (2 * WEIGHTS, 2 * WEIGHTS, 4 * WEIGHTS, 2 * OUTPUTS),
            "Eight bytes for each number are those of `float64`.",
            when=lambda bill: bill[0] == 2 * WEIGHTS,
        ),
        Mistake(
            (WEIGHTS, WEIGHTS, WEIGHTS, OUTPUTS),
            "The state is that of a rule with one number for each weight, such as "
            "momentum. Adam keeps two moments.",
            when=lambda bill: bill[0] == bill[2] == WEIGHTS,
        ),
        Mistake(
            (WEIGHTS, WEIGHTS, 2 * WEIGHTS, OUTPUTS // BATCH),
            "These are the activations of a single example. Each of the 128 has its "
            "own, and they wait together for the way back.",
            when=lambda bill: bill[3] == OUTPUTS // BATCH,
        ),
        Mistake(
            (WEIGHTS, WEIGHTS, 2 * WEIGHTS, OUTPUTS + 4 * 64 * BATCH),
            "This counts the batch of inputs as well. It does lie in the memory, but "
            "the question is for what the layers put out.",
            when=lambda bill: bill[3] == OUTPUTS + 4 * 64 * BATCH,
        ),
        Mistake(
            (WEIGHTS, WEIGHTS, 2 * WEIGHTS, OUTPUTS - 4 * 10 * BATCH),
            "The outputs of the hidden layers are there, and those of the last layer "
            "are missing.",
            when=lambda bill: bill[3] == OUTPUTS - 4 * 10 * BATCH,
        ),
    ),
)

# 13.2


def states(rng):
    """Nothing, two averages, an average and a number, rows and columns; weights drawn."""
    w = rng.normal(size=(3, 4)).round(2).tolist()
    m, v = rng.normal(size=(2, 3, 4)).round(2).tolist()
    rows, columns = (rng.uniform(0.1, 1, n).round(2).tolist() for n in (3, 4))
    vector = rng.normal(size=int(rng.integers(5, 9))).round(1).tolist()
    product = round(rng.uniform(0.5, 0.9), 3)
    return [
        ([0.5, -1.0, 2.0],),
        ([0.5, -1.0, 2.0], [0.1, 0.2, 0.3]),
        (w, m, v),
        (vector, vector[::-1], vector, product),
        (w, m, rows, columns),
    ]


def times_the_model(w, *state):
    """Weights, gradients and state, in units of the weights."""
    return 2 + sum(map(np.size, state)) / w.size


TIMES = Task(
    name="13.2",
    title="How many times the model?",
    kind="implement",
    stars=1,
    answer="times",
    inputs=states,
    probe=probes.arrays,
    reference=times_the_model,
    mistakes=(
        Mistake(
            lambda w, *state: 2 + len(state),
            "This counts the parts of the state. A part may be a single number, or one "
            "for each row: ask each of them how many numbers it has.",
        ),
        Mistake(
            lambda w, *state: times_the_model(w, *state) - 2,
            "This is the state alone. The weights are there once, and so are their "
            "gradients.",
        ),
        Mistake(
            lambda w, *state: times_the_model(w, *state) - 1,
            "Weights and state are counted, and one thing is missing that has as many "
            "numbers as the weights, between the way back and the step.",
        ),
        Mistake(
            lambda w, *state: times_the_model(w, *state) * w.size,
            "This is how many numbers there are. In units of the model, please: "
            "divide by what the weights have.",
        ),
        Mistake(
            lambda w, *state: 2 + sum(len(np.atleast_1d(s)) for s in state) / len(w),
            "`len` of a matrix is how many rows it has, not how many numbers.",
        ),
        Mistake(
            lambda w, *state: 2 + sum(np.ndim(s) > 0 for s in state),
            "A part with an axis need not have a number for each weight: one for each "
            "row is less. Count its numbers.",
        ),
    ),
)

# 13.3


def layers(rng):
    """What came into a layer, and its error: three examples, then four."""
    drawn = [
        (
            rng.uniform(0.1, 2, (n, inputs)).round(1).tolist(),
            rng.normal(0, 1, (n, outputs)).round(2).tolist(),
        )
        for n, inputs, outputs in ((4, 3, 2), (5, 1, 3))
    ]
    return [
        ([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], [[0.5], [-0.25], [1.0]]),
        *drawn,
    ]


def layer_by_network(a, delta):
    """The library's backward pass of a single layer, biases below the weights."""
    network = Network((a.shape[1], delta.shape[1]))
    ((W, b),) = network.layers(network.backward(np.zeros(network.n), [a], delta))
    return np.vstack([W, b])


def with_mean_bias(a, delta):
    """The mean of the errors in the row of the biases."""
    return np.vstack([a.T @ delta, delta.mean(axis=0)])


LAYER = Task(
    name="13.3",
    title="What a layer asks for on the way back",
    kind="implement",
    stars=2,
    answer="layer_gradient",
    inputs=layers,
    probe=probes.arrays,
    reference=layer_by_network,
    mistakes=(
        Mistake(
            with_mean_bias,
            "The weights are right. In the row of the biases the errors are averaged "
            "over the examples. The mean was taken at the output, where 1/N came in; "
            "from there on there are sums.",
        ),
        Mistake(
            lambda a, delta: layer_by_network(a, delta) / len(a),
            "All is too small by the number of examples. The 1/N of the mean is in "
            "delta already.",
        ),
        Mistake(
            lambda a, delta: a.T @ delta,
            "This is BP4, the gradient of the weights. The row of the biases, BP3, is "
            "missing below it.",
        ),
        Mistake(
            lambda a, delta: layer_by_network(a, delta)[[-1, *range(a.shape[1])]],
            "The row of the biases belongs below those of the weights, and it stands "
            "above them.",
        ),
        Mistake(
            lambda a, delta: layer_by_network(a, delta).T,
            "This matrix lies on its side. As W it should have a row for each input "
            "and a column for each unit of the layer.",
        ),
        Mistake(
            lambda a, delta: np.vstack([a.T @ delta, np.ones(delta.shape[1])]),
            "The weights are right. The slope of z by its bias is 1; that of the loss "
            "is 1 times the error of the unit, summed over the examples.",
        ),
        Mistake(
            lambda a, delta: np.vstack([a.T @ delta, a.sum() * delta.sum(axis=0)]),
            "The weights are right. A bias has nothing to do with what came in: leave "
            "a out of its row.",
        ),
    ),
)

# 13.4


def passes(rng):
    """Three examples through two hidden layers of two units, of which only the outputs are kept."""
    return [
        tuple(
            part.round(1).tolist()
            for part in (
                rng.uniform(0.5, 3, (3, 2)),
                np.array([[-0.8, 0.3], [0.2, 0.6], [0.5, -0.4]])
                + rng.choice((0.0, 0.1), (3, 2)),
                np.array([[0.7, -0.2], [-0.5, 0.8], [0.1, 0.4]])
                + rng.choice((0.0, 0.1), (3, 2)),
                np.array([[1.0, -2.0], [0.5, 1.5]]) + rng.uniform(-0.3, 0.3, (2, 2)),
                np.array([[1.5, -0.5], [0.5, 1.0]]) + rng.uniform(-0.3, 0.3, (2, 2)),
                rng.uniform(-1, 1, (3, 2)),
            )
        )
        for _ in range(2)
    ]


def first_by_network(x, a1, a2, W2, W3, delta3):
    """The library's backward pass, of which the first matrix is returned."""
    network = Network((2, 2, 2, 2), "tanh", "squared_error")
    nothing = np.zeros(2)
    w = np.concatenate([np.zeros(6), W2.ravel(), nothing, W3.ravel(), nothing])
    return network.layers(network.backward(w, [x, a1, a2], delta3))[0][0]


def backward(x, a1, a2, W2, W3, delta3, *, slope=lambda a1, a2: 1 - a1**2):
    """The same by hand; another slope, or another W2, makes it wrong."""
    delta2 = delta3 @ W3.T * (1 - a2**2)
    return x.T @ (delta2 @ W2.T * slope(a1, a2))


def forward_again(x, a1, a2, W2, *others):
    """The error goes through W2 as the values do."""
    return backward(x, a1, a2, W2.T, *others)


def of_the_next(a1, a2):
    """The slope of the wrong layer."""
    return 1 - a2**2


def of_the_output(a1, a2):
    """The slope of tanh at its own output."""
    return 1 - np.tanh(a1) ** 2


RUNS = Task(
    name="13.4",
    title="It runs, and it is wrong",
    kind="repair",
    stars=2,
    answer="first_gradient",
    inputs=passes,
    probe=probes.arrays,
    reference=first_by_network,
    mistakes=(
        Mistake(
            lambda x, a1, a2, W2, *others: backward(
                x, a1, a2, W2.T, *others, slope=of_the_next
            ),
            "Two things are wrong, both in the line of delta1, and neither stops the "
            "program, because the two hidden layers have equally many units. Hold the "
            "line against BP2: which way does the error go through W2? And whose slope "
            "is it that delta1 is made with?",
        ),
        Mistake(
            forward_again,
            "The slopes are right. But `@ W2` is the way forward, from the first "
            "hidden layer to the second; the error goes the other way.",
        ),
        Mistake(
            functools.partial(backward, slope=of_the_next),
            "The error goes through W2 the right way. But delta1 is the error of the "
            "first hidden layer, and here it gets the slope of the second.",
        ),
        Mistake(
            functools.partial(backward, slope=lambda a1, a2: 1.0),
            "The error goes through W2 the right way, and then it has to pass the tanh "
            "of the first hidden layer: its slope is missing in delta1.",
        ),
        Mistake(
            functools.partial(backward, slope=of_the_output),
            "1 - tanh(z)² is the slope at z, and a1 is tanh(z) already. Here tanh is "
            "taken twice.",
        ),
        Mistake(
            lambda x, *others: backward(x, *others) / len(x),
            "All is right but for a factor: the 1/N of the mean is in delta3, and need "
            "not be divided by again.",
        ),
    ),
)

# 13.5


def budgets(rng):
    """A training that just fits, one that does not at all, and some with room to spare."""
    drawn = []
    for kept in (0, 1, 2):
        widths = tuple(rng.integers(8, 60, int(rng.integers(3, 5))).tolist())
        example = sum(widths)
        numbers = (2 + kept) * memory.parameters(widths)
        numbers += int(rng.integers(20, 200)) * example + 3 * example // 4
        drawn.append((widths, kept, 4 * numbers + int(rng.integers(1, 4))))
    return [
        ((10, 5, 2), 0, 4 * (2 * 67 + 8 * 17)),
        ((10, 5, 2), 2, 1000),
        *drawn,
    ]


def batch_of(widths, kept, budget, *, weights=memory.parameters, inputs=1, others=2):
    """The batch for which the budget is spent, a fraction included."""
    example = memory.activations(widths) + inputs * widths[0]
    return (budget / 4 - (others + kept) * weights(widths)) / example


def fits(*arguments, **counted):
    """The largest whole batch that fits, or none."""
    return max(0, math.floor(batch_of(*arguments, **counted)))


FITS = Task(
    name="13.5",
    title="The largest batch",
    kind="implement",
    stars=2,
    answer="largest_batch",
    inputs=budgets,
    probe=probes.call,
    reference=fits,
    mistakes=(
        Mistake(
            lambda *arguments: math.floor(batch_of(*arguments)),
            "All is right as long as the model fits. If it does not, no batch is small "
            "enough, and the answer is 0; there are no negative batches.",
        ),
        Mistake(
            batch_of,
            "A batch is a whole number: the largest one that still fits.",
        ),
        Mistake(
            lambda *arguments: max(0, math.ceil(batch_of(*arguments))),
            "This batch is one too large: it is rounded up, and what does not fit "
            "entirely does not fit.",
        ),
        Mistake(
            functools.partial(fits, inputs=0),
            "The outputs of the layers are counted. The batch of inputs lies there as "
            "well, and the first layer will ask for it on the way back.",
        ),
        Mistake(
            functools.partial(
                fits,
                weights=lambda widths: sum(
                    n * k for n, k in itertools.pairwise(widths)
                ),
            ),
            "The matrices are counted and the biases are not: a layer with n inputs "
            "and k units has (n + 1) k weights.",
        ),
        Mistake(
            functools.partial(fits, others=1),
            "Weights and state leave less room than this: the gradients are as many "
            "as the weights.",
        ),
        Mistake(
            lambda widths, kept, budget: fits(widths, kept, 4 * budget),
            "Numbers are compared with bytes. A number in `float32` has four of them.",
        ),
        Mistake(
            functools.partial(fits, others=0),
            "Only the state and the examples are counted; weights and gradients are "
            "missing.",
        ),
    ),
)

# 13.6

BUDGET, SHARE, STEPS = 16_000, 0.89, 300
KINDS = (
    optimizers.gradient_descent,
    functools.partial(optimizers.momentum, momentum=0.9),
    optimizers.adam,
)


def is_plan(plan):
    """Whether it is what the task asks for: three whole numbers and a rate."""
    plan = np.asarray(plan, dtype=float)
    if plan.shape != (4,) or not np.isfinite(plan).all():
        return False
    units, kept, batch, rate = plan.tolist()
    whole = all(number == int(number) for number in (units, kept, batch))
    return whole and units >= 1 and batch >= 1 and kept in (0, 1, 2) and rate > 0


def bytes_of(plan):
    """What the model takes with gradients and state, and what the batch takes."""
    units, kept, batch = (int(number) for number in plan[:3])
    widths = (64, units, 10)
    model = (2 + kept) * memory.parameters(widths)
    return 4 * model, 4 * (memory.activations(widths, batch) + batch * 64)


@functools.cache
def digits():
    """The pictures as rows of 64 pixels from 0 to 1, and the digits that they show."""
    images, labels = data.digits()
    return images.reshape(-1, 64) / 16, np.eye(10)[labels]


def accuracy(plan):
    """The share of the test digits that are read rightly, mean of four starts."""
    return _accuracy(*(int(number) for number in plan[:3]), float(plan[3]))


@functools.cache
def _accuracy(units, kept, batch, learning_rate):
    x, y = digits()
    network = Network((64, units, 10))
    drawn = np.random.default_rng(0).integers(0, 1200, (STEPS, batch))
    order = iter(drawn)

    def gradient(w):
        rows = next(order)
        return network.gradient(w, x[rows], y[rows])

    w = np.stack([network.parameters(seed) for seed in range(4)], axis=-1)
    with np.errstate(all="ignore"):
        walk = paths.walk(KINDS[kept], gradient, w, STEPS, learning_rate=learning_rate)
        *_, (_, w, _) = walk
        return float(network.accuracy(w, x[1200:], y[1200:]).mean())


def lacks_reader(plan):
    """What is missing: a plan, room in the budget, or digits that are read rightly."""
    if not is_plan(plan):
        return (
            "(units, kept, batch, learning_rate): whole numbers, kept 0, 1 or 2, a rate"
        )
    model, examples = bytes_of(plan)
    parts = f"{model:,} bytes for the model and {examples:,} for the batch"
    if model + examples > BUDGET:
        return f"room: {parts} are {model + examples:,}, the budget is {BUDGET:,}"
    share = accuracy(plan)
    if share >= SHARE:
        return ""
    return f"{told_apart(share, SHARE)} of the digits are read rightly, {SHARE} is wanted; {parts}"


def too_large(plan):
    """Whether it is over the budget."""
    return sum(bytes_of(plan)) > BUDGET


READER = Task(
    name="13.6",
    title="Sixteen thousand bytes",
    kind="experiment",
    stars=3,
    answer="plan",
    reference=(14, 0, 21, 0.45),
    lacks=lacks_reader,
    mistakes=(
        Mistake(
            (12.5, 1, 16, 0.1),
            "Four numbers: how many units, how many numbers of state for each weight "
            "(0, 1 or 2), how many examples in a batch, and the learning rate.",
            when=lambda plan: not is_plan(plan),
        ),
        Mistake(
            (8, 1, 64, 0.1),
            "Most of it is the batch: every example takes 4 (64 + units + 10) bytes. "
            "Take fewer at a time.",
            when=lambda plan: too_large(plan) and bytes_of(plan)[1] > bytes_of(plan)[0],
        ),
        Mistake(
            (32, 2, 32, 0.01),
            "Most of it is the model, 4 (2 + kept) bytes for each of its 75 units + 10 "
            "weights. So fewer units; or less state.",
            when=too_large,
        ),
        Mistake(
            (12, 0, 16, 5.0),
            "It fits, but it has learned next to nothing: this rate is far too large, "
            "or far too small, for this rule. Those of the lessons are 0.1 to 0.5 "
            "without a state, a tenth of that with momentum, 0.01 with Adam.",
            when=lambda plan: accuracy(plan) < 0.5,
        ),
        Mistake(
            (6, 0, 12, 0.3),
            "It fits and it learns, and there are bytes left over. More units can tell "
            "more digits apart, and a larger batch is less noisy.",
            when=lambda plan: sum(bytes_of(plan)) < 0.8 * BUDGET,
        ),
        Mistake(
            (8, 2, 16, 0.02),
            "It fits and it learns, but the state takes its part of the budget, and "
            "that is missing elsewhere. What could you have for the same bytes if the "
            "rule kept less?",
            when=lambda plan: plan[1] > 0,
        ),
        Mistake(
            (10, 0, 29, 0.1),
            "The budget is spent, and the rule keeps nothing. Left are the rate, which "
            "without a state has to be right within a factor of two or so, and the "
            "exchange of units for examples.",
            when=lambda plan: True,
        ),
    ),
)

TASKS = [BILL, TIMES, LAYER, RUNS, FITS, READER]
