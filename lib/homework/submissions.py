"""The students' answers, read out of whatever they have handed in.

A submission is believed in nothing but its answers: of a notebook only the sources of
the cells count that belong to a task, never an output, a check, a kernel or an
identifier.
"""

import collections
import contextlib
import itertools
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from lib.homework import lesson, printed

ANSWER = re.compile(r"\s*#\s*answer\s+(\d\d\.\d)(?!\d)", re.IGNORECASE)
BELOW = re.compile(
    r"(?:[ \t]*(?:[#%].*)?\n)*?[ \t]*" + ANSWER.pattern[3:], re.IGNORECASE
)
TASK = re.compile(r"\d\d\.\d")
MOST_BYTES, MOST_CHARACTERS = 64 << 20, 1 << 20  # of a notebook; of its answers
MOST_PARTS = 8_000_000  # of a notebook, each of which takes up to 80 bytes of memory
PART = re.compile(rb'[\[{,]|"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
SKIPPED = (".", "__MACOSX")  # what folders and files begin with that are nobody's work


class Unreadable(Exception):
    """A file that is no notebook; the text says why."""


@dataclass(frozen=True)
class Submission:
    """What one student has handed in for one exercise.

    `answers` has for each task the sources of its cells. If there is nothing to grade,
    `problem` says so in a word and `detail` in a sentence; then `exercise` may be
    empty.
    """

    student: str
    exercise: str
    answers: dict = field(default_factory=dict)
    problem: str = ""
    detail: str = ""


def exercises(folder):
    """The pristine notebooks of a folder that belong to a lesson with tasks: name to
    text, in their order."""
    found = {}
    for path in sorted(Path(folder).glob("[0-9][0-9]*.ipynb")):
        try:
            lesson(path.name[:2])
        except KeyError:
            continue
        found[path.stem] = path.read_text(encoding="utf-8")
    return found


def collect(folder, names, only=None):
    """The submissions in a folder, for the exercises of these names or for `only` one
    of them.

    Each entry of the folder is a student: a notebook, or a folder with notebooks at any
    depth. What begins with a dot is passed over, and no symbolic link is followed.
    """
    files = collections.defaultdict(list)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(SKIPPED):
            continue
        if entry.is_dir(follow_symlinks=False):
            files[entry.name] += _notebooks(entry.path)
        elif entry.name.lower().endswith(".ipynb"):
            files[entry.name[: -len(".ipynb")]].append(entry.path)
    students = _printable(files)
    for name, paths in files.items():
        yield from _of_student(students[name], paths, names, only)


def strangers(folder):
    """The names in a folder of submissions that are passed over and no student's: other
    files than notebooks, and links to folders."""
    return sorted(
        printed.clean(entry.name)
        for entry in os.scandir(folder)
        if not entry.name.startswith(SKIPPED)
        and not entry.is_dir(follow_symlinks=False)
        and not entry.name.lower().endswith(".ipynb")
    )


def _notebooks(folder):
    """The paths of the notebooks in a folder, however deep it is."""
    found, waiting = [], [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(SKIPPED):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name.lower().endswith(".ipynb"):
                    found.append(entry.path)
    return sorted(found)


def _printable(names):
    """For each name one that can be printed, no two alike."""
    shown, taken = {}, set()
    for name in names:
        text = printed.clean(name).replace("\n", "\N{REPLACEMENT CHARACTER}")
        alike = (f"{text}~{number}" for number in itertools.count(2))
        shown[name] = next(
            one for one in itertools.chain([text], alike) if one not in taken
        )
        taken.add(shown[name])
    return shown


def _of_student(student, paths, names, only):
    """The submissions of one student: one for each exercise of which there is a
    notebook."""
    by_exercise = collections.defaultdict(list)
    for path in paths:
        by_name = next((n for n in names if n in Path(path).stem), None)
        by_name = by_name or _of_number(Path(path).stem[:2], names)
        try:
            found = answers(read(path))
        except Unreadable as error:
            one = Submission(
                student, by_name or only or "", {}, "unreadable", str(error)
            )
        else:
            exercise = _exercise(found, by_name, names)
            one = Submission(student, exercise or "", found)
            if exercise is None:
                detail = f"no answers to a known exercise in {Path(path).name!r}"
                one = Submission(student, only or "", {}, "unknown", detail)
        by_exercise[one.exercise].append(one)
    if only:
        others = sorted(by_exercise.keys() - {only})
        by_exercise = {only: by_exercise.get(only, [])}
        if not by_exercise[only]:
            detail = f"there are answers to {', '.join(others)}" if others else ""
            problem = "another exercise" if others else "no notebook"
            by_exercise[only] = [Submission(student, only, {}, problem, detail)]
    if not by_exercise:
        yield Submission(student, "", {}, "no notebook")
    for exercise, found in by_exercise.items():
        # A lesson, or the exercise as it was handed out, may lie beside the work.
        found = [one for one in found if one.answers or one.problem] or found[:1]
        if len(found) == 1:
            yield found[0]
        else:
            detail = f"there are {len(found)} notebooks of this exercise"
            yield Submission(student, exercise, {}, "several notebooks", detail)


def _of_number(number, names):
    return next((name for name in names if name[:2] == number), None)


def _exercise(found, by_name, names):
    """The exercise that most of the answers belong to; without any, the one that the
    file is named after."""
    lessons = collections.Counter(task[:2] for task in found)
    known = {n: lessons[n[:2]] for n in names if lessons[n[:2]]}
    if not known:
        return by_name
    most = [name for name in known if known[name] == max(known.values())]
    return by_name if by_name in most else most[0]


def read(path):
    """The notebook in a file, as JSON has it; raises `Unreadable` if there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unreadable("it is no file")
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES >> 20} MB")
    if not content.strip():
        raise Unreadable("it is empty")
    if any(itertools.islice(PART.finditer(content), MOST_PARTS, None)):
        what = "strings, commas and opening brackets"
        raise Unreadable(f"it has more than {MOST_PARTS:,} {what}")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        raise Unreadable("it is no notebook of format 4")
    if not isinstance(notebook.get("cells"), list):
        raise Unreadable("it has no cells")
    return notebook


def answers(notebook):
    """The answers in a notebook: for each task the sources of its cells, in their
    order.

    A cell belongs to the task that its first line names, `# Answer 05.1`, or else to
    the one in its metadata, or else to the one that is named below other comments and
    magics. Raises `Unreadable` if they are too long to have been written by hand.
    """
    found = {}
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = _source(cell)
        task = _task(cell, source)
        if task:
            found.setdefault(task, []).append(source)
    if (
        sum(len(source) for cells in found.values() for source in cells)
        > MOST_CHARACTERS
    ):
        raise Unreadable("its answers are too long")
    return found


def _source(cell):
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        return ""
    return source.encode("utf-8", "replace").decode("utf-8")


def _task(cell, source):
    if named := ANSWER.match(source):
        return named[1]
    metadata = cell.get("metadata")
    if isinstance(metadata, dict) and metadata.get("part") == "answer":
        task = metadata.get("task")
        return task if isinstance(task, str) and TASK.fullmatch(task) else None
    named = BELOW.match(source[:1000])
    return named and named[1]
