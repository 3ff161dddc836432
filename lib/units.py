"""Dimensional analysis: the units that a rule's numbers must have, found by running it.

The weight is a length in meters (m) and the loss a cost in euros (EUR); a gradient then
is in EUR/m. `pint` carries the units through the very code of the rule, and refuses a
sum of quantities that differ in them.
"""

import numpy as np
import pint

from lib.paths import FUNCTIONS, signature

REGISTRY = pint.UnitRegistry(None)  # knows no units but these
REGISTRY.define("meter = [length] = m")
REGISTRY.define("kilometer = 1000 * meter = km")
REGISTRY.define("foot = 0.3048 * meter = ft")
REGISTRY.define("euro = [money] = EUR")
REGISTRY.define("cent = 0.01 * euro = ct")
REGISTRY.formatter.default_format = "~P"
Unit = REGISTRY.Unit


class DimensionError(ValueError):
    """A rule adds quantities of different units, whatever units its numbers have."""


def quantity(value, unit):
    """`value`, a number or an array, in a unit made of m, km, ft, EUR and ct.

    Such as "m", "EUR/m²", or "1" for none. A sum wants equal dimensions, or a plain
    zero, and raises `pint.DimensionalityError`, a `TypeError`, otherwise. The method
    `m_as` tells the number in another unit. Raises `pint.UndefinedUnitError` for a unit
    that is not one of these. Source: pint.

    >>> print(quantity(2.0, "m") + quantity(1.0, "km"))
    1002.0 m
    >>> quantity(2.5, "EUR/m").m_as("ct/km")
    250000.0
    """
    return REGISTRY.Quantity(value, unit)


def infer(rule, loss="EUR", **given):
    """The unit that each number of a rule must have: a dictionary, state included.

    The units are unknown at first. Each sum that the rule makes in two steps, on one
    weight, is an equation between units and settles one of them. A unit is a string;
    "1" is that of a plain number; what no sum settles is told in terms of an unknown,
    such as "unit_of_sign".

    A `given` number is taken as it is, without a unit, and zero fits every sum; a given
    string is a unit. So is `loss`, "1" if the loss is a plain number.

    Raises `DimensionError`, with the two units, at a sum in which nothing is left to be
    settled; `TypeError` for a name that the rule does not have.
    Source: the argument is Zeiler's (2012), section 3.2.

    >>> from lib import optimizers
    >>> infer(optimizers.gradient_descent)
    {'learning_rate': 'm²/EUR'}
    >>> infer(optimizers.gradient_descent, learning_rate=0.1)
    Traceback (most recent call last):
    lib.units.DimensionError: gradient_descent adds m and EUR/m
    """
    state, hyperparameters = signature(rule)
    starts = {**state, **hyperparameters}
    for name in given:
        if name not in starts:
            known = ", ".join(starts)
            raise TypeError(f"{_name(rule)} has no number {name}; it has: {known}")
    numbers = {name: value for name, value in given.items() if type(value) is not str}
    units = {
        name: Unit(given[name]) if name in given else _unknown(name)
        for name, start in starts.items()
        if name not in numbers and name not in FUNCTIONS and start is not None
    }
    while True:
        try:
            _run(rule, state, hyperparameters, {**numbers, **_halves(units)}, loss)
            return {name: _told(unit) for name, unit in units.items()}
        except pint.DimensionalityError as error:
            left, right = Unit(error.units1), Unit(error.units2)
        settled = _settle(units, left / right)
        if settled is None:
            told = f"{_told(left)} and {_told(right)}"
            raise DimensionError(f"{_name(rule)} adds {told}")
        units = settled


def _run(rule, state, hyperparameters, numbers, loss):
    """Two steps of a rule on a parabola of one weight, with units."""
    curvature = quantity(np.full((1, 1), 0.5), Unit(loss) / Unit("m²"))
    settings = {name: numbers[name] for name in hyperparameters if name in numbers}
    for name in FUNCTIONS:
        if name in hyperparameters:
            settings[name] = lambda w: curvature
    w, values = quantity(np.ones(1), "m"), [numbers.get(name) for name in state]
    for t in (1, 2):
        result = rule(w, lambda w: curvature[0] * w, t, *values, **settings)
        w, *values = result if isinstance(result, tuple) else (result,)


def _halves(units):
    return {name: quantity(0.5, unit) for name, unit in units.items()}


def _settle(units, ratio):
    """The units once `ratio` is made "1" by the first unknown in it; `None` without."""
    for name in units:
        unknown = _unknown(name)
        if power := _power(ratio, unknown):
            factor = ratio ** (-1 / power)  # solution / unknown
            return {
                key: unit * factor ** _power(unit, unknown)
                for key, unit in units.items()
            }
    return None


def _unknown(name):
    """The unit of a number as an unknown: a unit, and a dimension, of its own."""
    unit = f"unit_of_{name}"
    if unit not in REGISTRY:
        REGISTRY.define(f"{unit} = [{unit}]")
    return Unit(unit)


def _power(unit, unknown):
    (dimension,) = unknown.dimensionality
    return unit.dimensionality.get(dimension, 0)


def _told(unit):
    return str(unit) or "1"


def _name(rule):
    return getattr(rule, "__name__", repr(rule))
