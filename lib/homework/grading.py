"""From a student's answers to what becomes of each task, here or on many machines.

A job is a dictionary of plain values, which can travel: the lesson, the pristine
notebook, the answers by task, the seed of the inputs, the limits, and whether to
isolate. Its outcome is a dictionary by task: `passed`, the `problem` in a word, and the
`text` for the student.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib.homework import lesson, printed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STARTUP = 60  # seconds that a trial may take beside its answers

EXPLAINED = {
    "no answer": "Nothing was answered: the cell is as it was handed out.",
    "absent": "No cell begins with `# Answer {task}`.",
    "timeout": "It did not end within {seconds:g} seconds.",
    "late": "There was no time left for it: the other answers have used it up.",
    "output": "It printed more than {output} bytes.",
    "killed": "It ended the Python that it ran in.",
    "garbled": "What came back was no result of the call.",
}


def make_job(exercise, answers, seed, limits, isolated):
    """The job for answers to an exercise, a pair of its name and pristine notebook."""
    name, pristine = exercise
    return {
        "lesson": name[:2],
        "pristine": pristine,
        "answers": answers,
        "seed": seed,
        "limits": limits,
        "isolated": isolated,
    }


def key(job):
    """What a job's outcome is stored under: a hash of all that decides it, the grader
    and the tasks included."""
    own = f"tasks/lesson_{job['lesson']}.py"
    decides = [*ROOT.glob("lib/*.py"), *HERE.glob("*.py"), HERE / own]
    found = hashlib.sha256(json.dumps(job, sort_keys=True).encode())
    for path in sorted([*decides, HERE / "tasks/__init__.py"]):
        found.update(b"\0" + path.read_bytes())
    return found.hexdigest()[:32]


def grade(job, expected):
    """The outcome of a job; `expected` is its key, by which a worker knows that it
    grades by the same files.

    A task that stops the kernel costs itself only: the others are tried again without
    it. Raises `RuntimeError` if this machine cannot grade.
    """
    if key(job) != expected:
        raise RuntimeError("this worker's library is not that of the command")
    tasks = lesson(job["lesson"])
    round_of = STARTUP + job["limits"]["seconds"] * (len(tasks) + 1)
    until = time.monotonic() + 3 * round_of
    outcome = {
        task.name: _problem("no answer", "absent", task.name, job)
        for task in tasks
        if task.name not in job["answers"]
    }
    stoppers = {}
    while pending := [task.name for task in tasks if task.name not in outcome]:
        answers = {
            name: sources
            for name, sources in job["answers"].items()
            if name not in stoppers
        }
        seconds = min(round_of, until - time.monotonic())
        events, end = _trial({**job, "answers": answers, "pending": pending}, seconds)
        stopped = {e["stopped"]: e["problem"] for e in events if "stopped" in e}
        begun = [e["begins"] for e in events if "begins" in e]
        if end in ("timeout", "killed") and begun and begun[-1]:
            stopped.setdefault(begun[-1], end)
        told = {e.pop("task"): e for e in events if "task" in e}
        if not told and not stopped.keys() - stoppers.keys():
            if end != "timeout" or seconds == round_of:
                raise RuntimeError(end)
            told = {name: _problem("timeout", "late", name, job) for name in pending}
        stoppers |= stopped
        outcome |= told
        outcome |= {
            name: _problem(stopped[name], stopped[name], name, job)
            for name in pending
            if name in stopped
        }
    return {task.name: _finished(outcome[task.name], task, job) for task in tasks}


def _problem(problem, explained, task, job):
    text = EXPLAINED[explained].format(task=task, **job["limits"])
    return {"passed": False, "problem": problem, "text": f"{task} not yet. {text}"}


def _finished(found, task, job):
    """The same for eyes; a task is not answered, and not wrong, if its cell is the
    starter."""
    starters = [
        "".join(cell["source"]).split()
        for cell in json.loads(job["pristine"])["cells"]
        if cell["metadata"].get("task") == task.name
        and cell["metadata"].get("part") == "answer"
    ]
    answer = "\n".join(job["answers"].get(task.name, [])).split()
    if not found["passed"] and answer in starters:
        found = {**found, "problem": "no answer"}
    return {**found, "text": printed.clean(found["text"])}


def _trial(job, seconds):
    """What a process of its own tells of a job, and how it ended: "", "timeout",
    "killed" or with what it said."""
    with tempfile.TemporaryDirectory(
        prefix="grade-", dir=_scratch(), ignore_cleanup_errors=True
    ) as folder:
        folder = Path(folder)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        (folder / "events.jsonl").touch()
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "lib.homework.trial", str(folder)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(timeout=max(seconds, 0))
                end = "" if status == 0 else "killed"
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                end = "timeout"
        said = (folder / "log").read_text(encoding="utf-8", errors="replace")
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        if end == "killed" and status == 1:  # an exception
            end = said[-2000:]
        return [json.loads(line) for line in lines], end


def _scratch():
    """The folder of this Dask worker, which the next one removes if this one is killed.
    `None` in any other process."""
    import distributed

    try:
        return distributed.get_worker().local_directory
    except ValueError:
        return None
