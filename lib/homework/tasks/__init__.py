"""The tasks, one file for each lesson, which ends in the list `TASKS`."""


def near(number, other):
    """Whether two numbers agree in their first digits."""
    return abs(number - other) <= 5e-3 * abs(other)


def told_apart(number, bound, digits=3):
    """A number as text, to so many digits, or to as many as tell it from the bound that it misses."""
    texts = (f"{number:.{count}g}" for count in range(digits, 17))
    return next((text for text in texts if float(text) != bound), f"{bound:g}")


def elsewhere(rng, far=3.0):
    """By how much a surface is moved: up to `far` along each weight, to two decimals."""
    return tuple(rng.uniform(-far, far, 2).round(2).tolist())
