"""lib/surfaces.py: derivatives against finite differences, minima against a search of the window."""

import numpy as np
import pytest

from lib import surfaces
from lib.surfaces import Surface, quadratic
from tests.rules import SURFACES

every_surface = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)


def points(surface, count, seed=0):
    """Points all over the window, shape (2, count)."""
    low, high = np.transpose(surface.window)
    return np.random.default_rng(seed).uniform(low, high, (count, 2)).T


def central_difference(function, w, step):
    """The derivative of `function` along each coordinate, put in front of its shape, to the order step**4."""

    def along(axis):
        h = np.zeros((2, 1))
        h[axis] = step
        return (8 * (function(w + h) - function(w - h)) - (function(w + 2 * h) - function(w - 2 * h))) / (
            12 * step
        )

    return np.array([along(0), along(1)])


@every_surface
def test_derivatives_against_finite_differences(surface):
    w = points(surface, 200)
    gradient, hessian = surface.gradient(w), surface.hessian(w)
    np.testing.assert_allclose(
        gradient, central_difference(surface.value, w, 1e-3), rtol=1e-7, atol=1e-7 * np.abs(gradient).max()
    )
    np.testing.assert_allclose(
        hessian, central_difference(surface.gradient, w, 1e-3), rtol=1e-7, atol=1e-7 * np.abs(hessian).max()
    )
    np.testing.assert_array_equal(hessian, np.swapaxes(hessian, 0, 1))


@every_surface
def test_everything_broadcasts_coordinates_first(surface):
    w = points(surface, 12)
    for function, shape in ((surface.value, ()), (surface.gradient, (2,)), (surface.hessian, (2, 2))):
        together = function(w)
        assert together.shape == (*shape, 12)
        np.testing.assert_array_equal(function(w.reshape(2, 3, 4)), together.reshape(*shape, 3, 4))
        for index in range(12):
            alone = function(w[:, index])
            assert np.shape(alone) == shape
            np.testing.assert_array_equal(alone, together[..., index])
        np.testing.assert_array_equal(function(w[:, 0].tolist()), together[..., 0])
        np.testing.assert_array_equal(function((1, 2)), function((1.0, 2.0)))


@every_surface
def test_nothing_is_changed_and_every_answer_is_a_new_array(surface):
    w = points(surface, 3)
    w.flags.writeable = False
    for function in (surface.value, surface.gradient, surface.hessian):
        assert not np.shares_memory(function(w), w)


@every_surface
def test_minima_are_flat_curve_upward_and_come_lowest_first(surface):
    (x0, x1), (y0, y1) = surface.window
    for x, y in surface.minima:
        assert x0 < x < x1
        assert y0 < y < y1
        hessian = surface.hessian((x, y))
        curvatures = np.linalg.eigvalsh(hessian)
        assert curvatures[0] > 0
        np.testing.assert_allclose(surface.gradient((x, y)), 0, atol=1e-14 * curvatures[1])
    losses = [surface.value(point) for point in surface.minima]
    assert np.all(np.diff(losses) > -1e-12)
    assert len(set(surface.minima)) == len(surface.minima)


def search(surface):
    """All local minima in the window: Newton's method from wherever a fine grid has a lowest point."""
    axes = [np.linspace(low, high, 401) for low, high in surface.window]
    grid = np.array(np.meshgrid(*axes, indexing="ij"))
    loss = np.pad(surface.value(grid), 1, constant_values=np.inf)
    neighbors = [np.roll(loss, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    lowest = (loss <= np.min(neighbors, axis=0))[1:-1, 1:-1]
    found = set()
    for point in grid[:, lowest].T:
        for _ in range(50):
            point = point - np.linalg.solve(surface.hessian(point), surface.gradient(point))
        inside = all(low <= coordinate <= high for coordinate, (low, high) in zip(point, surface.window))
        if inside and np.linalg.eigvalsh(surface.hessian(point))[0] > 0:
            found.add(tuple(np.round(point, 8) + 0.0))
    return found


@every_surface
def test_a_search_of_the_window_finds_the_listed_minima_and_no_other(surface):
    listed = {tuple(np.round(point, 8) + 0.0) for point in surface.minima}
    assert search(surface) == listed


@every_surface
def test_the_start_is_in_the_window_and_there_is_a_slope(surface):
    (x0, x1), (y0, y1) = surface.window
    x, y = surface.start
    assert x0 <= x <= x1
    assert y0 <= y <= y1
    assert np.linalg.norm(surface.gradient(surface.start)) > 1e-3
    assert all(surface.value(point) < surface.value(surface.start) for point in surface.minima[:1])


def test_names_are_unique_and_shown():
    names = [surface.name for surface in SURFACES.values()]
    assert len(set(names)) == len(names)
    assert repr(surfaces.ravine) == "<Surface ravine>"


@pytest.mark.parametrize(
    ("surface", "w", "loss"),
    [
        (surfaces.round_bowl, (1, 4), 8.0),
        (surfaces.hand_bowl, (2, 3), 5.0),
        (surfaces.zigzag, (0.1, 3), 0.1 * 2.9**2 + 1.2),
        (surfaces.ravine, (0.1, 3.5), 4.221),
        (surfaces.saddle, (3, 2), 5.0),
        (surfaces.saddle_escape, (0, 1), -0.5),
        (surfaces.long_valley, (0, 0), 0.1),
        (surfaces.rosenbrock, (-1.2, 1), 24.2),
        (surfaces.beale, (0, 0), 1.5**2 + 2.25**2 + 2.625**2),
        (surfaces.himmelblau, (0, 0), 170.0),
        (surfaces.two_wells, (1, 2), 0.25 - 0.5 + 0.2 + 2),
        (surfaces.plateau, (0, 0), 0.0),
        (surfaces.rastrigin, (0.5, 0), 20.25),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_losses_known_from_their_definitions(surface, w, loss):
    assert surface.value(w) == pytest.approx(loss, rel=1e-15)


def test_every_surface_has_its_known_loss():
    (mark,) = test_losses_known_from_their_definitions.pytestmark
    assert {row[0] for row in mark.args[1]} == set(SURFACES.values())


@pytest.mark.parametrize(
    ("surface", "lowest"),
    [
        (surfaces.rosenbrock, 0),
        (surfaces.beale, 0),
        (surfaces.himmelblau, 0),
        (surfaces.rastrigin, 0),
        (surfaces.saddle_escape, -0.5),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_lowest_losses(surface, lowest):
    assert surface.value(surface.minima[0]) == pytest.approx(lowest, abs=1e-25)


def test_one_well_is_deeper_than_the_other():
    deep, shallow = surfaces.two_wells.minima
    assert surfaces.two_wells.value(deep) < surfaces.two_wells.value(shallow) - 0.1


# Quadratics of any curvature and target


def test_a_quadratic_by_hand():
    bowl = quadratic((0.5, 2), (1, -1))
    assert bowl.value((3, 0)) == 4.0
    np.testing.assert_array_equal(bowl.gradient((3, 0)), [2.0, 4.0])
    np.testing.assert_array_equal(bowl.hessian((3, 0)), [[1.0, 0.0], [0.0, 4.0]])
    assert bowl.minima == [(1.0, -1.0)]
    assert bowl.window == ((-3.0, 5.0), (-5.0, 3.0))
    assert bowl.start == (-2.0, 2.0)
    assert bowl.name == "quadratic"


@pytest.mark.parametrize("coefficients", [(1, -1), (-1, 1), (-1, -1), (0, 1), (1, 0)])
def test_without_a_bowl_there_is_no_minimum(coefficients):
    assert quadratic(coefficients).minima == []


def test_a_quadratic_may_be_pictured_otherwise():
    bowl = quadratic((1, 1), name="mine", window=((0, 1), (0, 1)), start=(0.5, 0.5), minima=[])
    assert (bowl.name, bowl.window, bowl.start, bowl.minima) == ("mine", ((0, 1), (0, 1)), (0.5, 0.5), [])


@pytest.mark.parametrize("bad", [(1,), (1, 2, 3), (1, np.nan), (np.inf, 1), 3, "ab", (1, None)])
@pytest.mark.parametrize("argument", ["coefficients", "target"])
def test_a_quadratic_takes_pairs_of_finite_numbers(argument, bad):
    given = {"coefficients": (1, 1), argument: bad}
    with pytest.raises(ValueError, match=f"{argument} must be two finite numbers, got ") as caught:
        quadratic(**given)
    assert repr(bad) in str(caught.value)


# Surfaces of the user's own


def test_two_functions_make_a_surface():
    mine = Surface(lambda w: w[0] + w[1], lambda w: np.ones_like(w))
    assert mine.value([1.0, 2.0]) == 3.0
    np.testing.assert_array_equal(mine.gradient([1.0, 2.0]), [1.0, 1.0])
    assert mine.minima == []
    assert repr(mine) == "<Surface surface>"
    with pytest.raises(ValueError, match="surface has no Hessian; give one"):
        mine.hessian([1.0, 2.0])


@pytest.mark.parametrize("argument", ["value", "gradient"])
def test_a_surface_is_made_of_functions(argument):
    given = {"value": len, "gradient": len, argument: 3.0}
    with pytest.raises(TypeError, match=rf"^{argument} must be a function of w, got 3\.0$"):
        Surface(**given)


@pytest.mark.parametrize("function", ["value", "gradient", "hessian"])
@pytest.mark.parametrize("w", [1.0, (1.0,), (1.0, 2.0, 3.0), np.ones((3, 2))])
def test_a_point_has_two_coordinates(function, w):
    expected = f"a point has 2 coordinates, shape (2,) or (2, *batch), got shape {np.shape(w)}"
    with pytest.raises(ValueError) as caught:
        getattr(surfaces.ravine, function)(w)
    assert str(caught.value) == expected
