"""Start-up: imports, each in a process of its own, and a lesson's notebook in a kernel of its own."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmarks.timing import compare

ROOT = Path(__file__).parent.parent
KERAS = re.compile(r"\btensorflow\b|\btf\.|\bkeras_|\bcheck\(")
BARE = """\
import numpy as np
import matplotlib.pyplot as plt

x = np.linspace(0, 1)
plt.plot(x, x * x)
"""


def import_time(module):
    """Seconds that `import module` takes in a new process, the start of Python aside."""
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    compiled = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",
    }  # what is imported, but for the first time
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=compiled,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def run_time(notebook):
    """Seconds that a notebook takes, kernel included."""
    start = time.perf_counter()
    NotebookClient(notebook, kernel_name="python3").execute(cwd=ROOT / "chapters")
    return time.perf_counter() - start


def bare():
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BARE)])


def lesson(path):
    """A lesson without the cells that check it against Keras."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        cell for cell in notebook.cells if cell.cell_type == "code" and not KERAS.search(cell.source)
    ]
    return notebook


def rows():
    yield compare("import lib", "lib", "numpy", "numpy", "<= 1.15", rounds=15, timer=import_time)
    yield compare(
        "import lib",
        "lib",
        "tensorflow",
        "tensorflow",
        ">= 30",
        rounds=3,
        timer=import_time,
    )
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        notebook = lesson(path)
        yield compare(
            path.stem,
            notebook,
            "bare notebook",
            bare(),
            "<= 1.5",
            rounds=1,
            timer=run_time,
        )
