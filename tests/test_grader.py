"""The grader: what a hostile submission can do (nothing), and what is said of it.

One folder of submissions, honest and hostile, is graded once, by the command that a
teacher types. It needs bubblewrap, which `python -m tools.bubblewrap` brings.
"""

import csv
import http.server
import importlib
import inspect
import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import types
from collections import deque
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from lib.homework import __main__ as command
from lib.homework import grading, printed, report, sandbox, submissions, trial
from lib.homework.task import Failure
from tools import exercises, notebooks

ROOT = exercises.EXERCISES.parent
SOLUTIONS = {path.stem: solution for path, solution in exercises.solutions()}
NAME = "03_ewma"
TASKS = ["03.1", "03.2", "03.3", "03.4", "03.5"]
BIASED = """def average(values, beta):
    V, averages = values[0], []
    for value in values:
        V = beta * V + (1 - beta) * value
        averages.append(V)
    return averages
"""
RIGHT = BIASED.replace("values[0]", "0.0")


def plain(notebook):
    notebook = json.loads(notebooks.write(notebook))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def perfect(name=NAME):
    return plain(exercises.without(SOLUTIONS[name], "starter"))


def blank():
    return plain(exercises.without(SOLUTIONS[NAME], "solution"))


def is_part(cell, part):
    return cell["metadata"].get("part") == part


def answered(source, task="03.1", notebook=None):
    """A notebook with this answer to a task, and right ones to the others."""
    notebook = notebook or perfect()
    for cell in notebook["cells"]:
        if is_part(cell, "answer") and cell["metadata"]["task"] == task:
            cell["source"] = f"# Answer {task}\n{source}"
    return notebook


# Answers to the first task, and what is said of them.
FORGED = '{"result": [0.4, 0.855]}'
ANSWERS = {
    "right": (RIGHT, ""),
    "biased": (BIASED, "wrong"),
    "typo": ("def average(values, beta) return values", "raised"),
    "raises": (
        "def average(values, beta):\n    raise ValueError('<script>alert(1)</script>')",
        "raised",
    ),
    "librarys": ("from lib.averages import ewma_series as average", "library's own"),
    "librarys inside": (
        "from lib import averages\ndef average(values, beta):\n    return averages.ewma_series(values, beta)",
        "library's own",
    ),
    "prints what is expected": (
        f"{BIASED}\nprint('03.1 passed ★: One number per evening (6 calls tried)')",
        "wrong",
    ),
    "prints a result": (
        f"{BIASED}\nhonest = average\n"
        "def average(values, beta):\n"
        f"    print('result: {FORGED}')\n    return honest(values, beta)",
        "wrong",
    ),
    "replaces what tells": (
        f"{BIASED}\nimport lib.homework.printed as p\np.tell = lambda *a: print('result: {FORGED}')",
        "wrong",
    ),
    "replaces what tells by something deep": (
        f"{BIASED}\nimport lib.homework.printed as p\np.tell = lambda *a: print('result: ' + '[' * 100_000)",
        "garbled",
    ),
    "replaces check": (
        f"{BIASED}\nimport lib.homework\ncheck = lib.homework.check = lambda *a: print('03.1 passed')",
        "wrong",
    ),
    "replaces lib": (
        f"{BIASED}\nimport sys, types\n"
        "for name in [name for name in sys.modules if name.startswith('lib.')]:\n"
        "    sys.modules[name] = types.ModuleType(name)",
        "raised",
    ),
    "replaces allclose": (
        f"{BIASED}\nimport numpy as np\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True",
        "wrong",
    ),
    "replaces print": (f"{RIGHT}\nimport builtins\nbuiltins.print = len", ""),
    "replaces stdout": (
        f"{RIGHT}\nimport io, sys\nsys.stdout = io.StringIO()",
        "garbled",
    ),
    "takes stdout away": (f"{RIGHT}\nimport sys\nsys.stdout = None", "timeout"),
    "replaces equality": (
        "class Any(float):\n"
        "    __eq__ = __le__ = __ge__ = lambda *a: True\n"
        "    __hash__ = float.__hash__\n"
        "def average(values, beta):\n    return [Any()] * len(values)",
        "wrong",
    ),
    "skips itself": (f"# NBVAL_SKIP\n# NBVAL_CHECK_OUTPUT\n{RIGHT}", ""),
    "never ends": ("while True:\n    pass", "timeout"),
    "never ends when called": (
        "def average(values, beta):\n    while True:\n        pass",
        "timeout",
    ),
    "takes all memory": (
        "def average(values, beta):\n    return [bytearray(100_000_000) for _ in range(1000)]",
        "memory",
    ),
    "takes all memory at once": (
        "import numpy as np\ndef average(values, beta):\n    return np.ones(10**12)",
        "memory",
    ),
    "exits": ("import os\nos._exit(0)", "killed"),
    "exits politely": (
        "import sys\ndef average(values, beta):\n    sys.exit(0)",
        "raised",
    ),
    "crashes": ("import ctypes\nctypes.string_at(0)", "killed"),
    "shuts the kernel down": (
        "import os\nfrom ipykernel.kernelapp import IPKernelApp\n"
        "IPKernelApp.instance().close()\nos.closerange(3, 99)",
        "killed",
    ),
    "takes its time to end": (
        "import os, time\nos.close(int(os.environ['HOMEWORK_WIRE']))\ntime.sleep(1)\nos._exit(0)",
        "killed",
    ),
    "changes the key": ("get_ipython().kernel.session.key = b'mine'", "garbled"),
    "forges a message": (
        "kernel = get_ipython().kernel\n"
        "def average(values, beta):\n"
        "    content = {'name': 'stdout', 'text': {'a': 1}}\n"
        "    kernel.session.send(\n"
        "        kernel.iopub_socket, 'stream', content, parent=kernel.get_parent()\n"
        "    )",
        "garbled",
    ),
    "forges an empty message": (
        "kernel = get_ipython().kernel\n"
        "def average(values, beta):\n"
        "    kernel.session.send(\n"
        "        kernel.iopub_socket, 'stream', {}, parent=kernel.get_parent()\n"
        "    )",
        "garbled",
    ),
    "forges frames": (
        "get_ipython().kernel.iopub_socket.send_multipart([b'<IDS|MSG>', b'', b'{'])",
        "garbled",
    ),
    "raises what cannot be written": (
        "def average(values, beta):\n    raise ValueError('\\ud800\\x1b[2J\\x00')",
        "raised",
    ),
    "prints without end": ("while True:\n    print('x' * 1000)", "output"),
    "prints 50 MB": ("print('x' * 50_000_000)", "output"),
    "returns something deep": (
        "def average(values, beta):\n"
        "    deep = []\n"
        "    for _ in range(100_000):\n        deep = [deep]\n"
        "    return deep",
        "raised",
    ),
    "returns something long": (
        "def average(values, beta):\n    return [0.1] * 1_000_000",
        "output",
    ),
    "has names of the grader's": (
        f"{RIGHT}\nvalue = call = path = tell = probe = 1.0\nright = average\n"
        "def average(values, beta):\n"
        "    return right(values, beta * value * call * path * tell * probe)",
        "",
    ),
    "calls what is in another cell": (
        "def average(values, beta):\n    return helper(values, beta)",
        "raised",
    ),
    "returns text": ("def average(values, beta):\n    return '<b>0.4</b>'", "wrong"),
}
# They replace what all of the student's own answers are called through.
SPOILING = {
    "replaces what tells",
    "replaces what tells by something deep",
    "replaces lib",
    "replaces stdout",
}


def refused(folder, server):
    """Cells that raise, and what, in any task; five fill a notebook."""
    reference = ROOT / "lib/homework/tasks/lesson_03.py"
    solution = ROOT / "exercises/solutions" / f"{NAME}.ipynb"
    return {
        "forks": ("import os\nwhile True:\n    os.fork()", "PermissionError"),
        "runs a program": (
            "import subprocess\nsubprocess.run(['true'])",
            "PermissionError",
        ),
        "runs a command": ("!true", "PermissionError"),
        "imports the reference": (
            "from lib.homework.tasks import lesson_03",
            "ModuleNotFoundError",
        ),
        "reads the reference": (f"open({str(reference)!r})", "FileNotFoundError"),
        "reads the solution": (f"open({str(solution)!r})", "FileNotFoundError"),
        "reads its neighbor": (
            f"open({str(folder / 'right.ipynb')!r})",
            "FileNotFoundError",
        ),
        "lists its neighbors": (
            f"import os\nos.listdir({str(folder)!r})",
            "FileNotFoundError",
        ),
        "sees other processes": (
            "import os\nassert sum(name.isdigit() for name in os.listdir('/proc')) > 1",
            "AssertionError",
        ),
        "reads the environment": (
            "import os\nos.environ['OF_THE_TEACHER']",
            "KeyError",
        ),
        "reads the home": (
            "import os\nos.listdir(os.path.expanduser('~root/.ssh'))",
            "FileNotFoundError",
        ),
        "writes outside": (
            f"open({str(folder.parent / 'written')!r}, 'w')",
            "FileNotFoundError",
        ),
        "writes to the library": ("open('/library/lib/paths.py', 'a')", "OSError"),
        "writes to the system": (
            "open('/proc/sys/kernel/core_pattern', 'w')",
            "OSError",
        ),
        "writes to Python": (
            "import numpy\nopen(numpy.__file__, 'a')",
            "OSError",
        ),
        "fills the disk": (
            "for n in range(1000):\n    open(f'/tmp/{n}', 'wb').write(bytes(1_000_000))",
            "OSError",
        ),
        "keeps a secret memory": ("import os\nos.memfd_create('x')", "PermissionError"),
        "calls a server here": (
            f"import urllib.request\nurllib.request.urlopen('http://{server}/')",
            "URLError",
        ),
        "calls a server elsewhere": (
            "import socket\nsocket.create_connection(('198.51.100.1', 80), 5)",
            "OSError",
        ),
        "calls the machine outside": (
            "import socket\nsocket.socket(socket.AF_VSOCK)",
            "PermissionError",
        ),
        "asks a name": (
            "import urllib.request\nurllib.request.urlopen('http://example.com')",
            "URLError",
        ),
        "asks a question": ("input('the answer?')", "StdinNotImplementedError"),
    }


def odd():
    """Notebooks that are not as they were handed out, and what is said of their first
    task."""
    for says, source in (("", RIGHT), ("wrong", BIASED)):
        how = says or "right"
        for what, checks in (
            ("deleted", []),
            ("edited", ["check = print"]),
            ("duplicated", ["check(...)", "check(...)"]),
        ):
            notebook = answered(source)
            notebook["cells"] = [
                {**cell, "source": new or cell["source"]}
                for cell in notebook["cells"]
                for new in (checks if is_part(cell, "check") else [""])
            ]
            yield f"check {what}, {how}", notebook, says
        notebook = answered(source)
        for cell in filter(lambda cell: is_part(cell, "check"), notebook["cells"]):
            text = f"{cell['metadata']['task']} passed\n"
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
        yield f"outputs forged, {how}", notebook, says
    notebook = answered(RIGHT)
    for cell in notebook["cells"]:
        cell["id"] = "same"
    yield "identifiers alike", notebook, ""
    notebook = answered(RIGHT)
    notebook["metadata"]["kernelspec"] = {"name": "ir", "display_name": "R"}
    notebook["metadata"]["language_info"] = {"name": "R"}
    yield "another kernel", notebook, ""
    notebook = answered(RIGHT)
    notebook["metadata"] = {
        "colab": {"provenance": [], "name": "homework"},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "accelerator": "GPU",
    }
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = {"id": f"aB{number}", "colab": {"base_uri": "x"}}
        cell["source"] = cell["source"].splitlines(keepends=True)
        del cell["id"]
    yield "from Colab", {**notebook, "nbformat_minor": 0}, ""
    notebook = answered(RIGHT)
    for cell in notebook["cells"]:
        del cell["id"]
    yield "of format 4.2", {**notebook, "nbformat_minor": 2}, ""
    notebook = answered(RIGHT)
    for cell in filter(lambda cell: is_part(cell, "answer"), notebook["cells"]):
        cell["source"] = cell["source"].partition("\n")[2]
    yield "first lines lost", notebook, ""
    notebook = answered(RIGHT)
    for cell in filter(lambda cell: is_part(cell, "answer"), notebook["cells"]):
        cell["source"] = f"%%time\n# Mine.\n\n{cell['source']}"
        cell["metadata"] = {}
    yield "first lines below others", notebook, ""
    notebook = answered(RIGHT)
    first = next(c for c in notebook["cells"] if is_part(c, "answer"))
    notebook["cells"].insert(1, {**first, "source": f"# Answer 03.1\n{BIASED}"})
    yield "an older answer above", notebook, ""


# What no answers can be read from, and what is said of it.
NO_NOTEBOOKS = {
    "empty": ("", "unreadable"),
    "truncated": (json.dumps(answered(RIGHT))[:3000], "unreadable"),
    "not JSON": ("{'cells': []}", "unreadable"),
    "deep": ("[" * 100_000, "unreadable"),
    "a list": ("[]", "unreadable"),
    "of format 3": (json.dumps({"nbformat": 3, "worksheets": []}), "unreadable"),
    "of another exercise": (
        json.dumps(perfect("04_bias_correction")),
        "another exercise",
    ),
}


@pytest.fixture(scope="session")
def server():
    """The address of a server on this machine, and the requests that it gets."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{listening.server_port}", requests
        listening.shutdown()


@pytest.fixture(scope="session")
def folder(tmp_path_factory, server):
    """The submissions."""
    folder = tmp_path_factory.mktemp("class") / "submissions"
    for name, (source, _) in ANSWERS.items():
        put(folder / f"{name}.ipynb", answered(source))
    attacks = list(refused(folder, server[0]).values())
    for number in range(0, len(attacks), 5):
        notebook = perfect()
        for task, (source, _) in zip(TASKS, attacks[number : number + 5]):
            notebook = answered(source, task, notebook)
        put(folder / f"refused {number}/{NAME}.ipynb", notebook)
    for name, notebook, _ in odd():
        put(folder / name / f"{NAME}.ipynb", notebook)
    for name, (text, _) in NO_NOTEBOOKS.items():
        put(folder / name / f"{NAME}.ipynb", text)
    put(folder / f"blank/{NAME}.ipynb", blank())
    for name in HONEST:
        put(folder / name / "Übung 3.ipynb", perfect())
    put(folder / "two" / f"{NAME}.ipynb", perfect())
    put(folder / "two" / f"{NAME} (1).ipynb", blank())
    (folder / "link").mkdir()
    (folder / "link" / f"{NAME}.ipynb").symlink_to(folder / "right.ipynb")
    (folder / "nothing").mkdir()
    return folder


HONEST = ["Zoë Müller der Jüngere", "=1+1", "<img src=x onerror=alert(1)>", "ü" * 120]


def put(path, notebook):
    path.parent.mkdir(exist_ok=True, parents=True)
    text = notebook if isinstance(notebook, str) else json.dumps(notebook)
    path.write_text(text, encoding="utf-8")


def grade(folder, out, *options, **environment):
    """Run the command; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "lib.homework", "grade", folder, "--out", out, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def trouble(ran):
    """What a finished command has said on stderr, but for its progress."""
    return re.sub(r"^\d+ of \d+ graded, .* to go\n", "", ran.stderr, flags=re.M)


def grades(out):
    """By student and task: the problem, empty if the task is passed."""
    rows = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    assert all(row["passed"] == (row["problem"] == "") for row in rows)
    assert all(row["stars"] == (row["of"] if row["passed"] else 0) for row in rows)
    return {(row["student"], row["task"]): row["problem"] for row in rows}


@pytest.fixture(scope="session")
def graded(folder):
    """The folder of the results, and the finished command."""
    out = folder.parent / "results"
    limits = ["--time-limit", "8", "--memory", "700", "--seed", "11"]
    ran = grade(
        folder,
        out,
        "--exercise",
        NAME,
        "--workers",
        "2",
        *limits,
        OF_THE_TEACHER="secret",
    )
    print(ran.stdout, ran.stderr)
    return out, ran


# The class


def test_the_command_ends_with_what_it_could_not_grade(graded):
    _, ran = graded
    assert ran.returncode == 1
    named = {line.partition(f" {NAME}: ")[0] for line in trouble(ran).splitlines()}
    assert named == {*NO_NOTEBOOKS, "two", "link"}


@pytest.mark.parametrize("student", HONEST)
def test_an_honest_student_passes(graded, student):
    found = grades(graded[0])
    assert [found[student, task] for task in TASKS] == [""] * len(TASKS)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_named_for_what_it_does_and_costs_its_task_only(graded, name):
    found = grades(graded[0])
    says = ANSWERS[name][1]
    others = says if name in SPOILING else ""
    assert [found[name, task] for task in TASKS] == [says, *[others] * 4]


def test_what_is_refused_raises(graded, folder, server):
    out, _ = graded
    found = grades(out)
    for number, (name, (_, error)) in enumerate(refused(folder, server[0]).items()):
        student, task = f"refused {number // 5 * 5}", TASKS[number % 5]
        assert found[student, task] == "raised", name
        assert f"raised    {error}: " in feedback(out, student)[task], name
    assert server[1] == []
    assert not (folder.parent / "written").exists()


@pytest.mark.parametrize(("name", "says"), [(name, says) for name, _, says in odd()], ids=str)
def test_only_the_answers_of_a_notebook_count(graded, name, says):
    found = grades(graded[0])
    assert [found[name, task] for task in TASKS] == [says, *[""] * (len(TASKS) - 1)]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *((name, says) for name, (_, says) in NO_NOTEBOOKS.items()),
        ("two", "several notebooks"),
        ("link", "unreadable"),
        ("nothing", "no notebook"),
        ("blank", "no answer"),
    ],
)
def test_what_cannot_be_graded_is_named(graded, name, says):
    found = grades(graded[0])
    assert [found[name, task] for task in TASKS] == [says] * len(TASKS)


# What is written


class Page(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.texts.append("")

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data

    def all(self, tag):
        """The texts of the elements of a kind."""
        return [text for (name, _), text in zip(self.tags, self.texts) if name == tag]


def feedback(out, student):
    """The texts of a student's page, by task."""
    page = out / "feedback" / report.file_name(student)
    read = Page(page.read_text(encoding="utf-8"))
    return {heading.partition(":")[0]: text for heading, text in zip(read.all("h3"), read.all("pre"))}


def test_the_feedback_of_a_usual_mistake_has_its_hint(graded):
    text = feedback(graded[0], "biased")["03.1"]
    assert "called    average([4.0, 4.95], 0.9)" in text
    assert "This average starts from the first reading" in re.sub(r"\s+", " ", text)


def test_a_name_that_is_missing_is_said_to_be_in_no_answer(graded):
    text = feedback(graded[0], "calls what is in another cell")["03.1"]
    assert "'helper' is not defined (only cells that begin with `# Answer`" in text


def test_what_cannot_be_written_is_replaced(graded):
    text = feedback(graded[0], "raises what cannot be written")["03.1"]
    assert "raised    ValueError: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J" in text


def test_the_limits_are_told(graded):
    assert "within 8 seconds" in feedback(graded[0], "never ends")["03.1"]


def test_the_pages_hold_nothing_of_a_students_that_is_alive(graded):
    out, _ = graded
    pages = [out / "summary.html", *(out / "feedback").iterdir()]
    assert len(pages) > 60
    for path in pages:
        page = Page(path.read_text(encoding="utf-8"))
        assert not {"script", "img", "b"} & {tag for tag, _ in page.tags}, path
        assert page.all("h1") and ("html", {"lang": "en"}) in page.tags
    assert "<script>alert(1)</script>" in feedback(out, "raises")["03.1"]


def test_the_summary_leads_to_every_student(graded):
    out, _ = graded
    page = Page((out / "summary.html").read_text(encoding="utf-8"))
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    found = {unquote(link) for link in links}
    assert found == {f"feedback/{path.name}" for path in (out / "feedback").iterdir()}


def test_the_table_is_the_same_in_both_forms(graded):
    out, _ = graded
    with open(out / "grades.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    plain = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    assert [[str(value) for value in row.values()] for row in plain] == [
        [value.removeprefix("'") for value in row.values()] for row in rows
    ]
    assert not any(row["student"].startswith(report.FORMULA) for row in rows)
    assert {row["student"] for row in rows} >= {"'=1+1", "Zoë Müller der Jüngere"}


# Once more, on other machines, and without a sandbox


def stored(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "stored").iterdir()}


def few(folder, number=4):
    """A folder of right submissions, no two alike."""
    for n in range(number):
        put(folder / f"student {n}.ipynb", answered(f"{RIGHT}\n# {n}"))
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder of two submissions, graded."""
    folder = few(tmp_path_factory.mktemp("small") / "submissions", 2)
    out = folder.parent / "results"
    ran = grade(folder, out, "--workers", "1")
    assert (ran.returncode, trouble(ran)) == (0, "")
    return folder, out


def test_what_is_graded_is_not_graded_again(small, monkeypatch):
    folder, out = small
    before, table = stored(out), (out / "grades.json").read_bytes()
    monkeypatch.setattr(command, "_graded", lambda jobs, options: [][: len(jobs)])
    assert command.main(["grade", str(folder), "--out", str(out)]) == 0
    assert stored(out) == before
    assert (out / "grades.json").read_bytes() == table


def test_what_is_new_or_lost_is_graded(small, monkeypatch):
    folder, out = small
    asked = []
    monkeypatch.setattr(command, "_graded", lambda jobs, options: asked.extend(jobs) or [])
    lost = next((out / "stored").iterdir())
    content = lost.read_bytes()
    lost.unlink()
    put(folder / "late.ipynb", blank())
    try:
        command.main(["grade", str(folder), "--out", str(out)])
        assert len(asked) == 2 and lost.stem in asked
        asked.clear()
        command.main(["grade", str(folder), "--out", str(out), "--time-limit", "9"])
        assert len(asked) == 3
    finally:
        lost.write_bytes(content)
        (folder / "late.ipynb").unlink()


def test_the_key_is_made_of_all_that_decides(monkeypatch, tmp_path):
    limits = {"seconds": 1, "memory": 2, "output": 3}

    def key(name=NAME, text="{}", answers=None, seed=1, isolated=True):
        return grading.key(grading.make_job((name, text), answers or {}, seed, limits, isolated))

    keys = [
        key(),
        key(name="04_bias_correction"),
        key(text="{ }"),
        key(answers={"03.1": [""]}),
        key(seed=2),
        key(isolated=False),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
    read = grading.Path.read_bytes
    for changed in ("lesson_03.py", "judge.py", "averages.py", "trial.py"):
        with monkeypatch.context() as patch:
            patch.setattr(
                grading.Path,
                "read_bytes",
                lambda path, changed=changed: read(path) + b" " * (path.name == changed),
            )
            assert key() not in keys, changed


def test_what_the_cluster_loses_is_not_graded():
    lost = types.SimpleNamespace(cancelled=lambda: True)
    assert command._result(lost) == (None, "the cluster has lost it")


def test_a_worker_of_another_version_is_refused():
    job = grading.make_job((NAME, "{}"), {}, 1, {"seconds": 1}, True)
    with pytest.raises(RuntimeError, match="is not that of the command"):
        grading.grade(job, "another")


@pytest.fixture
def cluster():
    """Two workers, as on another machine."""
    cluster = command._cluster(2)
    yield cluster
    command._close(cluster)


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_lost_when_a_worker_is_killed_half_way(cluster, tmp_path):
    from distributed import Client

    folder, out = few(tmp_path / "submissions"), tmp_path / "results"
    with Client(cluster) as client:
        victim = next(iter(client.run(os.getpid).values()))
    typed = [sys.executable, "-m", "lib.homework", "grade", folder, "--out", out]
    running = subprocess.Popen(
        [*typed, "--scheduler", cluster.scheduler_address],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    try:
        until = time.monotonic() + 60
        while len(list(out.glob("stored/*.json"))) < 1 and time.monotonic() < until:
            time.sleep(0.1)
        os.kill(victim, signal.SIGKILL)
        assert running.wait(timeout=90) == 0
    finally:
        running.kill()
        running.wait()
    assert set(grades(out).values()) == {""}
    assert len(grades(out)) == 4 * len(TASKS)


def test_what_a_killed_command_leaves_is_removed_by_the_next(tmp_path):
    """And nothing of another that is at work meanwhile."""
    folder, place = few(tmp_path / "submissions", 2), tmp_path / "temporary"
    place.mkdir()

    def begin(out):
        typed = [sys.executable, "-m", "lib.homework", "grade", folder, "--out", out]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place)}
        return subprocess.Popen(typed, cwd=ROOT, env=environment)

    def in_use():
        folders = (Path(folder) for folder, *_ in os.walk(place))  # which takes it that some vanish
        return {folder for folder in folders if folder.match("grade-*/first")}

    killed, other = begin(tmp_path / "killed"), None
    try:
        until = time.monotonic() + 60
        while not (left := in_use()) and time.monotonic() < until:
            time.sleep(0.1)
        killed.kill()
        other = begin(tmp_path / "other")
        while not in_use() - left and time.monotonic() < until:
            time.sleep(0.1)
        assert begin(tmp_path / "next").wait(timeout=90) == other.wait(timeout=90) == 0
    finally:
        for running in filter(None, (killed, other)):
            running.kill()
            running.wait()
    for out in ("other", "next"):
        assert set(grades(tmp_path / out).values()) == {""}
    assert left and not in_use()


@pytest.mark.filterwarnings("ignore")
def test_what_kills_its_worker_again_and_again_is_named(cluster, tmp_path, monkeypatch, capsys):
    right = {task: {"passed": True, "problem": "", "text": ""} for task in TASKS}
    monkeypatch.setattr(
        grading,
        "grade",
        lambda job, key: os._exit(1) if "# 1" in job["answers"]["03.1"][0] else right,
    )
    folder, out = few(tmp_path / "submissions"), tmp_path / "results"
    arguments = ["grade", str(folder), "--out", str(out)]
    assert command.main([*arguments, "--scheduler", cluster.scheduler_address]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch("student 1 03_ewma: Not graded. .* 4 different workers.*\n", said)
    found = grades(out)
    for student in range(4):
        says = "not graded" if student == 1 else ""
        assert [found[f"student {student}", task] for task in TASKS] == [says] * 5
    assert len(stored(out)) == 3


class Stderr(io.StringIO):
    """The stream, a terminal's or not."""

    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_on_a_terminal_and_lines_in_a_log(terminal, tmp_path, monkeypatch):
    """The trouble is told below it, in lines of its own."""

    def lost(jobs, options):
        for key in jobs:
            yield key, None, "the cluster has lost it"
            clock[0] += 50

    clock = [1e9]
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])
    monkeypatch.setattr(command, "_graded", lost)
    monkeypatch.setattr(sys, "stderr", Stderr(terminal))
    folder = few(tmp_path / "submissions")
    assert command.main(["grade", str(folder), "--out", str(tmp_path / "results")]) == 1
    trouble = "".join(f"student {n} {NAME}: Not graded. the cluster has lost it\n" for n in range(4))
    shown = sys.stderr.getvalue().removesuffix(trouble)
    if terminal:
        assert re.fullmatch(r"(\r.*)+\r100%\|.*\| 4/4 \[02:30<00:00, .*submission\]\n", shown)
    else:
        assert shown == "3 of 4 graded, 00:33 to go\n"


def test_without_a_sandbox_nothing_runs_unless_told_so(small, tmp_path):
    folder, _ = small
    ran = grade(folder, tmp_path / "results", PATH=str(tmp_path))
    assert ran.returncode == 2
    for part in ("apt install bubblewrap", "--without-isolation"):
        assert part in ran.stderr
    assert not (tmp_path / "results").exists()


def test_a_sandbox_starts_however_python_was_called(tmp_path):
    python = os.path.relpath(sys.executable, tmp_path)
    assert python.startswith("..")
    code = "from lib.homework import sandbox; sandbox.check_isolation()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([python, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_told_so_it_grades_without_a_sandbox(tmp_path):
    folder, out = tmp_path / "submissions", tmp_path / "results"
    put(folder / "right.ipynb", answered(RIGHT))
    put(folder / "librarys.ipynb", answered(ANSWERS["librarys"][0]))
    ran = grade(folder, out, "--without-isolation", PATH=str(tmp_path))
    assert (ran.returncode, trouble(ran)) == (0, "")
    found = grades(out)
    assert [found["right", task] for task in TASKS] == [""] * 5
    assert [found["librarys", task] for task in TASKS] == [
        "library's own",
        "",
        "",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "the following arguments are required: --out"),
        (["--out", "{results}", "--seed", "0"], "--seed: a whole number from 1 on, not '0'"),
        (["--out", "{results}", "--seed", ""], "--seed: a whole number from 1 on, not ''"),
        (["--out", "{results}", "--workers", "none"], "--workers: a whole number from 1 on, not 'none'"),
        (["--out", "{results}", "--time-limit", "-1"], "--time-limit: a number from 0 to 100,000, not '-1'"),
        (["--out", "{results}", "--exercise", "99_none"], "99_none is none of 01_"),
        (["--out", "{results}", "--exercises", "{folder}"], "holds no exercises"),
        (["--out", "{folder}/results"], "would lie among the submissions"),
        (["--out", "{results}", "--scheduler", "tcp://127.0.0.1:9"], "no scheduler at"),
        (["--out", "{folder.parent}/results/seed"], "no results can go to"),
        (["--out", "/usr/share/results"], "lies in /usr, which the answers can read"),
    ],
)
def test_what_the_command_cannot_do_is_said(small, tmp_path, capsys, options, says):
    places = {"folder": small[0], "results": tmp_path / "results"}
    options = [option.format(**places) for option in options]
    try:
        status = command.main(["grade", str(small[0]), *options])
    except SystemExit as error:  # argparse's
        status = error.code
    assert status == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_no_notebook_is_named(tmp_path, capsys):
    """Whose work was handed in as something else would be missing without a word."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    for name in ("bob.ipynb.txt", "ada.zip", ".gitkeep"):
        (folder / name).touch()
    assert command.main(["grade", str(folder), "--out", str(tmp_path / "results")]) == 2
    said = capsys.readouterr().err
    assert "neither a notebook nor a folder: ada.zip, bob.ipynb.txt\n" in said
    assert f"{folder} holds no submissions" in said


def test_a_folder_that_is_not_there_is_said(tmp_path, capsys):
    nowhere = str(tmp_path / "nowhere")
    assert command.main(["grade", nowhere, "--out", str(tmp_path / "results")]) == 2
    assert "nowhere is no folder" in capsys.readouterr().err


# The parts


def test_every_solution_passes_with_what_stands_in_for_the_library(tmp_path):
    folder, out = tmp_path / "submissions", tmp_path / "results"
    for name in SOLUTIONS:
        put(folder / f"perfect/{name}.ipynb", perfect(name))
    assert grade(folder, out).returncode == 0
    found = grades(out)
    assert len(found) > 5 * len(SOLUTIONS)
    assert set(found.values()) == {""}


CALL_EACH = """
import importlib, inspect, sys
from lib.librarys_own import LibrarysOwn

module = importlib.import_module(sys.argv[1])
for name, value in vars(module).items():
    if inspect.isfunction(value) and value.__module__ == module.__name__:
        signature = inspect.signature(value)
        wanted = [p.name for p in signature.parameters.values() if p.default is p.empty]
        try:
            value(**dict.fromkeys(wanted))
        except LibrarysOwn as error:
            print(name, signature, error)
"""


@pytest.mark.parametrize("name", sandbox.OWN)
def test_what_stands_in_for_a_function_has_its_signature_and_refuses(name, tmp_path):
    sandbox.stage(tmp_path, own=True)
    said = subprocess.run(
        [sys.executable, "-c", CALL_EACH, f"lib.{name}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    module = importlib.import_module(f"lib.{name}")
    assert said == [
        f"{key} {inspect.signature(value)} lib.{name}.{key} is the library's own. "
        "Write yours; you may look at it."
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    assert len(said) > 4


def told(capsys, probe, answer, *arguments):
    """What is read of what is told."""
    printed._stdout = sys.stdout
    printed.tell(probe, answer, *arguments)
    return printed.read(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("result", "read"),
    [
        (1.5, 1.5),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        ((0.1, None), [0.1, None]),
        ([np.ones(2), 3], [[1.0, 1.0], 3]),
        (10**30, 1e30),
        (Fraction(1, 4), 0.25),
        ([Fraction(1, 4), Decimal("0.5")], [0.25, 0.5]),
        (np.ones(2, dtype=np.longdouble), [1.0, 1.0]),
        (deque([1.0, 2.0]), [1.0, 2.0]),
        (range(2), [0, 1]),
        (None, None),
    ],
)
def test_a_result_arrives_as_it_was(capsys, monkeypatch, result, read):
    monkeypatch.setattr(printed, "_stdout", None)
    assert told(capsys, lambda answer: answer, result) == read


def test_what_is_no_number_arrives_as_what_it_looks_like(capsys, monkeypatch):
    monkeypatch.setattr(printed, "_stdout", None)
    assert repr(told(capsys, lambda answer: answer, "a month")) == "'a month'"
    assert repr(told(capsys, lambda answer: answer, 1j)) == "1j"
    assert repr(told(capsys, lambda answer: answer, np.array([1j]))) == "array([0.+1.j])"
    assert told(capsys, lambda answer: answer, (1.0, ...)) is ...
    failure = told(capsys, lambda answer: answer / 0, 1.0)
    assert failure == Failure("ZeroDivisionError: float division by zero")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "passed",
        "result: ",
        "result: {}",
        "result: []",
        'result: {"result": "0.4"}',
        'result: {"result": {"a": 1}}',
        'result: {"raised": 3, "line": ""}',
        'result: {"result": ' + "[" * 10 + "]" * 10 + "}",
        "result: " + "[" * 100_000,
        'result: {"result": [' + "1," * 1_000_000 + "1]}",
    ],
    ids=range(11),
)
def test_what_is_no_result_is_refused(line):
    with pytest.raises(ValueError):
        printed.read(f"\n{line}\n")


def test_names_that_cannot_be_printed_stay_apart():
    names = ["ada", "a\x1bb", "a\nb", "a\udcffb", "a\N{REPLACEMENT CHARACTER}b~2"]
    shown = submissions._printable(names)
    assert shown["ada"] == "ada"
    assert len(set(shown.values())) == len(names)
    assert all(name.isprintable() for name in shown.values())


def test_nothing_is_followed_or_waited_for(tmp_path):
    secret = tmp_path / "secret"
    put(secret / f"{NAME}.ipynb", perfect())
    folder = tmp_path / "submissions" / "eve"
    folder.mkdir(parents=True)
    (folder / "work").symlink_to(secret)
    os.mkfifo(folder / f"{NAME}.ipynb")
    put(folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb", perfect())
    (folder.parent / "mallory").symlink_to(secret)
    found = list(submissions.collect(folder.parent, [NAME]))
    assert [(one.student, one.problem) for one in found] == [("eve", "unreadable")]
    assert submissions.strangers(folder.parent) == ["mallory"]


@pytest.mark.parametrize("part", ["{},", "[[]],", '"ab",', '"a":{"b":0},'])
def test_too_many_parts_are_refused_before_they_are_parsed(part, tmp_path, monkeypatch):
    """Of 60 MB of brackets Python makes 1.5 GB of objects."""
    monkeypatch.setattr(submissions.json, "loads", None)
    put(tmp_path / "ada.ipynb", part * 4_000_001)
    (found,) = submissions.collect(tmp_path, [NAME])
    assert (found.problem, found.detail) == (
        "unreadable",
        "it has more than 8,000,000 strings, commas and opening brackets",
    )


@pytest.mark.parametrize(
    ("text", "times"),
    [('[0, {"a": 1}], \\n' * 2_000_000, 1), ("x\n", 600_000)],
    ids=["one that is long", "many"],
)
def test_forty_megabytes_of_outputs_are_read(text, times, tmp_path):
    notebook = perfect()
    output = {"output_type": "stream", "name": "stdout", "text": text}
    notebook["cells"][-1]["outputs"] = [output] * times
    put(tmp_path / f"{NAME}.ipynb", notebook)
    assert (tmp_path / f"{NAME}.ipynb").stat().st_size > 35_000_000
    (found,) = submissions.collect(tmp_path, [NAME])
    assert not found.problem and len(found.answers) == len(TASKS)


def test_a_folder_may_be_deeper_than_python_counts(tmp_path):
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    try:
        found = list(submissions.collect(tmp_path, [NAME]))
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)
    assert [(one.student, one.problem) for one in found] == [("d", "no notebook")]


def test_a_folder_holds_many_exercises_and_what_was_handed_out_beside_them(tmp_path):
    put(
        tmp_path / "ada" / "chapters" / "05_momentum.ipynb",
        {"nbformat": 4, "cells": []},
    )
    for name in ("03_ewma", "05_momentum"):
        put(tmp_path / "ada" / "exercises" / f"{name}.ipynb", perfect(name))
    found = {one.exercise: one for one in submissions.collect(tmp_path, list(SOLUTIONS))}
    assert found.keys() == {"03_ewma", "05_momentum"}
    assert all(one.answers and not one.problem for one in found.values())


def test_no_two_names_are_one_in_a_spreadsheet():
    names = ["=1", "'=1", "''=1", "1"]
    assert len({report._harmless(name) for name in names}) == len(names)


def test_what_was_handed_out_may_take_as_long_as_a_start():
    runner = trial.Runner(sandbox.Limits(seconds=1), True, lambda event: None, {})
    runner.kernel, runner.room = types.SimpleNamespace(), "own"
    runner.task, runner.used = None, {}
    for task, seconds in ((None, sandbox.STARTS_IN), ("03.1", 1)):
        cell = types.SimpleNamespace(metadata={"task": task})
        next(runner.pytest_runtest_call(types.SimpleNamespace(cell=cell)))
        assert runner.kernel.seconds == seconds


def test_answers_that_take_all_the_time_there_is_are_graded(monkeypatch):
    """A class does not wait for them again at the next run."""
    clock = [0.0]
    monkeypatch.setattr(grading, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))
    tried = grading._trial

    def trial_of(job, seconds):
        if clock[0]:
            return tried(job, seconds)
        clock[0] = 1e6
        return [{"begins": "03.1"}], "timeout"

    monkeypatch.setattr(grading, "_trial", trial_of)
    answers = {task: ["pass"] for task in TASKS}
    limits = {"seconds": 1, "memory": 1 << 30, "output": 1 << 20}
    pristine = json.dumps(blank())
    job = grading.make_job((NAME, pristine), answers, 1, limits, True)
    outcome = grading.grade(job, grading.key(job))
    assert {one["problem"] for one in outcome.values()} == {"timeout"}
    assert "no time left" in outcome["03.2"]["text"]


def test_two_commands_do_not_write_to_one_folder(small, capsys):
    folder, out = small
    with command._logging(out / "log.txt"):
        assert command.main(["grade", str(folder), "--out", str(out)]) == 2
    assert "another grader is at work" in capsys.readouterr().err


def test_the_share_of_the_stars_is_counted_in_tenths():
    counts = [count for _, count, _ in report.histogram([(0, 9), (9, 9), (8, 9), (0, 0)])]
    assert counts == [1, 0, 0, 0, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("machine", sandbox.SYSTEM_CALLS)
def test_no_jump_leads_out_of_the_filter(machine, monkeypatch):
    monkeypatch.setattr(sandbox.platform, "machine", lambda: machine)
    program = list(struct.iter_unpack("=HBBI", sandbox.filter_program()))
    for position, (code, yes, no, _) in enumerate(program):
        if code in (sandbox.EQUAL, sandbox.AT_LEAST, sandbox.ANY_BIT):
            assert position + 1 + max(yes, no) < len(program)
    assert program[-1] == (sandbox.RETURN, 0, 0, sandbox.ALLOW)
