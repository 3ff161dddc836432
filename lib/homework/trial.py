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
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lib.homework import lesson, printed, probes, sandbox, wall
from lib.homework.judge import Verdict, judge, unanswered
from lib.homework.task import Failure

MEMORY = 4096 * sandbox.MEGABYTE  # of this process
PRELUDE = "import lib.homework.wall"  # before an answer can change what it needs
NAMED = {
    "LibrarysOwn": "library's own",
    "MemoryError": "memory",
    "_ArrayMemoryError": "memory",
}


def rooms(tasks):
    """Where the tasks are tried: by the room, which has a kernel of its own, pairs of a
    task and the probe that its answer is put to there.

    In the room "own" an answer finds stand-ins in place of the library's rules. An
    invented rule is put to a walk; if it takes two, the second is in another room, whose
    kernel knows nothing of the first.
    """
    found = {"own": [], "first": [], "second": []}
    for task in tasks:
        if task.invented:
            for room, walk in zip(("first", "second"), probes.WALKS[task.probe]):
                found[room].append((task, walk))
        else:
            own = task.kind in ("implement", "repair")
            found["own" if own else "first"].append((task, task.probe))
    return {room: tried for room, tried in found.items() if tried}


def notebook(pristine, answers, calls):
    """The notebook of an exercise with a student's answers and, in place of its checks,
    calls.

    `answers` has for each task the sources of its cells, `calls` those of the cells that
    call it.
    """
    cells = [_code(PRELUDE)]
    for cell in pristine["cells"]:
        name, part = (cell["metadata"].get(key) for key in ("task", "part"))
        if part == "answer":
            sources = answers.get(name, [])
        elif part == "check":
            sources = calls.get(name, [])
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


def offer(task):
    """The source of a cell that lets a walk be taken with an answer."""
    return (
        f"from lib.homework.wall import serve as _homework_serve\n"
        f"_homework_serve({task.answer})"
    )


class Runner:
    """The part of pytest and nbval that is ours: the kernel, its limits, what was
    printed, and the walks that are taken outside: by room, task and number, each a probe
    and its arguments."""

    def __init__(self, limits, isolated, emit, walks):
        self.limits, self.isolated, self.emit = limits, isolated, emit
        self.walks, self.walked = walks, {}
        self.outputs = {}  # of the calls, by room, task and number
        self.errors = {}  # of the answers, by task
        self.stopped = {}  # by the task that stopped a kernel, how
        self.trouble = None

    def pytest_configure(self, config):
        """Give nbval our kernel."""
        import nbval.plugin

        nbval.plugin.RunningKernel = self._start

    def _start(self, name, cwd, startup_timeout):
        self.task, self.used = None, {}  # whose turn it is; seconds, by task
        self.room = Path(cwd).name
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
        key = (self.room, task, cell.get("number"))
        is_call = cell.get("part") == "check"
        is_offer = is_call and key in self.walks
        self.kernel.guide = partial(self._guide, key) if is_offer else None
        try:
            result = yield
            if is_call:
                self.outputs[key] = item.test_outputs
            elif error := _error(item.test_outputs):
                self.errors.setdefault(task, error)
            return result
        except Exception as error:
            self._blame(getattr(error, "problem", "garbled"))
            self.kernel.stop()
            raise
        finally:
            self.used[task] = self.used.get(task, 0) + time.monotonic() - began

    def _guide(self, key):
        """Take the walk whose rule is served in the kernel."""
        probe, arguments = self.walks[key]
        self.walked[key] = wall.walk(probe, arguments, self.kernel)

    def has_tried(self, task, inputs):
        """Whether all calls of a task, with so many inputs, have come to their end."""
        numbers = range(inputs)
        keys = {(room, task.name, n) for room in rooms([task]) for n in numbers}
        return keys <= self.outputs.keys()

    def result(self, task, number):
        """What the answer made of an input: numbers, `...` of a blank or a `Failure`.

        Raises whatever comes of an output that no call has made.
        """
        found = [self._told((room, task.name, number)) for room in rooms([task])]
        for one in found:
            if one is ... or isinstance(one, Failure):
                return self._reason(task, one)
        return found[0] if len(found) == 1 else np.stack(found)

    def _told(self, key):
        output = self.outputs[key]
        if error := _error(output):
            return error
        if key not in self.walks:
            return printed.read(_said(output))
        if key not in self.walked:
            raise ValueError("no rule was offered")
        return self.walked[key]

    def _reason(self, task, result):
        """For an answer that is not defined, what its cell has raised; else the result
        itself. Of any other name that is missing it says which cells count."""
        missing = f"NameError: name {task.answer!r} is not defined"
        if result is not ... and result.text == missing:
            result = self.errors.get(task.name, result)
        if result is not ... and result.text.startswith("NameError: "):
            only = "only cells that begin with `# Answer` are graded"
            return dataclasses.replace(result, text=f"{result.text} ({only})")
        return result

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
    pending = [tasks[name] for name in job["pending"]]
    walks, paths = {}, []
    for room, tried in rooms(pending).items():
        calls = {}
        for task, probe in tried:
            given = inputs[task.name]
            if task.invented:
                calls[task.name] = [offer(task)] * len(given)
                for number, arguments in enumerate(given):
                    walks[room, task.name, number] = probe, arguments
            else:
                calls[task.name] = [call(task, arguments) for arguments in given]
        sandbox.stage(folder / room / "inside", own=room == "own")
        filled = notebook(pristine, job["answers"], calls)
        paths.append(folder / room / "notebook.ipynb")
        paths[-1].write_text(json.dumps(filled), encoding="utf-8")
    runner = Runner(sandbox.Limits(**job["limits"]), job["isolated"], emit, walks)
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
            found = decide(task, inputs[task.name], runner)
            if found:
                emit({"task": task.name, **found})


def decide(task, inputs, runner):
    """What becomes of a task: `passed`, the `problem` in a word and the `text` for the
    student; `None` if a call was not reached."""
    if not runner.has_tried(task, len(inputs)):
        return None
    try:
        results = [runner.result(task, number) for number in range(len(inputs))]
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
    failures = [_named(one) for one in results if isinstance(one, Failure)]
    problem = "" if verdict.passed else next(iter(failures), "wrong")
    return {"passed": verdict.passed, "problem": problem, "text": verdict.text}


def _named(failure):
    return NAMED.get(failure.text.partition(":")[0], "raised")


def _error(output):
    for one in output:
        if one.output_type == "error":
            return Failure(f"{one.ename}: {one.evalue}"[: printed.LONG])
    return None


def _said(output):
    return "".join(
        one.text
        for one in output
        if one.output_type == "stream" and one.name == "stdout"
    )


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
