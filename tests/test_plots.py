"""The figures, read from the artists they draw and from the words they leave."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from lib import optimizers, paths, plots, surfaces, sweep, trace

SURFACES = [value for value in vars(surfaces).values() if isinstance(value, surfaces.Surface)]


def descend(surface, **hyperparameters):
    return trace(optimizers.gradient_descent, surface.gradient, surface.start, 40, **hyperparameters)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_contours_show_the_window_and_every_minimum(surface):
    ax = plots.contours(surface)
    assert (ax.get_xlim(), ax.get_ylim()) == (surface.window[0], surface.window[1])
    stars = [tuple(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == "*"]
    assert stars == surface.minima
    assert surface.name in plots.describe(ax)


def test_a_race_draws_each_path_as_it_is_and_names_it():
    paths_ = {
        "small": descend(surfaces.ravine, learning_rate=0.1),
        "large": descend(surfaces.ravine, learning_rate=0.8),
    }
    ax = plots.race(surfaces.ravine, paths_)
    drawn = {line.get_label(): line for line in ax.lines if line.get_gid() == "path"}
    assert list(drawn) == ["small", "large"]
    for label, points in paths_.items():
        np.testing.assert_array_equal(drawn[label].get_xydata(), points)
        assert f"({points[-1, 0]:.3g}, {points[-1, 1]:.3g})" in plots.describe(ax)
    assert drawn["small"].get_color() != drawn["large"].get_color()
    assert drawn["small"].get_marker() != drawn["large"].get_marker()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["small", "large"]


def test_divergence_is_said_and_not_clipped():
    points = trace(optimizers.gradient_descent, surfaces.ravine.gradient, (0.1, 3.5), 6000, learning_rate=0.9)
    ax = plots.race(surfaces.ravine, {"too fast": points})
    step = int(paths.diverged(points))
    assert f"too fast (diverges at step {step})" in ax.get_legend().get_texts()[0].get_text()
    assert f"diverges at step {step}" in plots.describe(ax)
    assert (ax.get_xlim(), ax.get_ylim()) == surfaces.ravine.window
    plots.show(ax)._repr_png_()


def test_loss_state_and_rates_of_a_path_that_diverges_say_at_which_step():
    record = paths.history(optimizers.momentum, surfaces.ravine.gradient, (0.1, 3.5), 600, learning_rate=9.0)
    step = f"(diverges at step {paths.diverged(record['w']):.0f})"
    for ax in (
        plots.loss(surfaces.ravine, {"too fast": record["w"]}),
        plots.state(record),
        plots.rates(record),
    ):
        assert all(text.get_text().endswith(step) for text in ax.get_legend().get_texts())
        assert step in plots.describe(ax)
        assert np.isfinite(ax.lines[0].get_ydata()).sum() > 10, "nothing is seen of it"
        ax.figure.draw_without_rendering()


def test_a_picture_of_nothing_has_no_legend_and_does_not_warn():
    for ax in (
        plots.race(surfaces.ravine, {}),
        plots.loss(surfaces.ravine, {}),
        plots.lines(None, {}, "x", "y"),
    ):
        assert ax.get_legend() is None


def test_a_state_that_is_not_there_is_refused():
    record = paths.history(optimizers.gradient_descent, surfaces.ravine.gradient, (0.1, 3.5), 3)
    with pytest.raises(ValueError, match=r"names must be of the record's state, none; got \[\]"):
        plots.state(record)
    record = paths.history(optimizers.adam, surfaces.ravine.gradient, (0.1, 3.5), 3)
    with pytest.raises(ValueError, match=r"names must be of the record's state, m, v; got \['velocity'\]"):
        plots.state(record, ["velocity"])


@pytest.mark.parametrize(
    "value",
    [lambda w: np.log(w[0]), lambda w: 1 / w[0], lambda w: 3.0, lambda w: 0 * w[0]],
    ids=["logarithm", "pole", "number", "flat"],
)
def test_a_loss_of_the_users_own_is_drawn_where_it_is_finite(value):
    surface = surfaces.Surface(value, np.zeros_like)
    for ax in (plots.race(surface, {"a": [[1.0, 1.0], [0.5, 0.5]]}), plots.surface_3d(surface)):
        ax.figure.draw_without_rendering()
    nowhere = surfaces.Surface(lambda w: np.nan * w[0], np.zeros_like, name="nothing")
    for draw in (plots.contours, plots.surface_3d):
        with pytest.raises(ValueError, match=r"nothing has no finite value in \(\(-2\.0, 2\.0\)"):
            draw(nowhere)


def test_a_path_that_leaves_the_picture_says_when():
    points = np.array([[0.1, 3.5], [1.0, 3.0], [1.0, 9.0], [1.0, 12.0]])
    ax = plots.race(surfaces.ravine, {"away": points})
    assert ax.get_legend().get_texts()[0].get_text() == "away (outside after step 2)"
    back = np.array([[0.1, 3.5], [1.0, 9.0], [1.0, 3.0]])
    assert "outside" not in plots.race(surfaces.ravine, {"back": back}).get_legend().get_texts()[0].get_text()


def test_a_path_lies_on_the_surface():
    points = descend(surfaces.ravine, learning_rate=0.1)
    ax = plots.surface_3d(surfaces.ravine, {"descent": points})
    x, y, z = ax.lines[0].get_data_3d()
    np.testing.assert_array_equal(np.array([x, y]).T, points)
    np.testing.assert_allclose(z, surfaces.ravine.value(points.T))
    assert "three dimensions" in plots.describe(ax)


def test_the_loss_is_that_of_the_path_above_the_minimum():
    points = descend(surfaces.saddle_escape, learning_rate=0.1)
    ax = plots.loss(surfaces.saddle_escape, {"descent": points})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), surfaces.saddle_escape.value(points.T) + 0.5)
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "loss above the minimum"


def test_state_and_rates_come_from_the_history():
    record = paths.history(optimizers.adam, surfaces.ravine.gradient, (0.1, 3.5), 30, learning_rate=0.1)
    ax = plots.state(record, ["m"])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), record["m"][:, 1])
    assert len(plots.state(record).lines) == 4
    ax = plots.rates(record)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), paths.effective_rate(record)[:, 0])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(1, 31))


def test_a_map_shows_the_values_and_crosses_out_divergence():
    x, y = np.geomspace(0.01, 5, 20), np.linspace(0, 0.9, 10)
    result = sweep(
        optimizers.momentum, surfaces.ravine, (0.1, 3.5), 2000, learning_rate=x, momentum=y[:, None]
    )
    loss = np.where(np.isfinite(result["diverged"]), np.inf, result["final_loss"])
    assert 0 < np.isinf(loss).mean() < 1
    ax = plots.heatmap(x, y, loss, "learning rate", "momentum", "final loss")
    mesh = ax.collections[0].get_array()
    np.testing.assert_array_equal(mesh.mask, np.isinf(loss))
    assert ax.get_xscale() == "log" and ax.get_yscale() == "linear"
    assert f"{100 * np.isinf(loss).mean():.0f} % of it, crossed out" in plots.describe(ax)
    assert len(ax.collections) > 1, "no crosses"


def test_every_function_draws_on_the_axes_it_is_given():
    points = descend(surfaces.ravine, learning_rate=0.1)
    record = paths.history(optimizers.momentum, surfaces.ravine.gradient, (0.1, 3.5), 9)
    draw = [
        lambda ax: plots.contours(surfaces.ravine, ax),
        lambda ax: plots.race(surfaces.ravine, {"a": points}, ax),
        lambda ax: plots.loss(surfaces.ravine, {"a": points}, ax),
        lambda ax: plots.lines(None, {"a": [1, 2]}, "x", "y", ax),
        lambda ax: plots.state(record, ax=ax),
        lambda ax: plots.rates(record, ax=ax),
        lambda ax: plots.heatmap([1, 2], [1, 2], [[1, 2], [3, 4]], "x", "y", "z", ax=ax),
    ]
    for function in draw:
        ax = plots.panels()
        assert function(ax) is ax
        assert plots.describe(ax)


def test_no_two_of_many_curves_look_the_same():
    many = {str(i): np.full((2, 2), 1 + i / 20) for i in range(20)}
    for ax, by in (
        (plots.race(surfaces.ravine, many), "get_marker"),
        (plots.surface_3d(surfaces.ravine, many), "get_marker"),
        (plots.lines(None, {label: points[0] for label, points in many.items()}, "x", "y"), "_dash_pattern"),
    ):
        drawn = [line for line in ax.lines if line.get_label() in many]
        style = [getattr(line, by) for line in drawn]
        seen = {(line.get_color(), str(s() if callable(s) else s)) for line, s in zip(drawn, style)}
        assert len(drawn) == len(seen) == 20


def test_a_path_on_the_surface_is_broken_where_it_is_outside():
    points = np.array([[0.1, 3.5], [1.0, 9.0], [1.0, 3.0]])
    x, y, z = plots.surface_3d(surfaces.ravine, {"a": points}).lines[0].get_data_3d()
    np.testing.assert_array_equal(np.isnan([x, y, z]).all(axis=0), [False, True, False])


def test_colors_differ_for_color_blind_readers_and_never_stand_alone():
    ax = plots.lines(None, {str(i): [i, i] for i in range(7)}, "x", "y")
    assert len({line.get_color() for line in ax.lines}) == 7
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in ax.lines}) == 7


def test_a_shown_picture_is_a_png_with_its_words():
    ax = plots.panels(1, 2)
    ax[0].set_title("left")
    plots.lines(None, {"a": [1.0, 3.0]}, "x", "y", ax[0])
    plots.lines(None, {"b": [2.0, np.nan]}, "x", "y", ax[1])
    picture = plots.show(ax[0].figure)
    assert repr(picture) == "left: a: from 1 to 3, between 1 and 3. b: from 2 to 2, between 2 and 2."
    assert repr(plots.show(ax[0], "Growth.")) == "Growth."
    image = Image.open(io.BytesIO(picture._repr_png_()))
    assert image.format == "PNG" and image.width > 900
    assert picture._repr_png_() == picture._repr_png_()


def test_a_path_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"shape \(steps \+ 1, 2\), got \(5, 3\)"):
        plots.race(surfaces.ravine, {"a": np.zeros((5, 3))})


def test_pyplot_stays_out():
    code = "import sys, lib.plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
