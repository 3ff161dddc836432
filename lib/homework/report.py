"""What the teacher and the students get to see: tables, a page for each student, a
summary."""

import csv
import hashlib
import json
import os
import shutil
import urllib.parse
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2

from lib.homework import lesson

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one
MOST_OF_NAME = 120  # bytes of a file's name
BAR = 40  # characters of the longest bar


@dataclass(frozen=True)
class Row:
    """What becomes of one student's answer to one task; a row of the table.

    `stars` are those that were earned, `of` those that the task has, and `problem` is
    empty if it is passed. If the submission has no known exercise, `exercise` and `task`
    are empty.
    """

    student: str
    exercise: str
    task: str
    passed: bool
    stars: int
    of: int
    problem: str
    text: str

    def table(self):
        """The row without its text."""
        row = asdict(self)
        del row["text"]
        return row


def rows(submission, outcome):
    """The rows of a submission: the outcome has each task's `passed`, `problem` and
    `text`."""
    for task in lesson(submission.exercise[:2]):
        found = outcome[task.name]
        yield Row(
            submission.student,
            submission.exercise,
            task.name,
            found["passed"],
            task.stars if found["passed"] else 0,
            task.stars,
            found["problem"],
            found["text"],
        )


def failed_rows(submission, problem, detail):
    """The rows of a submission that is not graded: one for each task, or only one if
    its exercise is not known."""
    named = "Not graded" if problem == "not graded" else f"Not graded, {problem}"
    text = f"{named}. {detail}".strip()
    if not submission.exercise:
        yield Row(submission.student, "", "", False, 0, 0, problem, text)
        return
    found = {"passed": False, "problem": problem, "text": text}
    names = [task.name for task in lesson(submission.exercise[:2])]
    yield from rows(submission, dict.fromkeys(names, found))


def write(folder, table):
    """Write the tables and the pages into a folder; pages of an earlier run are
    replaced."""
    table = sorted(table, key=lambda row: (row.student, row.exercise, row.task))
    folder = Path(folder)
    plain = [row.table() for row in table]
    text = json.dumps(plain, ensure_ascii=False, indent=1) + "\n"
    replace(folder / "grades.json", text)
    with open(folder / "grades.csv.new", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, [name for name in Row.__dataclass_fields__ if name != "text"]
        )
        writer.writeheader()
        for row in plain:
            writer.writerow({**row, "student": _harmless(row["student"])})
    os.replace(folder / "grades.csv.new", folder / "grades.csv")
    students = {}
    for row in table:
        students.setdefault(row.student, []).append(row)
    pages = folder / "feedback"
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir()
    for student, own in students.items():
        page = _template("feedback.html").render(
            student=student, rows=own, stars=_stars(own)
        )
        replace(pages / file_name(student), page)
    summary = _template("summary.html").render(
        students=[
            (student, _link(student), _stars(own), own)
            for student, own in students.items()
        ],
        histogram=histogram([_stars(own) for own in students.values()]),
        tasks=_by_task(table),
    )
    replace(folder / "summary.html", summary)


def replace(path, text):
    """Write a file so that it is there whole or as it was before."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def file_name(student):
    """The name of a student's page: the student's, unless that is too long."""
    name = f"{student}.html"
    if len(name.encode()) <= MOST_OF_NAME:
        return name
    start = student.encode()[: MOST_OF_NAME - 30].decode("utf-8", "ignore")
    return f"{start}-{hashlib.sha256(student.encode()).hexdigest()[:16]}.html"


def histogram(stars):
    """How many students have earned which share of their stars: the lines of a
    histogram of tenths."""
    counts = [0] * 10
    for earned, of in stars:
        if of:
            counts[min(10 * earned // of, 9)] += 1
    most = max(counts)
    return [
        (
            f"{10 * tenth} to {10 * tenth + (10 if tenth == 9 else 9)} %",
            count,
            round(BAR * count / most) if most else 0,
        )
        for tenth, count in enumerate(counts)
    ]


def _by_task(table):
    """For each task how many have passed it, how many have tried, and what went wrong
    how often."""
    tasks = {}
    for row in table:
        if row.task:
            tasks.setdefault((row.exercise, row.task), []).append(row)
    for (exercise, task), own in sorted(tasks.items()):
        problems = {}
        for row in own:
            if row.problem:
                problems[row.problem] = problems.get(row.problem, 0) + 1
        yield (
            exercise,
            task,
            sum(row.passed for row in own),
            len(own),
            sorted(problems.items()),
        )


def _stars(own):
    return sum(row.stars for row in own), sum(row.of for row in own)


def _link(student):
    return "feedback/" + urllib.parse.quote(file_name(student))


def _harmless(name):
    return f"'{name}" if name.startswith((*FORMULA, "'")) else name


def _template(name):
    folder = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(
        loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
