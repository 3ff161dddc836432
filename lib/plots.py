"""Static figures: contours and paths, curves, states and rates, maps.

Every function takes an `ax` (or makes one) and returns it, draws in colors that color-blind readers can tell
apart, with a marker or a line style beside each color, and notes in words what it drew: `describe` gives the
words, and `show` puts them beside the picture. No figure is global: this module does not load pyplot.
"""

import io

import numpy as np
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from PIL import Image

from lib.paths import diverged, effective_rate

# Okabe and Ito (2008), "Color universal design".
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
DEPTH = LinearSegmentedColormap.from_list("depth", ["#a9c1d9", "#ffffff"])
GRID = 101  # points of a surface along each axis
LARGEST = 1e100  # what is drawn at most: an axis and its ticks need room beyond


def panels(rows=1, columns=1, size=(7.0, 3.5), projection=None):
    """The axes of a new figure of `size` inches: one, or an array of shape `(rows, columns)` squeezed.

    `projection="3d"` makes them fit for `surface_3d`.
    """
    return Figure(figsize=size, layout="constrained").subplots(
        rows, columns, subplot_kw={"projection": projection}
    )


def contours(surface, ax=None):
    """The level lines of a surface over its window, deeper where darker, and a star at each minimum."""
    ax = ax or panels(size=(5.5, 4.0))
    x, y, value = _grid(surface)
    levels = np.unique(np.quantile(value[np.isfinite(value)], np.linspace(0, 1, 16)))
    if len(levels) > 1:
        norm = BoundaryNorm(levels, DEPTH.N)
        ax.contourf(x, y, value, levels=levels, cmap=DEPTH, norm=norm)
        ax.contour(x, y, value, levels=levels, colors="0.7", linewidths=0.6)
    for minimum in surface.minima:
        ax.plot(
            *minimum,
            "*",
            color="black",
            markersize=9,
            markeredgecolor="white",
            zorder=3,
        )
    ax.set(
        xlim=surface.window[0], ylim=surface.window[1], xlabel="$w_1$", ylabel="$w_2$"
    )
    minima = ", ".join(f"({a:.3g}, {b:.3g})" for a, b in surface.minima[:4])
    more = f" and {len(surface.minima) - 4} more" if len(surface.minima) > 4 else ""
    _note(
        ax,
        f"Level lines of the {surface.name}"
        + (f" with minimum at {minima}{more}." if minima else "."),
    )
    return ax


def path(points, ax, label="path"):
    """A path of shape `(steps + 1, 2)` over what `ax` shows: a dot a step, a ring at the start.

    Where it leaves the picture or the finite numbers, the legend and the words say at which step.
    """
    points = _checked_path(points)
    number = len([line for line in ax.lines if line.get_gid() == "path"])
    color, marker = COLORS[number % len(COLORS)], _beside_color(number, MARKERS)
    label, sentence = _fate(points, label, ax.get_xlim(), ax.get_ylim())
    seen = points[np.isfinite(points).all(axis=1)]
    style = {
        "color": color,
        "linewidth": 1.2,
        "marker": marker,
        "markersize": 3,
        "gid": "path",
    }
    limits = ax.axis()
    ax.plot(seen[:, 0], seen[:, 1], label=label, **style)
    ax.plot(*points[0], "o", color=color, markersize=8, fillstyle="none")
    ax.axis(limits)
    _note(ax, sentence)
    return ax


def race(surface, paths, ax=None):
    """Several paths, `{label: path}`, on one surface, with a legend."""
    ax = contours(surface, ax)
    for label, points in paths.items():
        path(points, ax, label)
    if paths:
        ax.legend(fontsize="small", framealpha=0.9)
    return ax


def surface_3d(surface, paths=None, ax=None):
    """The surface in three dimensions, with paths, `{label: path}`, lying on it."""
    ax = ax or panels(size=(5.5, 4.5), projection="3d")
    x, y, value = _grid(surface)
    ax.plot_surface(
        x,
        y,
        value,
        cmap=DEPTH,
        alpha=0.7,
        rcount=40,
        ccount=40,
        edgecolor="0.8",
        linewidth=0.2,
    )
    sentences = [f"The {surface.name} as a surface in three dimensions."]
    for number, (label, points) in enumerate((paths or {}).items()):
        points = _checked_path(points)
        label, sentence = _fate(points, label, *surface.window)
        sentences.append(sentence)
        (x0, x1), (y0, y1) = surface.window
        inside = (
            (x0 <= points[:, 0])
            & (points[:, 0] <= x1)
            & (y0 <= points[:, 1])
            & (points[:, 1] <= y1)
        )
        shown = np.where(inside, points.T, np.nan)
        ax.plot(
            *shown,
            surface.value(shown),
            color=COLORS[(number + 1) % len(COLORS)],
            marker=_beside_color(number, MARKERS),
            markersize=3,
            linewidth=1.5,
            label=label,
            zorder=10,
        )
    if paths:
        ax.legend(fontsize="small")
    ax.view_init(elev=50, azim=-50)
    ax.set(xlabel="$w_1$", ylabel="$w_2$", zlabel="loss")
    _note(ax, " ".join(sentences))
    return ax


def loss(surface, paths, ax=None):
    """Loss above the lowest minimum against the step, on a logarithmic scale, for `{label: path}`.

    Where a path leaves the finite numbers, the legend and the words say at which step.
    """
    ax = ax or panels()
    floor = surface.value(surface.minima[0]) if surface.minima else 0.0
    with np.errstate(all="ignore"):
        curves = {
            f"{label}{_end_of(points)}": surface.value(np.asarray(points).T) - floor
            for label, points in paths.items()
        }
    lines(
        None,
        curves,
        xlabel="step",
        ylabel="loss above the minimum" if floor else "loss",
        ax=ax,
    )
    ax.set_yscale("log")
    return ax


def lines(x, curves, xlabel, ylabel, ax=None):
    """Curves, `{label: y}`, over `x` (the step number from 0 if `None`), with a legend."""
    ax = ax or panels()
    for label, y in curves.items():
        y = np.asarray(y, dtype=float)
        at = np.arange(len(y)) if x is None else x
        number = len(ax.lines)
        ax.plot(
            at,
            np.where(np.abs(y) < LARGEST, y, np.nan),
            color=COLORS[number % len(COLORS)],
            linestyle=_beside_color(number, DASHES),
            label=label,
        )
        _note(ax, _curve(label, y))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if curves:
        ax.legend(fontsize="small")
    return ax


def state(record, names=None, ax=None):
    """The state of a `paths.history` after each step, a curve for each name and weight.

    Raises `ValueError` for a name that the record does not hold, and if the rule has no state.
    """
    held = [name for name in record if name not in ("w", "gradient")]
    names = names or held
    if not names or not set(names) <= set(record):
        raise ValueError(
            f"names must be of the record's state, {', '.join(held) or 'none'}; got {names!r}"
        )
    lost = _end_of(record["w"])
    curves = {
        f"{name} of $w_{i + 1}${lost}": series
        for name in names
        for i, series in enumerate(record[name].T)
    }
    return lines(
        1 + np.arange(len(record["gradient"])),
        curves,
        xlabel="step",
        ylabel=", ".join(names),
        ax=ax,
    )


def rates(record, ax=None):
    """The effective rate of each weight in each step of a `paths.history`, on a logarithmic scale."""
    lost = _end_of(record["w"])
    curves = {
        f"effective rate of $w_{i + 1}${lost}": series
        for i, series in enumerate(effective_rate(record).T)
    }
    steps = 1 + np.arange(len(record["gradient"]))
    ax = lines(steps, curves, xlabel="step", ylabel="step / (-gradient)", ax=ax)
    ax.set_yscale("log")
    return ax


def heatmap(x, y, values, xlabel, ylabel, label, limits=None, ax=None):
    """A map of `values`, shape `(len(y), len(x))`, with crosses where they are not finite.

    Axes and colors are logarithmic where the numbers are not negative and span more than a factor of 20.
    `limits`, a pair, is where the colors begin and end; the color bar then points to what lies beyond.
    """
    ax = ax or panels(size=(6.0, 4.0))
    x, y, values = np.asarray(x), np.asarray(y), np.asarray(values, dtype=float)
    finite = np.isfinite(values)
    shown = np.where(finite, values, np.nan)
    positive = values[finite & (values > 0)]
    logarithmic = _wide(positive) and values[finite].min() >= 0
    low, high = limits or (
        (positive.min(), positive.max()) if logarithmic else (None, None)
    )
    norm = LogNorm(low, high, clip=True) if logarithmic else Normalize(low, high)
    mesh = ax.pcolormesh(
        x,
        y,
        np.maximum(shown, low) if logarithmic else shown,
        norm=norm,
        cmap="viridis",
    )
    if not finite.all():
        ax.contourf(x, y, ~finite, levels=[0.5, 1.5], colors=["0.85"], hatches=["xx"])
    ax.figure.colorbar(mesh, ax=ax, label=label, extend="both" if limits else "neither")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if _wide(x):
        ax.set_xscale("log")
    if _wide(y):
        ax.set_yscale("log")
    spans = f"{xlabel} from {x[0]:.3g} to {x[-1]:.3g} and {ylabel} from {y[0]:.3g} to {y[-1]:.3g}"
    sentence = f"A map of {label} over {spans}"
    if finite.any():
        row, column = np.unravel_index(np.nanargmin(shown), shown.shape)
        sentence += f"; the lowest is {shown[row, column]:.3g}"
        sentence += f" at {xlabel} {x[column]:.3g}, {ylabel} {y[row]:.3g}"
    _note(
        ax,
        sentence
        + f"; {100 * (1 - finite.mean()):.0f} % of it, crossed out, is not finite.",
    )
    return ax


def describe(picture):
    """The text alternative of an `ax` or a figure: what the functions of this module drew, in sentences."""
    if isinstance(picture, Figure):
        return " ".join(describe(ax) for ax in picture.axes if describe(ax))
    title = picture.get_title()
    notes = " ".join(getattr(picture, "notes", []))
    return f"{title}: {notes}" if title and notes else notes


def show(picture, text=None):
    """A figure as a notebook shows it: the picture, and in words what it shows.

    `picture` is an `ax` or a figure; `text` says what a reader should see in it, by default `describe`.
    """
    figure = picture if isinstance(picture, Figure) else picture.figure
    return Picture(figure, text or describe(figure))


class Picture:
    """A figure with its text alternative, for a notebook to display."""

    def __init__(self, figure, text):
        self.figure = figure
        self.text = text

    def __repr__(self):
        return self.text

    def _repr_png_(self):
        drawn, packed = io.BytesIO(), io.BytesIO()
        self.figure.savefig(drawn, format="png", dpi=150)
        Image.open(drawn).convert("RGB").quantize(256).save(
            packed, format="png", optimize=True
        )
        return packed.getvalue()


def _beside_color(number, styles):
    """The style of a curve: when the colors begin anew, the styles are shifted by one."""
    return styles[(number + number // len(COLORS)) % len(styles)]


def _grid(surface):
    (x0, x1), (y0, y1) = surface.window
    x, y = np.meshgrid(np.linspace(x0, x1, GRID), np.linspace(y0, y1, GRID))
    with np.errstate(all="ignore"):
        value = np.broadcast_to(surface.value(np.array([x, y])), x.shape)
    if not np.isfinite(value).any():
        raise ValueError(f"{surface.name} has no finite value in {surface.window}")
    return x, y, value


def _checked_path(points):
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"a path to draw has shape (steps + 1, 2), got {points.shape}")
    return points


def _fate(points, label, xlim, ylim):
    """The label and a sentence of a path, with the step at which it leaves the picture or is not finite."""
    steps = len(points) - 1
    last = diverged(points)
    with np.errstate(invalid="ignore"):
        low, high = np.array([xlim, ylim]).T
        outside = np.flatnonzero(~((low <= points) & (points <= high)).all(axis=1))
    start = f"({points[0, 0]:.3g}, {points[0, 1]:.3g})"
    sentence = f"{label}: {steps} steps from {start}"
    if last <= steps:
        return (
            f"{label}{_end_of(points)}",
            f"{sentence}; it diverges at step {last:.0f}.",
        )
    if len(outside) and outside[-1] == steps:
        return (
            f"{label} (outside after step {outside[0]})",
            f"{sentence}; it leaves the picture at step {outside[0]}.",
        )
    return label, f"{sentence} to ({points[-1, 0]:.3g}, {points[-1, 1]:.3g})."


def _end_of(points):
    """The end of a label: at which step a path is lost, if it is."""
    last = diverged(points)
    return f" (diverges at step {last:.0f})" if last < np.inf else ""


def _curve(label, y):
    finite = y[np.isfinite(y)]
    if not len(finite):
        return f"{label}: no finite value."
    ends = f"from {finite[0]:.3g} to {finite[-1]:.3g}"
    return f"{label}: {ends}, between {finite.min():.3g} and {finite.max():.3g}."


def _wide(values):
    return bool(len(values)) and values.min() > 0 and values.max() > 20 * values.min()


def _note(ax, sentence):
    ax.notes = [*getattr(ax, "notes", []), sentence]
