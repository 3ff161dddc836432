"""One submission on trial: its answers run by nbval, the kernel in a sandbox, the
verdict outside of it.

    python -m lib.homework.trial FOLDER

reads `job.json` in the folder and writes what becomes of each task to `events.jsonl`
there, line by line, so that whoever started this process learns of every task that it
came to, however it ends.
"""

import dataclasses
import json
import resource
import secrets
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lib.homework import lesson, printed, sandbox
from lib.homework.judge import Verdict, judge, unanswered
from lib.homework.task import Failure

MEMORY = 4096 * sandbox.MEGABYTE  # of this process
# Which tasks are called with the library's rules, and which with their stand-ins.
KINDS = {"own": ("implement", "repair"), "full": ("predict", "experiment")}
PRELUDE = "import lib.homework.printed"  # before an answer can change what it needs
NAMED = {
    "LibrarysOwn": "library's own",
    "MemoryError": "memory",
    "_ArrayMemoryError": "memory",
}


def notebook(pristine, answers, called, inputs):
    """The notebook of an exercise with a student's answers, and the calls of the tasks
    in `called` for checks.

    `answers` has for each task the sources of its cells, `inputs` for each task the
    tuples of its arguments.
    """
    tasks = {task.name: task for task in called}
    cells = [_code(PRELUDE)]
    for cell in pristine["cells"]:
        name, part = (cell["metadata"].get(key) for key in ("task", "part"))
        if part == "answer":
            sources = answers.get(name, [])
        elif part == "check":
            given = inputs[name] if name in tasks else []
            sources = [call(tasks[name], arguments) for arguments in given]
        elif "look" in cell["metadata"].get("tags", []):
            continue
        else:
            cells.append(cell)
            continue
        for number, source in enumerate(sources):
            cells.append(_code(source, task=name, part=part, number=number))
    return {**pristine, "cells": cells}


def _code(source, **metadata):
    return {
        "cell_type": "code",
        "id": secrets.token_hex(4),
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def call(task, arguments):
    """The source of a cell that calls an answer through the probe of its task and
    prints the result.

    It takes no name that a student may have given to something.
    """
    given = ", ".join(["_homework_probe", task.answer, *map(repr, arguments)])
    return (
        f"from lib.homework.printed import tell as _homework_tell\n"
        f"from lib.homework.probes import {task.probe.__name__} as _homework_probe\n"
        f"_homework_tell({given})"
    )


class Runner:
    """The part of pytest and nbval that is ours: the kernel, its limits, and what was
    printed."""

    def __init__(self, limits, isolated, emit):
        self.limits, self.isolated, self.emit = limits, isolated, emit
        self.outputs = {}  # by task, part and number
        self.stopped = {}  # by the task that stopped a kernel, how
        self.trouble = None

    def pytest_configure(self, config):
        """Give nbval our kernel."""
        import nbval.plugin

        nbval.plugin.RunningKernel = self._start

    def _start(self, name, cwd, startup_timeout):
        self.task, self.used = None, {}  # whose turn it is; seconds, by task
        try:
            inside = Path(cwd) / "inside"
            self.kernel = sandbox.Kernel(inside, self.limits, self.isolated)
        except Exception as error:
            self.trouble = error
            raise
        return self.kernel

    def pytest_itemcollected(self, item):
        """Let no comment or tag of an answer tell nbval what to do."""
        item.options.update(skip=False, check=False, check_exception=True)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item):
        """Leave out what comes after the end of a kernel, and what has brought it
        about."""
        if not self.kernel.is_alive():
            self._blame("killed")
        if not self.kernel.is_alive() or item.cell.metadata.get("task") in self.stopped:
            pytest.skip("the kernel has been stopped")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """Keep what a cell of a task prints, or that the kernel stopped at it."""
        cell = item.cell.metadata
        self.task = task = cell.get("task") or self.task
        self.emit({"begins": task})
        began = time.monotonic()
        # What was handed out imports for as long as a kernel may take to start.
        seconds = self.limits.seconds if task else sandbox.STARTS_IN
        self.kernel.seconds = seconds - self.used.get(task, 0)
        try:
            result = yield
            self.outputs[task, cell.get("part"), cell.get("number")] = item.test_outputs
            return result
        except Exception as error:
            self._blame(getattr(error, "problem", "garbled"))
            self.kernel.stop()
            raise
        finally:
            self.used[task] = self.used.get(task, 0) + time.monotonic() - began

    def _blame(self, problem):
        if self.task is None:
            self.trouble = RuntimeError(
                f"the kernel was stopped by no answer: {problem}"
            )
        elif self.task not in self.stopped:
            self.stopped[self.task] = problem
            self.emit({"stopped": self.task, "problem": problem})


def run(job, folder, emit):
    """Try the pending tasks of a job; `emit` is told when one begins, what becomes of
    it, and if it stops a kernel.

    After a kernel has been stopped the tasks that were not reached are not told of:
    they want another trial. Raises whatever keeps a kernel from working before an
    answer could.
    """
    tasks = {task.name: task for task in lesson(job["lesson"])}
    inputs = {
        name: task.inputs(np.random.default_rng(job["seed"]))
        for name, task in tasks.items()
    }
    pristine = json.loads(job["pristine"])
    runner = Runner(sandbox.Limits(**job["limits"]), job["isolated"], emit)
    pending = [tasks[name] for name in job["pending"]]
    paths = []
    for place, kinds in KINDS.items():
        called = [task for task in pending if task.kind in kinds]
        if called:
            sandbox.stage(folder / place / "inside", own=place == "own")
            filled = notebook(pristine, job["answers"], called, inputs)
            paths.append(folder / place / "notebook.ipynb")
            paths[-1].write_text(json.dumps(filled), encoding="utf-8")
    options = ["--nbval-lax", "-p", "nbval.plugin", "-p", "no:cacheprovider", "-q"]
    options += ["-c", "/dev/null", "--rootdir", str(folder)]
    status = pytest.main([*options, *map(str, paths)], plugins=[runner])
    if runner.trouble:
        raise runner.trouble
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest ends with {status!r}")
    for task in pending:
        if task.name not in runner.stopped:
            emit({"begins": task.name})
            found = decide(task, inputs[task.name], runner.outputs)
            if found:
                emit({"task": task.name, **found})


def decide(task, inputs, outputs):
    """What becomes of a task: `passed`, the `problem` in a word and the `text` for the
    student.

    `outputs` holds what was printed, by task, part and number. `None` if a call was not
    reached.
    """
    calls = [outputs.get((task.name, "check", n)) for n in range(len(inputs))]
    if None in calls:
        return None
    try:
        results = [_reason(task, _result(call), outputs) for call in calls]
    except Exception as error:  # an answer can put anything in the place of an output
        text = f"{task.name} not yet: {task.title}\n  {error}"
        return {"passed": False, "problem": "garbled", "text": text}
    if any(one is ... for one in results):
        text = unanswered(task, ...).text
        return {"passed": False, "problem": "no answer", "text": text}
    try:
        verdict = judge(task, inputs, results)
    except Exception as error:  # of the task's own code, at what it did not expect
        verdict = Verdict(False, f"{task.name} not yet: {task.title}\n  {error}")
    failures = [one for one in results if isinstance(one, Failure)]
    problem = _named(failures[0]) if failures else "wrong"
    if verdict.passed:
        problem = "claimed" if task.claimed else ""
    return {"passed": verdict.passed, "problem": problem, "text": verdict.text}


def _named(failure):
    return NAMED.get(failure.text.partition(":")[0], "raised")


def _reason(task, result, outputs):
    """For an answer that is not defined, what its cell has raised; else the result
    itself. Of any other name that is missing it says which cells count."""
    missing = f"NameError: name {task.answer!r} is not defined"
    if isinstance(result, Failure) and result.text == missing:
        for (name, part, _), output in outputs.items():
            if (name, part) == (task.name, "answer") and (error := _error(output)):
                result = error
                break
    if isinstance(result, Failure) and result.text.startswith("NameError: "):
        only = "only cells that begin with `# Answer` are graded"
        return dataclasses.replace(result, text=f"{result.text} ({only})")
    return result


def _result(output):
    """What a call has told."""
    said = "".join(
        one.text
        for one in output
        if one.output_type == "stream" and one.name == "stdout"
    )
    return _error(output) or printed.read(said)


def _error(output):
    for one in output:
        if one.output_type == "error":
            return Failure(f"{one.ename}: {one.evalue}"[: printed.LONG])
    return None


def main(folder):
    """Try the job that lies in a folder."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, most))
    # nbformat loads it to know addresses when it sees them, for a second; it sees none.
    sys.modules["rfc3987_syntax"] = None
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with open(folder / "events.jsonl", "w", encoding="utf-8") as file:

        def emit(event):
            print(json.dumps(event), file=file, flush=True)

        run(job, folder, emit)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
