"""The tasks, one file for each lesson, which ends in the list `TASKS`."""


def near(number, other):
    """Whether two numbers agree in their first digits."""
    return abs(number - other) <= 5e-3 * abs(other)
