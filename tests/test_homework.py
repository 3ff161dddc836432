"""The homework: its tasks, the usual mistakes, what a check says, and the notebooks in front of it."""

import ast
import contextlib
import functools
import io
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from nbformat.v4 import new_output

from lib import averages, homework, optimizers, surfaces
from lib.homework import check, find, judge, lesson, probes
from lib.homework.task import Failure
from lib.homework.tasks import told_apart
from tools import exercises, notebooks

ROOT = exercises.EXERCISES.parent
SOLUTIONS = {path: solution for path, solution in exercises.solutions()}
TASKS = [task for path in SOLUTIONS for task in lesson(path.name[:2])]
FEW = [path for path in SOLUTIONS if path.name[:2] in ("03", "04", "05")]
STRICT = "HOMEWORK_RAISE"

every_notebook = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
every_mistake = pytest.mark.parametrize(
    ("task", "mistake"),
    [
        pytest.param(task, mistake, id=f"{task.name}-{number}")
        for task in TASKS
        for number, mistake in enumerate(task.mistakes, 1)
    ],
)


def verdict(task, answer, seed=0):
    inputs = task.inputs(np.random.default_rng(seed))
    return judge(task, inputs, task.results(answer, inputs))


# Tasks


@every_task
@pytest.mark.parametrize("seed", range(3))
def test_the_reference_passes_whatever_the_seed(task, seed):
    assert verdict(task, task.reference, seed).passed


@every_mistake
@pytest.mark.parametrize("seed", range(3))
def test_a_usual_mistake_is_caught_with_its_hint(task, mistake, seed):
    found = verdict(task, mistake.answer, seed)
    assert not found.passed
    assert found.hint == mistake.hint


@every_mistake
def test_a_hint_calls_no_part_of_an_answer_right_that_is_wrong(task, mistake):
    if task.kind != "predict" or np.shape(mistake.answer) != np.shape(task.reference):
        return
    answer = np.array(mistake.answer, dtype=float)
    for right in np.argwhere(np.isclose(answer, task.reference)):
        spoiled = answer.copy()
        spoiled[*right] *= 1.3
        if verdict(task, spoiled).hint == mistake.hint:
            assert not re.match(r"The( [\w']+){1,4} (is|are) right", mistake.hint)


@every_task
def test_a_task_is_complete(task):
    hints = [mistake.hint for mistake in task.mistakes]
    assert len(set(hints)) == len(hints) >= 3
    assert task.kind in ("implement", "predict", "repair", "experiment")
    assert task.stars in (1, 2, 3)
    assert (task.kind == "experiment") == (task.lacks is not None)
    assert find(task.name) is task


@every_task
def test_inputs_are_literals_that_the_seed_decides(task):
    inputs, again, others = (task.inputs(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert ast.literal_eval(repr(inputs)) == inputs == again
    if len(inputs) > 1:
        assert inputs != others


@every_task
def test_what_is_printed_of_a_right_answer_is_enough_to_judge_it(task):
    inputs = task.inputs(np.random.default_rng(0))
    results = [ast.literal_eval(repr(np.asarray(r).tolist())) for r in task.results(task.reference, inputs)]
    assert judge(task, inputs, results).passed


@every_notebook
def test_a_lesson_has_tasks_of_all_kinds_and_ends_with_an_open_one(path):
    tasks = lesson(path.name[:2])
    assert 3 <= len(tasks) <= 6
    assert [task.name for task in tasks] == [f"{path.name[:2]}.{n}" for n in range(1, len(tasks) + 1)]
    assert {task.kind for task in tasks} == {
        "implement",
        "predict",
        "repair",
        "experiment",
    }
    assert tasks[-1].kind == "experiment"
    assert [task.stars for task in tasks] == sorted(task.stars for task in tasks)
    assert {task.stars for task in tasks} == {1, 2, 3}


@pytest.mark.parametrize("name", ["3.1", "03.9", "99.1", "03", "../05.1"])
def test_a_name_that_is_no_tasks_is_an_error(name):
    with pytest.raises(KeyError):
        find(name)


# What a check says


def said(name, answer):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        check(name, answer)
    return out.getvalue()


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    monkeypatch.delenv(STRICT, raising=False)


def own(values, beta):
    return averages.ewma_series(values, beta)


def test_a_right_answer_is_told_so():
    assert said("03.1", own) == "03.1 passed ★: One number per evening (6 calls tried)\n"


def test_a_wrong_answer_sees_the_call_both_results_and_the_hint():
    text = said("04.1", own)
    for part in (
        "04.1 not yet",
        "called    corrected([4.0, 4.95], 0.9)",
        "returned  [0.4, 0.855]",
        "expected  [4, 4.5]",
        "first at  [0]: 0.4 instead of 4",
        "Hint: This is the average without the correction: at t = 1 and beta = 0.9 it is 0.1",
    ):
        assert part in text


def test_a_usual_mistake_keeps_its_hint_where_the_answer_raises_elsewhere():
    def distance(curvatures, share):
        if len(curvatures) > 2:
            raise IndexError
        low, high = sorted(curvatures)
        return int(np.ceil(np.log(share) / np.log((high - low) / (high + low))))

    found = verdict(find("02.3"), distance)
    assert "expected" in found.text
    assert "shrink the DISTANCE" in found.hint


def test_the_first_input_that_differs_is_shown():
    def except_at_098(values, beta):
        return own(values, beta) * (2 if beta == 0.98 else 1)

    assert "average([4.0, 4.95, 6.3], 0.98)" in said("03.1", except_at_098)


def test_a_rule_is_shown_the_step_that_differs():
    def slower_later(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
        velocity = momentum * velocity - learning_rate * gradient(w) / t
        return w + velocity, velocity

    text = said("05.1", slower_later)
    assert "expected  after step 2 w [3.08, 2.46], state [0.68, -0.34]" in text
    assert "path(heavy_ball, 'hand_bowl', (2.0, 3.0), 2, {" in text


def test_an_exception_is_shown_with_its_line():
    def broken(values, beta):
        total = sum(values)
        return total / missing  # noqa: F821

    text = said("03.1", broken)
    assert "raised    NameError: name 'missing' is not defined" in text
    assert "return total / missing" in text


class Shy:
    """An object that says nothing of itself."""

    def __repr__(self):
        raise RuntimeError

    __float__ = __array__ = __repr__


@pytest.mark.parametrize(
    ("name", "answer", "part"),
    [
        ("03.1", lambda values, beta: None, "nothing (None)"),
        ("03.1", lambda values, beta: "0.4", "returned  '0.4'"),
        ("03.1", lambda values, beta: None, "expected  [0.4, 0.855], shape (2,)"),
        ("13.3", lambda a, delta: (a.T @ delta, delta.sum(0)), "returned  (array([[-0.25], [ 2. ]]), array"),
        ("03.1", lambda values, beta: [0.4, None], "returned  [0.4, nan]"),
        ("03.1", lambda values: values, "raised    TypeError"),
        ("03.1", 3, "raised    TypeError"),
        ("03.1", lambda values, beta: own(values, beta)[:1], "shape (1,)"),
        ("03.1", lambda values, beta: own(values, beta) * np.nan, "nan instead of 0.4"),
        ("03.1", ..., "Nothing here yet. Give average its value"),
        ("03.1", averages.ewma_series, "ewma_series is the library's own"),
        ("05.1", optimizers.momentum, "momentum is the library's own"),
        ("03.2", (..., ...), "Nothing here yet"),
        ("03.2", (0.9, ...), "Nothing here yet"),
        ("03.2", 0.9375, "expected  2 numbers"),
        ("03.2", [(0.9375, 15)], "answered  2 numbers, in a list of lists"),
        ("03.2", (0.93, 15), "which is  a little too small, right"),
        ("04.2", [90], "answered  one number, in a list"),
        ("04.2", 89.78, "between two steps"),
        ("04.6", (0.5, 0.75), "1.15 times"),
        ("05.1", lambda w, gradient, t, v=0.0, *, learning_rate, momentum: None, "end with return"),
        ("03.2", (0.9375, None), "right, no number"),
        ("03.2", ("0.9375", "0.5"), "expected  numbers"),
        ("03.2", np.array([0.9375, 1j]), "expected  numbers"),
        ("03.2", Shy(), "returned  <Shy>"),
        ("03.1", surfaces.ravine, "object is not callable"),
        ("03.2", (0.9375, float("nan")), "right, no number"),
        ("03.2", "a month", "returned  'a month'"),
        ("03.5", [[0.1] * 12], "10 to 20 numbers"),
        ("03.5", [float("nan")] * 12, "10 to 20 numbers"),
        ("04.6", 0.5, "two numbers below 1"),
        ("04.6", (float("nan"), 0.5), "two numbers below 1"),
        ("05.5", (-1.95, 0.0, 0.0), "a point (w1, w2)"),
        ("05.6", lambda w, gradient, t: w, "has no hyperparameter learning_rate"),
        (
            "05.6",
            lambda w, gradient, t, *, learning_rate=0.1: w * np.nan,
            "at least 5 times is wanted",
        ),
    ],
)
def test_odd_answers_are_told_what_is_odd(name, answer, part):
    text = said(name, answer)
    assert f"{name} not yet" in text
    assert part in text


def nested(depth):
    return [nested(depth - 1)] if depth else 1.0


ODD = [
    None,
    "text",
    object(),
    Shy(),
    {"a": 1},
    [[1.0], [1.0, 2.0]],
    nested(500),
    float("nan"),
    float("inf"),
    1j,
    np.array([1j, 2]),
    10**400,
    10**5000,
    [10**400] * 3,
    (x for x in [1.0]),
    np.datetime64("2026-01-01"),
    surfaces.ravine,
    [],
    -1.0,
    True,
    *((value,) * n for value in (None, float("nan"), 1e308, "1.0") for n in (2, 3, 4)),
    (None, 1.0),
    (None, 1.0, 2.0),
]


@every_task
def test_whatever_the_answer_there_is_a_verdict(task):
    def generator(*arguments):
        yield 1.0

    functions = [len, np.sin, lambda: 1.0, lambda w: w, lambda w, gradient, t: (w, w), generator]
    for odd in ODD:

        def rule(w, gradient, t, state=0.0, *, learning_rate=0.1, odd=odd):
            return w, odd

        functions += [lambda *arguments, odd=odd: odd, lambda w, gradient, t, odd=odd: odd, rule]
    wanted, other = (functions, ODD) if callable(task.reference) else (ODD, functions)
    for answer in (*wanted, *other[:5]):
        assert said(task.name, answer).startswith(f"{task.name} not yet: {task.title}\n")


def test_an_error_goes_back_through_a_matrix_and_not_along_its_diagonal():
    def first_gradient(x, a1, a2, W2, W3, delta3):
        return x.T @ ((delta3 * W3.T[:1] * (1 - a2**2)) @ W2.T * (1 - a1**2))

    assert not verdict(find("13.4"), first_gradient).passed


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("04.6", (0.55, 0.75)),  # the first step is 0.9 of what it should be, but for rounding
        ("11.6", [23.85] + [-0.3] * 53),  # the sum is a fifth of the sizes
    ],
)
def test_an_answer_on_the_edge_of_what_is_wanted_is_right(name, answer):
    assert " passed " in said(name, answer)


def test_what_misses_a_bound_by_little_does_not_look_as_if_it_met_it():
    rule = functools.partial(optimizers.momentum, momentum=0.8)
    assert "the last step is 4.99999 times a single push; at least 5" in verdict(find("05.6"), rule).text
    assert told_apart(0.88999, 0.89) == "0.88999"
    assert told_apart(0.5, 0.89) == "0.5"
    assert told_apart(float("nan"), 0.89) == "nan"


@every_task
def test_a_predicted_number_is_not_given_away(task):
    if task.kind == "predict":
        blind = np.asarray(task.reference) * 3.7
        text = verdict(task, blind.tolist()).text
        assert "too large" in text
        for number in np.ravel(task.reference):
            assert not re.search(rf"(?<![\d.]){re.escape(f'{number:g}')}(?!\d)", text)


def test_under_pytest_a_failed_check_is_an_error(monkeypatch, capsys):
    monkeypatch.setenv(STRICT, "1")
    with pytest.raises(AssertionError, match="the average without the correction"):
        check("04.1", own)
    check("03.1", own)
    assert "03.1 passed" in capsys.readouterr().out


def test_an_answer_cannot_spoil_its_own_inputs():
    def spoils(values, beta):
        result = own(values, beta)
        values.clear()
        return result

    assert verdict(find("03.1"), spoils).passed


def test_a_failure_is_a_result_like_others():
    task = find("03.1")
    inputs = task.inputs(np.random.default_rng(0))
    results = [
        *task.results(task.reference, inputs)[:-1],
        Failure("Timeout: 5 seconds"),
    ]
    found = judge(task, inputs, results)
    assert not found.passed
    assert "raised    Timeout: 5 seconds" in found.text


def test_as_many_results_as_inputs_are_judged():
    task = find("03.1")
    inputs = task.inputs(np.random.default_rng(0))
    with pytest.raises(ValueError, match="has 6 inputs, got 5 results"):
        judge(task, inputs, task.results(task.reference, inputs)[:-1])


def test_a_number_is_compared_on_the_scale_of_its_neighbors():
    from lib.homework.judge import same

    assert same([1.0, 1e-17], [1.0, 0.0])
    assert same([1.0000005], [1.0])
    assert not same([1.00001], [1.0])
    assert not same([1.0, 1e-6], [1.0, 2e-6])
    assert same([np.inf, np.nan], [np.inf, np.nan])
    assert not same([1.0], 1.0)


# What the probes do


def test_a_rule_can_be_tried_on_a_quadratic_and_asks_for_its_hessian():
    walked = probes.path(optimizers.newton, (0.5, 8.0), (3.0, -2.0), 2, {})
    assert walked.tolist() == [[[0, 0]], [[0, 0]]]
    with pytest.raises(ValueError, match="has no Hessian"):
        probes.path(optimizers.newton, "slope", (3.0, -2.0), 1, {})


def test_a_function_can_be_asked_at_a_point_of_a_surface():
    def ahead(gradient, w):
        return gradient(w + 1)

    assert probes.at(ahead, "round_bowl", (1.0, 4.0)).tolist() == [-2, 6]
    assert probes.at(ahead, (0.5, 8.0), (1.0, 4.0)).tolist() == [2, 80]
    assert probes.at(ahead, "slope", (1.0, 4.0)).tolist() == [1, 1]


def test_lists_can_be_given_to_a_function_as_arrays():
    assert probes.arrays(lambda a, b, k: k * a @ b, [[1, 2]], [3, 4], 2).tolist() == [22]


def test_a_rule_is_told_a_list_of_gradients_over_and_over():
    walked = probes.replay(optimizers.gradient_descent, [100.0, -50.0, 0.0], 5)
    assert walked == pytest.approx([-1, -0.5, -0.5, -1.5, -1])


def test_a_rule_on_a_surface_that_is_moved_takes_the_same_way():
    told = []

    def mine(w, gradient, t, *, learning_rate=0.1):
        told.append(w)
        return w - learning_rate * gradient(w)

    moved = probes.path(mine, "ravine", (0.5, 2.0), 5, {}, (1.0, -4.0))
    np.testing.assert_array_equal(told[0], [1.5, -2.0])
    still = probes.path(mine, "ravine", (0.5, 2.0), 5, {})
    np.testing.assert_allclose(moved, still, rtol=1e-12)


def test_what_was_called_names_by_how_much_the_surface_is_moved(capsys):
    check("01.6", lambda w, gradient, t: w)
    assert re.search(r"path\(mine, .*, 60, \{\}, moved=\(-?[\d.]+, -?[\d.]+\)\)", capsys.readouterr().out)


def test_a_rule_is_sent_abroad_with_its_own_numbers():
    """A plain rate is in square lengths over the loss: 3 squared, over 9, is one."""
    home, away = probes.abroad(optimizers.gradient_descent, "ravine", (0.1, 3.5), 5, 3.0, 9.0)
    assert home[1] == pytest.approx([0.1078, 3.464])
    assert away == pytest.approx(home)
    shorter = probes.abroad(optimizers.gradient_descent, "ravine", (0.1, 3.5), 5, 6.0, 9.0)[1]
    assert shorter[0] == pytest.approx([0.1, 3.5])
    assert shorter[1] == pytest.approx([0.10195, 3.491])


# Notebooks


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook):
    """What each check of a notebook prints, all its cells run in this process."""
    names, printed = {}, {}
    for cell in code(notebook):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(cell.source, cell.id, "exec"), names)
        if exercises.part(cell).get("part") == "check":
            printed[exercises.part(cell)["task"]] = out.getvalue()
    return printed


@every_notebook
def test_a_notebook_shows_its_tasks_in_order(path):
    tasks = lesson(path.name[:2])
    student = exercises.without(SOLUTIONS[path], "solution")
    headings = re.findall(
        r"^## (.*)$",
        "\n".join(c.source for c in student.cells if c.cell_type == "markdown"),
        re.M,
    )
    assert headings == [f"{task.name} {task.title} {'★' * task.stars}" for task in tasks]
    parts = [exercises.part(cell) for cell in code(student) if exercises.part(cell)]
    assert parts == [{"task": task.name, "part": part} for task in tasks for part in ("answer", "check")]
    checks = [c.source for c in code(student) if exercises.part(c).get("part") == "check"]
    assert checks == [f'check("{task.name}", {task.answer})' for task in tasks]


@every_notebook
def test_a_solution_passes_every_task(path):
    printed = run(exercises.without(SOLUTIONS[path], "starter"))
    assert list(printed) == [task.name for task in lesson(path.name[:2])]
    assert all(text.startswith(f"{name} passed") for name, text in printed.items())


@every_notebook
def test_an_untouched_notebook_runs_to_the_end_and_fails_every_task(path):
    printed = run(exercises.without(SOLUTIONS[path], "solution"))
    assert list(printed) == [task.name for task in lesson(path.name[:2])]
    assert all(text.startswith(f"{name} not yet") for name, text in printed.items())


@every_notebook
def test_an_untouched_repair_is_told_its_mistake(path):
    printed = run(exercises.without(SOLUTIONS[path], "solution"))
    for task in lesson(path.name[:2]):
        if task.kind == "repair":
            assert "Hint:" in printed[task.name]


@every_notebook
def test_a_students_notebook_gives_nothing_away(path):
    student = notebooks.read(path.read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in student.cells)
    handed_out = {cell.source for cell in student.cells}
    kept_back = [cell for cell in SOLUTIONS[path].cells if "solution" in exercises.tags(cell)]
    assert kept_back
    assert not any(cell.source in handed_out for cell in kept_back)


def test_the_students_notebooks_are_those_of_the_solutions():
    assert list(exercises.problems()) == []


def test_a_drift_is_named(tmp_path, monkeypatch, capsys):
    shutil.copytree(exercises.EXERCISES, tmp_path / "exercises")
    monkeypatch.setattr(exercises, "EXERCISES", tmp_path / "exercises")
    assert exercises.main(["check"]) == 0
    first, second, third = (tmp_path / "exercises" / path.name for path in FEW)
    solution = first.parent / "solutions" / first.name
    solution.write_text(solution.read_text(encoding="utf-8").replace("One number", "One more number"))
    second.unlink()
    shutil.copy(third, third.with_stem("99_none"))
    assert exercises.main(["check"]) == 1
    seen = capsys.readouterr().err
    for path, problem in (
        (first, "not what its solution makes"),
        (second, "not what its"),
        (third.with_stem("99_none"), "has no solution"),
    ):
        assert re.search(rf"{re.escape(str(path))}: (is )?{problem}", seen)
    third.with_stem("99_none").unlink()
    assert exercises.main(["make"]) == 0
    assert "One more number" in first.read_text(encoding="utf-8")


@every_notebook
def test_the_lesson_leads_to_its_homework(path):
    text = (ROOT / "chapters" / path.name).read_text(encoding="utf-8")
    assert f"](../exercises/{path.name})" in text


def test_pytest_says_which_tasks_pass(tmp_path):
    """One task done, with forged outputs, and untouched notebooks, each in a kernel."""
    shutil.copy(exercises.EXERCISES / "conftest.py", tmp_path)
    first, *others = FEW
    expected = []
    half = notebooks.read(first.read_text(encoding="utf-8"))
    for cell in code(half):
        if cell.metadata.get("task") == "03.1" and cell.metadata["part"] == "answer":
            cell.source = next(
                c.source
                for c in SOLUTIONS[first].cells
                if c.source.startswith(cell.source.split("\n")[0]) and "solution" in exercises.tags(c)
            )
        if cell.metadata.get("part") == "check":
            forged = f"{cell.metadata['task']} passed\n"
            cell.outputs = [new_output("stream", name="stdout", text=forged)]
            passes = cell.metadata["task"] == "03.1"
            expected.append(f"{first.name} {cell.metadata['task']} {'passed' if passes else 'failed'}")
    (tmp_path / first.name).write_text(notebooks.write(half), encoding="utf-8")
    for path in others:
        shutil.copy(path, tmp_path)
        expected += [f"{path.name} {task.name} failed" for task in lesson(path.name[:2])]
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "--nbval-current-env",
            "--color=no",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    section = result.stdout.partition(" homework ")[2].partition("\n")[2].partition("\n=")[0]
    assert section.splitlines() == expected
    failed = len(re.findall(r"^FAILED ", result.stdout, re.M))
    assert failed == sum(line.endswith("failed") for line in expected)  # every other cell runs


def test_the_name_of_the_switch_is_the_same_on_both_sides():
    assert homework.RAISE == STRICT
    assert f'os.environ["{STRICT}"]' in (exercises.EXERCISES / "conftest.py").read_text(encoding="utf-8")
