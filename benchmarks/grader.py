"""The grader: submissions of one exercise, by two workers, in a sandbox."""

import contextlib
import io
import tempfile
import time
from pathlib import Path

from benchmarks.timing import Row
from lib.homework import __main__ as command
from tools import exercises, notebooks

EXERCISE, SUBMISSIONS, WORKERS = "05_momentum", 20, 2
GOAL = 100 / 10  # in a minute


def hand_in(folder):
    """As many right submissions, no two alike, so that each of them is run."""
    solutions = {path.stem: solution for path, solution in exercises.solutions()}
    for number in range(SUBMISSIONS):
        notebook = exercises.without(solutions[EXERCISE], "starter")
        for cell in notebook.cells:
            if cell.metadata.get("part") == "answer":
                cell.source += f"\n# {number}"
        path = folder / f"student {number}.ipynb"
        path.write_text(notebooks.write(notebook), encoding="utf-8")


def rows():
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "submissions"), Path(place, "results")
        folder.mkdir()
        hand_in(folder)
        arguments = ["grade", str(folder), "--out", str(out), "--workers", str(WORKERS)]
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            status = command.main(arguments)
        rate = SUBMISSIONS / (time.perf_counter() - began) * 60
        assert status == 0, (out / "log.txt").read_text(encoding="utf-8")
    yield Row(
        f"submissions graded, {WORKERS} workers",
        f"{rate:.0f} a minute",
        f"the goal {GOAL:.0f} a minute",
        rate / GOAL,
        ">= 1",
    )
