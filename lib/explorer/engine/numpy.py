"""What the library and a learner's rule need of NumPy, on MicroPython: the page's engine imports this file.

An array is a flat list of numbers and a shape. What an index or a slice of the first axis picks is a view, as
in NumPy; anything else is a copy. Numbers are Python's own. As in NumPy, arithmetic on arrays never fails: it
gives `inf` or `nan`.
"""

import math

pi, inf, nan = math.pi, math.inf, math.nan
newaxis = None
float64 = float
# Python's own; NumPy's are defined below.
_abs, _all, _any, _max, _sum = abs, all, any, max, sum


class number:
    """NumPy's own numbers, of which there are none here."""


class integer(number):
    """Nor its integers."""


class errstate:
    """Nothing here warns."""

    def __init__(self, **kinds):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class IndexExpression:
    def __getitem__(self, key):
        return key


s_ = IndexExpression()
_slice = type(s_[:])


class ndarray:
    """`flat` are its numbers, row by row."""

    def __init__(self, flat, shape):
        self.flat = flat
        self.shape = shape

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return _product(self.shape)

    @property
    def T(self):
        if len(self.shape) < 2:
            return self
        rows, columns = self.shape
        turned = []
        for k in range(columns):
            turned += self.flat[k::columns]
        return _array(turned, (columns, rows))

    def __len__(self):
        if not self.shape:
            raise TypeError("a number has no len()")
        return self.shape[0]

    def __iter__(self):
        if len(self.shape) == 1:
            return iter(self.flat)
        size = _product(self.shape[1:])
        return iter(
            [
                _array(self.flat[k : k + size], self.shape[1:])
                for k in range(0, self.size, size)
            ]
        )

    def __bool__(self):
        if self.size != 1:
            raise ValueError(
                "the truth of an array of several numbers is ambiguous: use all() or any()"
            )
        return bool(self.flat[0])

    def __repr__(self):
        return f"array({self.tolist()!r})"

    def __getitem__(self, key):
        shape, kind = self.shape, type(key)
        if kind is int and len(shape) == 1:
            return self.flat[_index(key, shape[0])]
        if shape and kind is int:
            return View(self, _index(key, shape[0]) * _product(shape[1:]), shape[1:])
        if shape and kind is _slice:
            start, stop, step = key.indices(shape[0])
            if step == 1:
                return View(
                    self,
                    start * _product(shape[1:]),
                    (_max(stop - start, 0),) + shape[1:],
                )
        positions, shape = _positions(shape, key)
        if not shape:
            return self.flat[positions[0]]
        return _array([self.flat[p] for p in positions], shape)

    def __setitem__(self, key, value):
        shape = self.shape
        if (
            type(value) is Pair
            and type(key) is int
            and len(shape) == 2 == shape[1]
            and 0 <= key < shape[0]
        ):
            self.flat[2 * key], self.flat[2 * key + 1] = value.flat  # a point of a path
            return
        positions, shape = _positions(shape, key)
        self._put(positions, broadcast_to(value, shape).flat)

    def _put(self, positions, numbers):
        for p, number in zip(positions, numbers):
            self.flat[p] = number

    def __neg__(self):
        return _array([-x for x in self.flat], self.shape)

    def __abs__(self):
        return _array([_abs(x) for x in self.flat], self.shape)

    def __invert__(self):
        return _array([not x for x in self.flat], self.shape)

    def __pow__(self, other):
        return power(self, other)

    def __rpow__(self, other):
        return power(other, self)

    def __matmul__(self, other):
        if self.ndim != 1 or self.shape != shape(other):
            raise ValueError("@ is here the product of two vectors of the same length")
        return (self * other).sum()

    def reshape(self, *shape):
        shape = shape[0] if type(shape[0]) is tuple else shape
        if -1 in shape:
            rest = -_product(shape)
            shape = tuple([self.size // rest if n == -1 else n for n in shape])
        if _product(shape) != self.size:
            raise ValueError(
                f"cannot reshape an array of {self.size} numbers into shape {shape}"
            )
        return _array(list(self.flat), shape)

    def copy(self):
        return _array(list(self.flat), self.shape)

    def tolist(self):
        if not self.shape:
            return self.flat[0]
        data = self.flat
        for n in reversed(self.shape[1:]):
            data = [data[k : k + n] for k in range(0, len(data), n)]
        return list(data)

    def _reduce(self, function, axis):
        data, shape = self.flat, self.shape
        if axis is None:
            return function(data)
        after = _product(shape[axis:][1:])
        size = shape[axis] * after
        starts = [i + j for i in range(0, len(data), size) for j in range(after)]
        return _array(
            [function(data[k : k + size : after]) for k in starts],
            shape[:axis] + shape[axis:][1:],
        )

    def sum(self, axis=None):
        return self._reduce(_sum, axis)

    def mean(self, axis=None):
        return self._reduce(lambda data: _sum(data) / len(data), axis)

    def all(self, axis=None):
        return self._reduce(_all, axis)

    def any(self, axis=None):
        return self._reduce(_any, axis)

    def min(self, axis=None):
        return self._reduce(lambda data: _fold(_minimum, data), axis)

    def max(self, axis=None):
        return self._reduce(lambda data: _fold(_maximum, data), axis)

    def argmin(self, axis=None):
        return self._reduce(lambda data: data.index(_fold(_minimum, data)), axis)


class View(ndarray):
    """Part of another array, which changes with it."""

    def __init__(self, base, first, shape):
        self.base = base
        self.first = first
        self.shape = shape

    @property
    def flat(self):
        return self.base.flat[self.first : self.first + self.size]

    def _put(self, positions, numbers):
        self.base._put([self.first + p for p in positions], numbers)


class Pair(ndarray):
    """A vector of two, which is what a rule computes with in every step: the same, only faster."""

    shape, ndim, size = (2,), 1, 2

    def __init__(self, flat):
        self.flat = flat

    def __len__(self):
        return 2

    def __iter__(self):
        return iter(self.flat)

    def __neg__(self):
        x, y = self.flat
        return Pair([-x, -y])


# Each operator is written out for every kind of operand, because a call for each number would cost more than
# the operation. Dividing by zero, the one thing that fails, is left to `exactly`, which knows the answer.
OPERATOR = """
def general(self, other):
    kind = type(other)
    try:
        if kind is float or kind is int:
            return _array([{x_other} for x in self.flat], self.shape)
        if kind is ndarray and other.shape == self.shape:
            a, b, shape = self.flat, other.flat, self.shape
        else:
            (a, b), shape = _broadcast(self, other)
        return _array([{a_b} for i in range(len(a))], shape)
    except ZeroDivisionError:
        return _binary(exactly, self, other)

def pair(self, other):
    kind = type(other)
    x, y = self.flat
    try:
        if kind is Pair:
            u, v = other.flat
            return Pair([{x_u}, {y_v}])
        if kind is float or kind is int:
            return Pair([{x_other}, {y_other}])
    except ZeroDivisionError:
        pass
    return general(self, other)
"""


def _operator(name, expression, exactly=None):
    """Give both classes the operator whose result is `expression`, of {0} in `self` and {1} in `other`."""
    operands = ("x", "other"), ("y", "other"), ("x", "u"), ("y", "v")
    written = {
        f"{mine}_{others}": expression.format(mine, others) for mine, others in operands
    }
    scope = {
        name: globals()[name]
        for name in ("Pair", "ndarray", "_array", "_binary", "_broadcast")
    }
    scope.update(exactly=exactly, type=type, float=float, int=int)
    exec(OPERATOR.format(a_b=expression.format("a[i]", "b[i]"), **written), scope)
    setattr(ndarray, name, scope["general"])
    setattr(Pair, name, scope["pair"])


def _product(shape):
    size = 1
    for n in shape:
        size *= n
    return size


def _array(flat, shape):
    return Pair(flat) if shape == (2,) else ndarray(flat, shape)


def _index(k, n):
    if not -n <= k < n:
        raise IndexError(f"index {k} is out of bounds for an axis of size {n}")
    return k if k >= 0 else k + n


def _positions(shape, key):
    """The positions in the flat list of the numbers that `key` picks, and their shape: () for one number."""
    if isinstance(key, ndarray):
        positions = [p for p, picked in enumerate(key.flat) if picked]
        return positions, (len(positions),)
    key = list(key) if type(key) is tuple else [key]
    axes = iter(shape)
    whole = len(shape) - len([k for k in key if k is not None and k is not ...])
    if whole < 0:
        raise IndexError(f"too many indices for an array of shape {shape}")
    here = key.index(...) if ... in key else len(key)
    positions, picked = [0], ()
    for k in key[:here] + [...] * whole + key[here + 1 :]:
        if k is None:
            picked += (1,)
            continue
        n = next(axes)
        if type(k) is int:
            along = (_index(k, n),)
        else:
            along = range(n) if k is ... else range(*k.indices(n))
            picked += (len(along),)
        positions = [p * n + i for p in positions for i in along]
    return positions, picked


def _broadcast(*values):
    arrays = [asarray(value) for value in values]
    shape = broadcast_shapes(*[array.shape for array in arrays])
    return [broadcast_to(array, shape).flat for array in arrays], shape


def _two(value):
    """The two numbers that a pair is, or that a number stands for; None for anything else."""
    return (
        value.flat
        if type(value) is Pair
        else (value, value)
        if _is_number(value)
        else None
    )


def _fold(function, data):
    result = data[0]
    for x in data:
        result = function(result, x)
    return result


def _is_number(value):
    return type(value) is float or isinstance(value, int)


def _unary(function, beyond=lambda x: nan):
    """`function` of a number, for arrays as well; where it fails, `beyond` knows the answer."""

    def one(x):
        try:
            return function(x)
        except (ValueError, OverflowError):
            return beyond(x)

    def each(x):
        try:
            if type(x) is Pair:
                u, v = x.flat
                return Pair([function(u), function(v)])
            if _is_number(x):
                return function(x)
            x = asarray(x)
            return _array([function(number) for number in x.flat], x.shape)
        except (ValueError, OverflowError):
            return (
                one(x)
                if _is_number(x)
                else _array([one(number) for number in x.flat], x.shape)
            )

    return each


def _binary(function, a, b):
    """`function` of two numbers, for arrays as well."""
    if _is_number(a) and _is_number(b):
        return function(a, b)
    left, right = _two(a), _two(b)
    if left and right:
        return Pair([function(left[0], right[0]), function(left[1], right[1])])
    (left, right), shape = _broadcast(a, b)
    return _array([function(x, y) for x, y in zip(left, right)], shape)


def _sign(x):
    return 1.0 if x > 0 else -1.0 if x < 0 else x - x


def _minimum(x, y):
    return x if x < y or x != x else y


def _maximum(x, y):
    return x if x > y or x != x else y


def _divide(x, y):
    if y:
        return x / y
    return x * math.copysign(inf, y)  # nan for 0 / 0


def _power(x, y):
    if y == 2:
        return x * x
    if -inf < x < 0 and -inf < y < inf and y % 1:
        return nan
    try:
        return float(x) ** y
    except (ZeroDivisionError, OverflowError):
        return math.copysign(inf, x) if y % 2 == 1 else inf


_operator("__add__", "{0} + {1}")
_operator("__radd__", "{1} + {0}")
_operator("__sub__", "{0} - {1}")
_operator("__rsub__", "{1} - {0}")
_operator("__mul__", "{0} * {1}")
_operator("__rmul__", "{1} * {0}")
_operator("__truediv__", "{0} / {1}", _divide)
_operator("__rtruediv__", "{1} / {0}", lambda x, y: _divide(y, x))
_operator("__eq__", "{0} == {1}")
_operator("__ne__", "{0} != {1}")
_operator("__lt__", "{0} < {1}")
_operator("__le__", "{0} <= {1}")
_operator("__gt__", "{0} > {1}")
_operator("__ge__", "{0} >= {1}")
_operator("__and__", "{0} & {1}")
_operator("__rand__", "{1} & {0}")
_operator("__or__", "{0} | {1}")
_operator("__ror__", "{1} | {0}")

sqrt = _unary(math.sqrt)
exp = _unary(math.exp, lambda x: inf)
log = _unary(math.log, lambda x: -inf if x == 0 else nan)
sin = _unary(math.sin)
cos = _unary(math.cos)
tanh = _unary(math.tanh)
floor = _unary(lambda x: float(math.floor(x)), lambda x: x)
square = _unary(lambda x: x * x)
abs = absolute = _unary(_abs)
sign = _unary(_sign)
isnan = _unary(lambda x: x != x)


def isfinite(x):
    if _is_number(x):
        return x - x == 0
    x = asarray(x)
    return _array([number - number == 0 for number in x.flat], x.shape)


def power(x, y):
    return _binary(_power, x, y)


def maximum(a, b):
    return _binary(_maximum, a, b)


def minimum(a, b, out=None, where=True):
    least = _binary(_minimum, a, b)
    if out is None:
        return least
    out[...] = _where(where, least, out)
    return out


def clip(x, low, high):
    return minimum(maximum(x, low), high)


def where(condition, a, b):
    if type(condition) is bool and _is_number(a) and _is_number(b):
        return a if condition else b
    picked, left, right = _two(condition), _two(a), _two(b)
    if picked and left and right:
        return Pair([x if p else y for p, x, y in zip(picked, left, right)])
    (picked, left, right), shape = _broadcast(condition, a, b)
    return _array([x if p else y for p, x, y in zip(picked, left, right)], shape)


_where = where


def array(value, dtype=None):
    data, shape = _flatten(value)
    return _array(data if dtype is None else [dtype(x) for x in data], shape)


def _flatten(value):
    if isinstance(value, ndarray):
        return list(value.flat), value.shape
    if _is_number(value):
        return [value], ()
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"an array holds numbers, got {value!r}")
    if len(value) == 2 and type(value[0]) is float and type(value[1]) is float:
        return list(value), (2,)
    parts = [_flatten(part) for part in value]
    shapes = [shape for _, shape in parts]
    if shapes and shapes.count(shapes[0]) < len(shapes):
        raise ValueError(f"an array has rows of one length, got {value!r}")
    return [x for data, _ in parts for x in data], (len(parts),) + (
        shapes[0] if shapes else ()
    )


def asarray(value, dtype=None):
    return (
        value if dtype is None and isinstance(value, ndarray) else array(value, dtype)
    )


def full(shape, value):
    shape = shape if isinstance(shape, tuple) else (shape,)
    return _array([value] * _product(shape), shape)


def zeros(shape):
    return full(shape, 0.0)


empty = zeros


def ones(shape):
    return full(shape, 1.0)


def zeros_like(x):
    return full(shape(x), 0.0)


def ones_like(x):
    return full(shape(x), 1.0)


def arange(*limits):
    return array(list(range(*limits)))


def linspace(start, stop, n=50):
    step = (stop - start) / (n - 1)
    return array([k * step + start for k in range(n - 1)] + [float(stop)])


def shape(x):
    return () if _is_number(x) else asarray(x).shape


def ndim(x):
    return len(shape(x))


def broadcast_shapes(*shapes):
    result = ()
    for shape in shapes:
        if shape == result[len(result) - len(shape) :]:
            continue
        n = _max(len(result), len(shape))
        one, other = (1,) * (n - len(result)) + result, (1,) * (n - len(shape)) + shape
        if not _all([a == b or a == 1 or b == 1 for a, b in zip(one, other)]):
            raise ValueError(f"shapes {shapes} do not fit together")
        result = tuple([b if a == 1 else a for a, b in zip(one, other)])
    return result


def broadcast_to(value, shape):
    value = asarray(value)
    if value.shape == shape:
        return value
    data, own = value.flat, value.shape
    if shape[len(shape) - len(own) :] == own:
        return _array(data * (_product(shape) // len(data)), shape)
    own = (1,) * (len(shape) - len(own)) + own
    if len(own) > len(shape) or not _all(
        [m == n or m == 1 for m, n in zip(own, shape)]
    ):
        raise ValueError(f"cannot broadcast shape {value.shape} to {shape}")
    positions = [0]
    for m, n in zip(own, shape):
        positions = [p * m + (k if m > 1 else 0) for p in positions for k in range(n)]
    return _array([data[p] for p in positions], shape)


def argmin(x, axis=None):
    return asarray(x).argmin(axis)


def argwhere(x):
    x = asarray(x)
    found = []
    for p, number in enumerate(x.flat):
        if number:
            index = []
            for n in reversed(x.shape):
                index.insert(0, p % n)
                p //= n
            found.append(index)
    return array(found) if found else ndarray([], (0, x.ndim))


def sum(x, axis=None):
    return asarray(x).sum(axis)


def mean(x, axis=None):
    return asarray(x).mean(axis)


def min(x, axis=None):
    return asarray(x).min(axis)


def max(x, axis=None):
    return asarray(x).max(axis)


def all(x, axis=None):
    return asarray(x).all(axis)


def any(x, axis=None):
    return asarray(x).any(axis)


def dot(a, b):
    return asarray(a) @ b


class linalg:
    def norm(x):
        return math.sqrt(square(asarray(x)).sum())


def __getattr__(name):
    raise AttributeError(
        f"numpy.{name} is not known on this page; a live notebook has all of NumPy"
    )
