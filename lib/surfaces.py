"""Losses of two weights, to look at: each with value, gradient, Hessian, minima, a window and a start.

A point is `w` of shape `(2,)` or `(2, *batch)`, coordinates first, so that `x, y = w` works; values have
shape `batch`, gradients `(2, *batch)` and Hessians `(2, 2, *batch)`.
"""

import numpy as np


class Surface:
    """A loss and all that a picture of it needs.

    `value`, `gradient` and (if it is to be had) `hessian` are functions of `w`; `minima` is a list of the
    points `(x, y)` of all local minima in the window, lowest first; `window` is `((x0, x1), (y0, y1))`;
    `start` a point from which a path is instructive. `Surface(value, gradient)` is enough for any of the
    tools of this library; it raises `TypeError` if they are no functions. The methods take any sequence of
    two coordinates and raise `ValueError` for anything else.
    """

    def __init__(
        self,
        value,
        gradient,
        hessian=None,
        *,
        name="surface",
        minima=(),
        window=((-2.0, 2.0), (-2.0, 2.0)),
        start=(-1.5, 1.5),
    ):
        for what, function in (("value", value), ("gradient", gradient)):
            if not callable(function):
                raise TypeError(f"{what} must be a function of w, got {function!r}")
        self._value = value
        self._gradient = gradient
        self._hessian = hessian
        self.name = name
        self.minima = [tuple(point) for point in minima]
        self.window = window
        self.start = start

    def __repr__(self):
        return f"<Surface {self.name}>"

    def value(self, w):
        """The loss at `w`, shape `batch`."""
        return self._value(_point(w))

    def gradient(self, w):
        """The two partial derivatives at `w`, shape `(2, *batch)`."""
        return self._gradient(_point(w))

    def hessian(self, w):
        """The second derivatives at `w`, shape `(2, 2, *batch)`; `ValueError` if none were given."""
        if self._hessian is None:
            raise ValueError(
                f"{self.name} has no Hessian; give one: Surface(value, gradient, hessian)"
            )
        return self._hessian(_point(w))


def _point(w):
    w = np.asarray(w)
    if w.ndim == 0 or len(w) != 2:
        raise ValueError(
            f"a point has 2 coordinates, shape (2,) or (2, *batch), got shape {w.shape}"
        )
    return w


def quadratic(coefficients, target=(0.0, 0.0), **picture):
    """The bowl `a (x - p)**2 + b (y - q)**2` with `coefficients` `(a, b)` and `target` `(p, q)`.

    Its curvatures are `2 a` and `2 b`; a negative one makes it a saddle. `picture` goes to `Surface`.
    Raises `ValueError` unless both are pairs of finite numbers.
    """
    a, b = _pair("coefficients", coefficients)
    p, q = _pair("target", target)

    def value(w):
        x, y = w
        x, y = x - p, y - q
        return a * x * x + b * y * y

    def gradient(w):
        x, y = w
        return np.array([2 * a * (x - p), 2 * b * (y - q)])

    def hessian(w):
        zero = 0.0 * w[0]
        return np.array([[2 * a + zero, zero], [zero, 2 * b + zero]])

    if a > 0 and b > 0:
        picture.setdefault("minima", [(p, q)])
    picture.setdefault("name", "quadratic")
    picture.setdefault("window", ((p - 4.0, p + 4.0), (q - 4.0, q + 4.0)))
    picture.setdefault("start", (p - 3.0, q + 3.0))
    return Surface(value, gradient, hessian, **picture)


def _pair(name, values):
    try:
        pair = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        pair = ()
    if len(pair) != 2 or not np.isfinite(pair).all():
        raise ValueError(f"{name} must be two finite numbers, got {values!r}")
    return pair


# The four losses of the sources' worked examples.
round_bowl = quadratic(
    (1, 1), (3, 2), name="round bowl", window=((0, 6), (-1, 5)), start=(1.0, 4.0)
)
hand_bowl = quadratic(
    (1, 1), (4, 2), name="hand-example bowl", window=((1, 6), (0, 4)), start=(2.0, 3.0)
)
zigzag = quadratic(
    (0.1, 1.2),
    (3, 2),
    name="zigzag valley",
    window=((-0.5, 4.5), (0.5, 3.5)),
    start=(0.1, 3.0),
)
ravine = quadratic(
    (0.1, 1.2),
    (4, 2),
    name="ravine",
    window=((-0.5, 6.5), (0.0, 4.0)),
    start=(0.1, 3.5),
)


def _saddle_escape():
    def value(w):
        x, y = w
        return x * x - y * y + 0.5 * y * y * y * y

    def gradient(w):
        x, y = w
        return np.array([2 * x, 2 * y * (y * y - 1)])

    def hessian(w):
        x, y = w
        zero = 0.0 * x
        return np.array([[2 + zero, zero], [zero, 6 * y * y - 2]])

    return Surface(
        value,
        gradient,
        hessian,
        name="saddle with a way out",
        minima=[(0, -1), (0, 1)],
        window=((-1.5, 1.5), (-1.5, 1.5)),
        start=(1.0, 0.001),
    )


def _long_valley():
    def value(w):
        x, y = w
        return 0.1 * np.sqrt(1 + x * x) + y * y

    def gradient(w):
        x, y = w
        return np.array([0.1 * x / np.sqrt(1 + x * x), 2 * y])

    def hessian(w):
        x, y = w
        root = np.sqrt(1 + x * x)
        zero = 0.0 * y
        return np.array([[0.1 / (root * root * root), zero], [zero, 2 + zero]])

    return Surface(
        value,
        gradient,
        hessian,
        name="long valley",
        minima=[(0, 0)],
        window=((-1.0, 9.0), (-2.0, 2.0)),
        start=(8.0, 1.5),
    )


def _rosenbrock():
    def value(w):
        x, y = w
        climb = y - x * x
        return (1 - x) * (1 - x) + 100 * climb * climb

    def gradient(w):
        x, y = w
        climb = y - x * x
        return np.array([-2 * (1 - x) - 400 * x * climb, 200 * climb])

    def hessian(w):
        x, y = w
        return np.array(
            [[2 - 400 * y + 1200 * x * x, -400 * x], [-400 * x, 200 + 0.0 * y]]
        )

    return Surface(
        value,
        gradient,
        hessian,
        name="Rosenbrock",
        minima=[(1, 1)],
        window=((-2.0, 2.0), (-1.0, 3.0)),
        start=(-1.2, 1.0),
    )


def _beale():
    def terms(x, y):
        return 1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y

    def value(w):
        first, second, third = terms(*w)
        return first * first + second * second + third * third

    def gradient(w):
        x, y = w
        first, second, third = terms(x, y)
        return np.array(
            [
                2 * (first * (y - 1) + second * (y * y - 1) + third * (y * y * y - 1)),
                2 * x * (first + 2 * y * second + 3 * y * y * third),
            ]
        )

    def hessian(w):
        x, y = w
        y2, y3 = y * y, y * y * y
        first, second, third = terms(x, y)
        xx = 2 * ((y - 1) * (y - 1) + (y2 - 1) * (y2 - 1) + (y3 - 1) * (y3 - 1))
        xy = 2 * (
            first
            + 2 * y * second
            + 3 * y2 * third
            + x * (y - 1 + 2 * y * (y2 - 1) + 3 * y2 * (y3 - 1))
        )
        yy = 2 * x * (2 * second + 6 * y * third + x * (1 + 4 * y2 + 9 * y2 * y2))
        return np.array([[xx, xy], [xy, yy]])

    return Surface(
        value,
        gradient,
        hessian,
        name="Beale",
        minima=[(3, 0.5)],
        window=((-4.5, 4.5), (-4.5, 4.5)),
        start=(1.0, 1.5),
    )


def _himmelblau():
    def value(w):
        x, y = w
        first, second = x * x + y - 11, x + y * y - 7
        return first * first + second * second

    def gradient(w):
        x, y = w
        first, second = x * x + y - 11, x + y * y - 7
        return np.array([4 * x * first + 2 * second, 2 * first + 4 * y * second])

    def hessian(w):
        x, y = w
        xy = 4 * (x + y)
        return np.array([[12 * x * x + 4 * y - 42, xy], [xy, 12 * y * y + 4 * x - 26]])

    return Surface(
        value,
        gradient,
        hessian,
        name="Himmelblau",
        minima=[
            (3, 2),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ],
        window=((-5.0, 5.0), (-5.0, 5.0)),
        start=(0.0, 0.5),
    )


def _two_wells():
    def value(w):
        x, y = w
        return x * x * x * x / 4 - x * x / 2 + 0.2 * x + y * y / 2

    def gradient(w):
        x, y = w
        return np.array([x * x * x - x + 0.2, y])

    def hessian(w):
        x, y = w
        zero = 0.0 * y
        return np.array([[3 * x * x - 1, zero], [zero, 1 + zero]])

    return Surface(
        value,
        gradient,
        hessian,
        name="two wells",
        minima=[(-1.0880339146912894, 0), (0.8788850662499729, 0)],
        window=((-2.0, 2.0), (-1.5, 1.5)),
        start=(1.8, 1.0),
    )


def _plateau():
    def value(w):
        x, y = w
        return 1 - np.exp(-(x * x + y * y) / 2)

    def gradient(w):
        x, y = w
        well = np.exp(-(x * x + y * y) / 2)
        return np.array([x * well, y * well])

    def hessian(w):
        x, y = w
        well = np.exp(-(x * x + y * y) / 2)
        xy = -x * y * well
        return np.array([[(1 - x * x) * well, xy], [xy, (1 - y * y) * well]])

    return Surface(
        value,
        gradient,
        hessian,
        name="plateau",
        minima=[(0, 0)],
        window=((-4.0, 4.0), (-4.0, 4.0)),
        start=(-2.5, 1.5),
    )


def _rastrigin():
    turn = 2 * np.pi

    def value(w):
        x, y = w
        return 20 + x * x - 10 * np.cos(turn * x) + y * y - 10 * np.cos(turn * y)

    def gradient(w):
        x, y = w
        return np.array(
            [2 * x + 10 * turn * np.sin(turn * x), 2 * y + 10 * turn * np.sin(turn * y)]
        )

    def hessian(w):
        x, y = w
        zero = 0.0 * x
        curvature = 10 * turn * turn
        return np.array(
            [
                [2 + curvature * np.cos(turn * x), zero],
                [zero, 2 + curvature * np.cos(turn * y)],
            ]
        )

    wells = (
        0.0,
        0.9949586376523347,
        -0.9949586376523347,
        1.9899122337085495,
        -1.9899122337085495,
    )
    minima = sorted(((x, y) for x in wells for y in wells), key=value)
    return Surface(
        value,
        gradient,
        hessian,
        name="Rastrigin",
        minima=minima,
        window=((-2.5, 2.5), (-2.5, 2.5)),
        start=(-1.8, 1.7),
    )


saddle = quadratic(
    (1, -1), name="saddle", window=((-2.0, 2.0), (-2.0, 2.0)), start=(1.0, 0.01)
)
saddle_escape = _saddle_escape()
long_valley = _long_valley()
rosenbrock = _rosenbrock()
beale = _beale()
himmelblau = _himmelblau()
two_wells = _two_wells()
plateau = _plateau()
rastrigin = _rastrigin()
