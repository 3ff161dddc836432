"""Make the students' notebooks of the solutions, which are their only source.

    python -m tools.exercises make    write exercises/*.ipynb
    python -m tools.exercises check   name what differs, change nothing

In a notebook of exercises/solutions a cell with the tag "solution" is left out of the student's, which
keeps the cell with the tag "starter" before it. Every output goes, and a cell of a task gets its
metadata: the "task", and whether it is the "answer" or the "check" part.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import notebooks

EXERCISES = Path(__file__).parents[1] / "exercises"
PARTS = {
    "answer": re.compile(r"# Answer (\d\d\.\d)\n"),
    "check": re.compile(r'check\("(\d\d\.\d)", \w+\)$'),
}


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def part(cell: NotebookNode) -> dict[str, str]:
    """The task that a cell belongs to and the part it plays; nothing for the other cells."""
    for name, pattern in PARTS.items():
        match = pattern.match(cell.source)
        if match and cell.cell_type == "code":
            return {"task": match[1], "part": name}
    return {}


def without(notebook: NotebookNode, tag: str) -> NotebookNode:
    """The notebook as it is handed out, without the cells that have a tag.

    Without "solution" it is the student's; without "starter", what the student makes of it at best.
    """
    cells = []
    for cell in notebook.cells:
        if tag in tags(cell):
            continue
        kept = {"tags": ["look"]} if "look" in tags(cell) else {}
        source = cell.source.replace("](../../", "](../")
        if cell.cell_type == "code":
            new = nbformat.v4.new_code_cell(source, id=cell.id, metadata={**kept, **part(cell)})
        else:
            new = nbformat.v4.new_markdown_cell(source, id=cell.id)
        cells.append(new)
    return nbformat.v4.new_notebook(cells=cells, metadata=notebooks.NOTEBOOK_METADATA)


def solutions() -> Iterator[tuple[Path, NotebookNode]]:
    """Where a student's notebook belongs, and the solution that it is made of."""
    for path in sorted((EXERCISES / "solutions").glob("*.ipynb")):
        yield EXERCISES / path.name, notebooks.read(path.read_text(encoding="utf-8"))


def problems() -> Iterator[str]:
    """What keeps the students' notebooks from being those of the solutions."""
    wanted = {path: notebooks.write(without(solution, "solution")) for path, solution in solutions()}
    for path in sorted(wanted.keys() | set(EXERCISES.glob("*.ipynb"))):
        if path not in wanted:
            yield f"{path}: has no solution in {EXERCISES.name}/solutions"
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted[path]:
            yield f"{path}: is not what its solution makes (make exercises)"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["make", "check"])
    if parser.parse_args(arguments).command == "make":
        for path, solution in solutions():
            path.write_text(notebooks.write(without(solution, "solution")), encoding="utf-8")
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
