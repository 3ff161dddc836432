"""The contenders of the benchmarks compute what the library computes; no time is judged here."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import averages, grader, paths, startup, sweeps, timing
from benchmarks.timing import Row, compare, duration, ratio
from lib import optimizers, surfaces, trace
from lib.averages import ewma_series
from lib.homework import submissions

MAP = (
    np.geomspace(0.01, 1e5, 60),
    np.linspace(0.0, 0.99, 60),
)  # some settings arrive, some diverge


# Paths


def test_the_textbook_loop_is_the_adam_of_the_paper():
    np.testing.assert_allclose(paths.textbook(), paths.adam_paper(), rtol=0, atol=1e-12)


def test_the_textbook_loop_is_adam_where_epsilon_does_not_matter():
    ours = trace(
        optimizers.adam,
        surfaces.ravine.gradient,
        paths.START,
        paths.STEPS,
        learning_rate=paths.RATE,
        epsilon=0.0,
    )
    np.testing.assert_allclose(paths.textbook(epsilon=0.0), ours, rtol=0, atol=1e-12)
    np.testing.assert_allclose(paths.adam(), ours, rtol=0, atol=1e-5)


def test_keras_with_a_tape_is_adam_with_hyperparameters_in_single_precision():
    np.testing.assert_allclose(paths.with_keras(), paths.adam(), rtol=0, atol=5e-5)


def test_torch_is_the_adam_of_the_paper():
    pytest.importorskip("torch")
    np.testing.assert_allclose(paths.with_torch(), paths.adam_paper(), rtol=0, atol=1e-12)


# Sweeps


@pytest.mark.parametrize("surface", [sweeps.given, sweeps.by_hand])
def test_momentum_in_place_is_the_sweep(surface):
    ours, other = sweeps.momentum(*MAP), sweeps.momentum_in_place(*MAP, surface)
    assert ours.keys() == other.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], other[name])
        assert len(np.unique(ours[name])) > 3


@pytest.mark.parametrize("surface", [sweeps.given, sweeps.by_hand])
def test_adam_in_place_is_the_sweep(surface):
    ours, other = sweeps.adam(*MAP), sweeps.adam_in_place(*MAP, surface)
    assert ours.keys() == other.keys()
    np.testing.assert_allclose(ours["final_loss"], other["final_loss"], rtol=1e-6)
    for name in ("steps_to_tolerance", "diverged"):
        np.testing.assert_array_equal(ours[name], other[name])
    assert len(np.unique(ours["steps_to_tolerance"])) > 3


def test_optax_is_the_sweep_in_single_precision():
    pytest.importorskip("optax")
    rates, betas = (values[sweeps.settings(100)[1] > 0] for values in sweeps.settings(100))  # 0 may cycle
    ours, other = sweeps.adam(rates, betas), sweeps.adam_optax(rates, betas)()
    assert ours.keys() == other.keys()
    np.testing.assert_allclose(other["final_loss"], ours["final_loss"], rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(other["diverged"], ours["diverged"])
    assert np.mean(other["steps_to_tolerance"] == ours["steps_to_tolerance"]) > 0.95


def test_a_map_is_every_rate_with_every_beta():
    rates, betas = sweeps.settings(10_000)
    assert rates.shape == betas.shape == (10_000,)
    assert len(set(zip(rates, betas))) == 10_000


# Averages


@pytest.mark.parametrize("beta", [0.9, 0.999])
def test_the_filter_is_the_average(beta):
    values = averages.series(1000)
    np.testing.assert_allclose(averages.filtered(values, beta), ewma_series(values, beta), atol=1e-14)


@pytest.mark.parametrize("beta", [0.9, 0.999])
def test_the_exact_average_is_the_sum_without_rounding(beta):
    values = averages.series(100)
    expected = [
        math.fsum((1 - beta) * beta**k * value for k, value in enumerate(values[t::-1])) for t in range(100)
    ]
    exact = averages.exact(values, beta)
    assert averages.error(np.array(expected), exact) < 1e-15
    assert averages.error(exact, exact) == 0
    for off in (1e-14, -1e-14):
        assert averages.error(exact * (1 + off), exact) == pytest.approx(1e-14, rel=0.05)


# Start-up


def test_a_lesson_is_run_without_its_cells_about_keras(tmp_path):
    sources = [
        "import numpy as np",
        'from lib.keras_check import check\ncheck("momentum")',
        'check("adam")',
        'keras_path("SGD")',
        "import tensorflow as tf",
        "tf.keras.optimizers",
        "np.zeros(3)  # as in Keras",
    ]
    v4 = startup.nbformat.v4
    cells = [v4.new_markdown_cell("# A lesson"), *map(v4.new_code_cell, sources)]
    path = tmp_path / "lesson.ipynb"
    startup.nbformat.write(v4.new_notebook(cells=cells), path)
    assert [cell.source for cell in startup.lesson(path).cells] == [
        sources[0],
        sources[-1],
    ]


def test_an_import_is_timed_in_a_process_of_its_own():
    assert 0 < startup.import_time("math") < startup.import_time("numpy")


# The table


def test_contenders_are_timed_in_turn_and_the_median_counts():
    said, times = [], {"ours": iter([1.0, 9.0, 2.0]), "other": iter([2.0, 3.0, 8.0])}

    def timer(contender):
        said.append(contender)
        return next(times[contender])

    assert ratio("ours", "other", 3, timer) == (2.0, 3.0, 0.5)
    assert said == ["ours", "other"] * 3


@pytest.mark.parametrize(
    ("goal", "found", "verdict"),
    [
        ("<= 0.5", 0.5, "holds"),
        ("<= 0.49", 0.5, "misses"),
        (">= 2", 2.0, "holds"),
        (">= 2.1", 2.0, "misses"),
    ],
)
def test_a_goal_is_an_upper_or_a_lower_limit(goal, found, verdict):
    row = compare("it", 0.002, "another", 0.004, goal, 1, timer=lambda contender: contender)
    assert row == Row("it", "2 ms", "another 4 ms", found, goal)
    assert row.verdict == verdict
    assert row.cells() == ("it", "2 ms", "another 4 ms", f"{found:g}", goal, verdict)


@pytest.mark.parametrize(("seconds", "rate", "verdict"), [(60, 20, "holds"), (180, 7, "misses")])
def test_the_grader_is_measured_in_submissions_a_minute(seconds, rate, verdict, monkeypatch):
    def graded(arguments):
        found = list(submissions.collect(Path(arguments[1]), [grader.EXERCISE]))
        assert len({str(one.answers) for one in found}) == len(found) == 20
        now[0] += seconds
        return 0

    now = [0.0]
    monkeypatch.setattr(grader, "command", SimpleNamespace(main=graded))
    monkeypatch.setattr(grader, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    (row,) = grader.rows()
    assert row.ours == f"{rate} a minute"
    assert row.contender == "the goal 10 a minute"
    assert row.found == pytest.approx(20 / seconds * 60 / 10)
    assert row.verdict == verdict


def test_what_is_not_installed_is_not_measured():
    row = Row("it", "", "torch", None, ">= 20")
    assert row.cells() == (
        "it",
        "",
        "torch",
        "",
        ">= 20",
        "not measured: torch not installed",
    )


def test_a_time_is_that_of_one_call():
    calls = []
    one = timing.seconds(lambda: calls.append(None), clock=lambda: 5 + 0.004 * len(calls))
    assert one == pytest.approx(0.004)
    assert len(calls) == 3


def test_durations_are_easy_to_read():
    assert [duration(t) for t in (2.5, 0.0123, 4.56e-7)] == [
        "2.5 s",
        "12.3 ms",
        "0.456 us",
    ]
