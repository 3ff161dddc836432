"""Draw the picture of the README: `python tools/picture.py` writes `_assets/paths.svg`."""

import io
import re
from pathlib import Path

import matplotlib

from lib import optimizers, plots, surfaces, trace

matplotlib.rcParams.update({"svg.hashsalt": "descent", "svg.fonttype": "none", "font.family": "sans-serif"})
plots.GRID = 41  # coarse contours and short numbers make a small file

surface = surfaces.ravine
runs = {
    "gradient descent, rate 0.8": (optimizers.gradient_descent, {"learning_rate": 0.8}),
    "momentum 0.2, rate 0.8": (optimizers.momentum, {"learning_rate": 0.8, "momentum": 0.2}),
    "RMSprop, rate 0.2": (optimizers.rmsprop, {"learning_rate": 0.2}),
    "Adam, rate 0.2": (optimizers.adam, {"learning_rate": 0.2}),
}
ax = plots.race(
    surface,
    {name: trace(rule, surface.gradient, surface.start, 50, **rates) for name, (rule, rates) in runs.items()},
)
ax.figure.set_size_inches(7.5, 4.0)
drawn = io.StringIO()
ax.figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
short = re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}", drawn.getvalue())
Path("_assets/paths.svg").write_text(short)
