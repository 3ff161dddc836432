"""Descent: deep-learning optimizers you can run.

    >>> from lib import optimizers, surfaces, trace
    >>> path = trace(optimizers.adam, surfaces.ravine.gradient, start=(0.1, 3.5), steps=50, learning_rate=0.1)
    >>> path.shape
    (51, 2)

Only NumPy is loaded here. What needs more is imported by name when it is needed: `lib.plots` (matplotlib),
`lib.keras_check` (TensorFlow) and `lib.units` (pint).
"""

from lib import averages, optimizers, paths, schedules, surfaces
from lib.averages import debias, ewma
from lib.paths import sweep, trace

__all__ = [
    "averages",
    "debias",
    "ewma",
    "optimizers",
    "paths",
    "schedules",
    "surfaces",
    "sweep",
    "trace",
]
