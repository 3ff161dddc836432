"""The first state of an explorer as a drawing: what a reader sees before, or without, any script.

An SVG with a title and a description, in classes that widget.css colors. The widget takes its level lines.
"""

import math
from xml.sax.saxutils import escape

import contourpy
import numpy as np

WIDTH, HEIGHT = 440, 330  # of the frame
LEFT, TOP, BOTTOM = 54, 8, 36  # the margins around it, as in widget.js
FRAME = f'x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}"'
LEVELS = 15
GRID = 65
LINE = 19  # from one line of the legend to the next
# The markers of the runs, as in widget.js: corners around the origin; the first is a circle.
SHAPES = (
    None,
    (-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9),
    (0, -1.2, 1.1, 0.8, -1.1, 0.8),
    (0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0),
    (0, 1.2, 1.1, -0.8, -1.1, -0.8),
    (-1, -1, 1, -1, -1, 1, 1, 1),
)


def race(surface, setting, runs, labels, title, text):
    """Paths over the level lines of a surface, with a legend."""
    return _document([_paths(surface, setting, runs)], labels, title, text)


def averages(setting, answer, labels, title, text):
    """A series as dots and its average as a line."""
    values, means = setting["values"], answer["averages"]
    low, high = min(0.0, *values, *means), max(0.0, *values, *means)
    pad = 0.05 * (high - low) or 1.0
    across, up = (
        _axis(1, max(len(values), 2), WIDTH),
        _axis(high + pad, low - pad, HEIGHT),
    )
    dots = "".join(
        f"M{across(t):.1f} {up(value):.1f}h0" for t, value in enumerate(values, start=1)
    )
    curve = _line([(across(t), up(value)) for t, value in enumerate(means, start=1)])
    inner = _inner(
        f'<path class="dots" d="{dots}"/><g class="run-0"><path class="path" d="{curve}"/></g>'
    )
    marks = _marks(across, _ticks(1, len(values)), up, _ticks(low - pad, high + pad))
    panel = _frame() + inner + marks + _labels(setting["xlabel"], setting["ylabel"])
    return _document([panel], labels, title, text)


def plane(surface, setting, cells, runs, labels, title, text):
    """A map, and below it the path of the cell that is chosen."""
    return _document(
        [_cells(setting, cells), _paths(surface, setting, runs)], labels, title, text
    )


def _paths(surface, setting, runs):
    (x0, x1), (y0, y1) = surface.window
    across, up = _axis(x0, x1, WIDTH), _axis(y1, y0, HEIGHT)
    stars = "".join(
        _polygon("minimum", _star(across(x), up(y), 8)) for x, y in surface.minima
    )
    tracks = "".join(
        _track(
            slot,
            [
                (across(x), up(y))
                for x, y in run["w"]
                if x is not None and y is not None
            ],
        )
        for slot, run in enumerate(runs)
    )
    x, y = setting["start"]
    start = f'<circle class="start" cx="{across(x):.1f}" cy="{up(y):.1f}" r="8"/>'
    marks = _marks(across, _ticks(x0, x1), up, _ticks(y0, y1))
    return (
        _level_lines(surface)
        + _frame()
        + _inner(stars + tracks + start)
        + marks
        + _labels("w₁", "w₂")
    )


def _cells(setting, cells):
    """A cell for each pair of two hyperparameters, darker where the result is better.

    `cells` has, row by row from the lowest y, a share from 0, best, to 1; more where the path ended worse
    than it began (a slash), None where it is no longer finite (a cross).
    """
    x, y = setting["plane"]["x"], setting["plane"]["y"]
    columns, rows = len(x["values"]), len(y["values"])
    paths = {}
    for i, row in enumerate(cells):
        names = [_cell(share) for share in row]
        for j, name in enumerate(names):
            bottom = rows - i
            if name == "lost":
                d = f"M{j}.3 {bottom - 0.3:.1f}l.4-.4m-.4 0l.4 .4"
            elif name == "worse":
                d = f"M{j}.3 {bottom - 0.3:.1f}l.4-.4"
            elif j and names[j - 1] == name:
                continue
            else:
                alike = (
                    next((k for k in range(j, columns) if names[k] != name), columns)
                    - j
                )
                d = f"M{j} {bottom}v-1h{alike}v1z"
            paths[name] = paths.get(name, "") + d
    inner = "".join(
        f'<path class="{name}" d="{d}"/>' for name, d in sorted(paths.items())
    )
    marks = _cell_marks(x["values"], y["values"], WIDTH / columns, HEIGHT / rows)
    grid = f'<svg {FRAME} viewBox="0 0 {columns} {rows}" preserveAspectRatio="none">{inner}</svg>'
    return grid + _frame() + marks + _labels(x["name"], y["name"])


def _cell(share):
    if share is None:
        return "lost"
    return "worse" if share > 1 else f"shade-{10 * share:.0f}"


def _document(panels, labels, title, text):
    """The panels one below the other, then what each run is and came to; and the words for all of it."""
    panel = TOP + HEIGHT + BOTTOM
    body = "".join(
        f'<g transform="translate(0 {k * panel})">{drawn}</g>'
        for k, drawn in enumerate(panels)
    )
    y = len(panels) * panel + 14
    for slot, (label, fate) in enumerate(labels):
        short = len(label) + len(fate) < 65
        lines = [f"{label}: {fate}"] if short else [f"{label}:", fate]
        words = "".join(
            f'<text x="{LEFT + 34}" y="{y + 4 + LINE * k}">{escape(line)}</text>'
            for k, line in enumerate(lines)
        )
        body += (
            f'<g class="run-{slot}"><path class="path" d="M{LEFT} {y}h26"/>'
            f'<path class="marks" d="{_glyph(slot, LEFT + 13, y, 4)}"/>{words}</g>'
        )
        y += LINE * len(lines)
    return (
        f'<svg class="picture" role="img" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {LEFT + WIDTH + 10} {y - 6}">'
        f"<title>{escape(title)}</title><desc>{escape(text)}</desc>{body}</svg>"
    )


def _level_lines(surface):
    """The area below each level, one over the other, in a square of 1000 x 1000."""
    x, y = (np.linspace(low, high, GRID) for low, high in surface.window)
    with np.errstate(all="ignore"):
        values = surface.value(np.array(np.meshgrid(x, y)))
    finite = values[np.isfinite(values)]
    levels = np.quantile(finite, np.linspace(0, 1, LEVELS + 1)[1:-1])
    steps = np.linspace(0, 1000, GRID)
    generator = contourpy.contour_generator(
        steps, steps[::-1], values, fill_type="OuterOffset"
    )
    paths = []
    for level in levels[::-1]:
        polygons = zip(*generator.filled(-np.inf, level))
        rings = (
            ring for points, ends in polygons for ring in np.split(points, ends[1:-1])
        )
        paths.append(f'<path class="level" d="{"".join(map(_ring, rings))}"/>')
    square = 'viewBox="0 0 1000 1000" preserveAspectRatio="none"'
    return f'<svg class="surface" {FRAME} {square}>{"".join(paths)}</svg>'


def _ring(points):
    """A closed line in whole numbers, each corner relative to the last, without those that hardly matter."""
    middle = len(points) // 2
    corners = (
        np.concatenate([_simpler(points[: middle + 1]), _simpler(points[middle:])[1:]])
        .round()
        .astype(int)
    )
    moves = "".join(f"l{x} {y}" for x, y in np.diff(corners[:-1], axis=0).tolist())
    return f"M{corners[0][0]} {corners[0][1]}{moves}z"


def _simpler(points, tolerance=1.2):
    """The corners of a line that is nowhere further off than the tolerance (Douglas and Peucker, 1973)."""
    if len(points) < 3:
        return points
    along = points[-1] - points[0]
    length = np.hypot(*along) or 1.0
    off = (
        np.abs(
            along[0] * (points[:, 1] - points[0, 1])
            - along[1] * (points[:, 0] - points[0, 0])
        )
        / length
    )
    k = int(off.argmax())
    if off[k] <= tolerance:
        return points[[0, -1]]
    return np.concatenate(
        [_simpler(points[: k + 1], tolerance), _simpler(points[k:], tolerance)[1:]]
    )


def _track(slot, points):
    inside = points[: 1 + _last(points)]
    marks = "".join(_glyph(slot, x, y, 2.6) for x, y in _apart(inside))
    path = f'<path class="path" d="{_line(inside)}"/>'
    return f'<g class="run-{slot}">{path}<path class="marks" d="{marks}"/></g>'


def _last(points):
    """The first point that is far outside of the picture, or the last one."""
    far = (k for k, (x, y) in enumerate(points) if max(abs(x), abs(y)) > 4000)
    return next(far, len(points) - 1)


def _apart(points):
    """The points that leave room for a mark."""
    last = points[0]
    for p in points[1:]:
        if math.dist(p, last) >= 6 and max(map(abs, p)) < 1000:
            yield p
            last = p


def _axis(low, high, length):
    return lambda value: (value - low) / (high - low) * length


def _ticks(low, high):
    step = next(
        factor * power
        for power in (10.0**k for k in range(-12, 13))
        for factor in (1, 2, 5)
        if factor * power >= (high - low) / 7
    )
    first = math.ceil(low / step - 1e-9)
    return [
        float(f"{k * step:.6g}")
        for k in range(first, math.floor(high / step + 1e-9) + 1)
    ]


def _marks(across, xs, up, ys):
    columns = "".join(_column(across(x), f"{x:g}") for x in xs)
    return columns + "".join(_row(up(y), f"{y:g}") for y in ys)


def _cell_marks(xs, ys, width, height):
    columns = "".join(
        _column((j + 0.5) * width, f"{xs[j]:.2g}") for j in range(0, len(xs), 5)
    )
    return columns + "".join(
        _row(HEIGHT - (i + 0.5) * height, f"{ys[i]:.2g}") for i in range(0, len(ys), 5)
    )


def _column(x, text):
    return (
        f'<text class="middle" x="{LEFT + x:.1f}" y="{TOP + HEIGHT + 16}">{text}</text>'
    )


def _row(y, text):
    return f'<text class="end" x="{LEFT - 7}" y="{TOP + y + 4:.1f}">{text}</text>'


def _labels(xlabel, ylabel):
    return (
        f'<text class="middle label" x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 32}">{escape(xlabel)}</text>'
        f'<text class="middle label" transform="translate(10 {TOP + HEIGHT / 2}) rotate(-90)">'
        f"{escape(ylabel)}</text>"
    )


def _frame():
    return f'<rect class="frame" {FRAME}/>'


def _inner(content):
    return f"<svg {FRAME}>{content}</svg>"


def _line(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _polygon(name, points):
    return f'<path class="{name}" d="{_line(points)}z"/>'


def _star(x, y, r):
    corners = [(math.pi * k / 5, r * (0.42 if k % 2 else 1)) for k in range(10)]
    return [
        (x + radius * math.sin(angle), y - radius * math.cos(angle))
        for angle, radius in corners
    ]


def _glyph(slot, x, y, r):
    shape = SHAPES[slot]
    if shape is None:
        return f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
    return (
        _line([(x + r * a, y + r * b) for a, b in zip(shape[::2], shape[1::2])]) + "z"
    )
