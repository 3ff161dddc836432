"""The bytes that training takes: weights, gradients, activations and optimizer state.

They are counted, not measured: from the widths of a network's layers, and from the
signature of the rule that trains it. A precision is a dictionary of the parts that are
kept, each with its bytes per number:

FLOAT64, FLOAT32    every part in 8 or in 4 bytes
MIXED               16 bits to compute with; 32 for the state and for the master copy
                    of the weights, which is the one that the rule moves
"""

import itertools

import numpy as np

from lib.paths import check_whole, signature

FLOAT64 = {"weights": 8, "gradients": 8, "state": 8, "activations": 8}
FLOAT32 = {"weights": 4, "gradients": 4, "state": 4, "activations": 4}
MIXED = {"weights": 2, "gradients": 2, "master copy": 4, "state": 4, "activations": 2}


def parameters(widths):
    """The weights and biases of a fully connected network, `widths` from input to output.

    Raises `ValueError` for widths that make no network.

    >>> parameters((784, 32, 20, 10))
    25990
    """
    return sum((n + 1) * k for n, k in itertools.pairwise(_widths(widths)))


def activations(widths, batch=1):
    """The outputs of all layers for a batch, which backpropagation will ask for again.

    The input is data and not counted.
    """
    return check_whole("batch", batch) * sum(_widths(widths)[1:])


def state(rule, weights):
    """The numbers in each part of a rule's state, for so many weights, by its name.

    The names are those of the rule's signature. A step tells which parts have a
    number for each weight, and which, like the product of Nadam's momenta, one for
    them all. Raises what `lib.paths.signature` raises.

    >>> from lib import optimizers
    >>> state(optimizers.nadam, 1000)
    {'m': 1000, 'v': 1000, 'product': 1}
    """
    check_whole("weights", weights)
    names = list(signature(rule)[0])
    parts = rule(np.ones(2), np.ones_like, 1)[1:] if names else ()
    return {n: weights if np.ndim(part) else 1 for n, part in zip(names, parts)}


def training(rule, weights, activations=0, precision=FLOAT32):
    """The bytes that training with a rule takes, part by part: a dictionary.

    `weights` and `activations` are how many there are; `precision` is one of this
    module's or a dictionary like them. Raises `ValueError` for what is no count.
    Source: Rajbhandari et al. (2020), section 3, for the parts of mixed precision.

    >>> from lib import optimizers
    >>> sum(training(optimizers.adam, 7_000_000_000, precision=MIXED).values())
    112000000000
    """
    numbers = {
        "weights": check_whole("weights", weights),
        "gradients": weights,
        "master copy": weights,
        "state": sum(state(rule, weights).values()),
        "activations": check_whole("activations", activations, least=0),
    }
    unknown = ", ".join(part for part in precision if part not in numbers)
    if unknown:
        known = ", ".join(numbers)
        raise ValueError(f"a precision has bytes for {known}; got {unknown}")
    return {part: numbers[part] * size for part, size in precision.items()}


def _widths(widths):
    widths = [check_whole("the width of a layer", width) for width in widths]
    if len(widths) < 2:
        raise ValueError(f"a network must have inputs and outputs, got widths {widths}")
    return widths
