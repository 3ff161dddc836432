"""Keep the stored notebooks small, stable, comparable and described.

    python -m tools.notebooks check PATH...   name what is wrong, change nothing
    python -m tools.notebooks fix PATH...     bring notebooks into the stored form
    python -m tools.notebooks run PATH...     execute notebooks, then fix them

A PATH is a notebook or a folder of notebooks. The stored form holds the text of every output, which the tests
compare with a fresh run, and no picture: the book draws its pictures when it is built. The text of a figure
becomes the cell's `mystnb: {image: {alt: ...}}`, the text alternative on the page. The first code cell brings
the library to where it is missing, from the address in _config.yml; the page does not show it.
"""

import argparse
import itertools
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tools import repository

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"mystnb", "tags"}
INSTALL = "install"
INSTALL_SOURCE = """\
# Installs the course's library where it is missing, as on Colab; changes nothing else.
import importlib.util

if importlib.util.find_spec("lib") is None:
    import subprocess
    import sys
    import tempfile

    repository = "{address}"
    assert repository, "Say above where this notebook is from, https://github.com/..."
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    present, constraints = tempfile.mkstemp(suffix=".txt")
    subprocess.run([*pip, "list", "--format=freeze"], stdout=present, check=True)
    course = f"descent-optimizers[explorer,plots,units] @ {{repository}}/archive/HEAD.zip"
    subprocess.run([*pip, "install", "-q", "-c", constraints, course], check=True)"""
INVALID = (ValueError, KeyError, AttributeError, nbformat.ValidationError, Warning)


def read(text: str) -> NotebookNode:
    if json.loads(text).get("nbformat") != 4:
        raise ValueError("only format 4 is known here")
    return nbformat.v4.reads(text)


def write(notebook: NotebookNode) -> str:
    return nbformat.v4.writes(notebook) + "\n"


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def install_cell(address: str) -> NotebookNode:
    """The first code cell of every notebook; number 0, so that the others keep theirs when it comes."""
    return nbformat.v4.new_code_cell(
        INSTALL_SOURCE.format(address=address),
        id=INSTALL,
        execution_count=0,
        metadata={"tags": ["remove-cell"]},
    )


def install(notebook: NotebookNode, address: str) -> NotebookNode:
    """Put the cell that installs the library, from this address, before all other code, in place."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != INSTALL]
    for first in code_cells(notebook)[:1]:
        notebook.cells.insert(notebook.cells.index(first), install_cell(address))
    return notebook


def alternative(cell: NotebookNode) -> str | None:
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt")


def describe(cell: NotebookNode) -> None:
    """Copy the text of the cell's figure, if it drew one, to where the page takes it from."""
    figures = [data for data in map(output_data, cell.outputs) if any(map(is_image, data))]
    if len(figures) > 1:
        raise ValueError(f"cell {cell.id}: {len(figures)} figures; one per cell, each with its own text")
    for data in figures:
        image = cell.metadata.setdefault("mystnb", NotebookNode()).setdefault("image", NotebookNode())
        image.alt = data.get("text/plain", "")


def output_data(output: NotebookNode) -> dict:
    return output.get("data", {})


def is_image(mime: str) -> bool:
    return mime.startswith("image/")


def is_text(mime: str) -> bool:
    return mime.startswith("text/")


def stored_outputs(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """The outputs without pictures and widgets; what one stream printed in several pieces, in one piece."""
    streams = {}
    for output in outputs:
        if output.output_type == "stream" and output.name in streams:
            streams[output.name].text += output.text
            continue
        if output.output_type == "stream":
            streams[output.name] = output
        elif "data" in output:
            output.metadata = NotebookNode()
            output.data = NotebookNode({mime: output.data[mime] for mime in output.data if is_text(mime)})
            if not output.data:
                continue
        yield output


def normalize(notebook: NotebookNode) -> NotebookNode:
    """Bring the notebook into the stored form, in place."""
    notebook.nbformat_minor = 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    taken = {cell.get("id") for cell in notebook.cells}
    for position, cell in enumerate(notebook.cells, start=1):
        if "id" not in cell:
            names = (f"{cell.cell_type}-{number}" for number in itertools.count(position))
            cell.id = next(name for name in names if name not in taken)
            taken.add(cell.id)
        kept = CELL_METADATA.intersection(cell.metadata)
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in kept})
    # As one run from top to bottom numbers them: nbval compares nothing in a cell without a number.
    cells = code_cells(notebook)
    for number, cell in enumerate(cells, start=0 if cells and cells[0].id == INSTALL else 1):
        describe(cell)
        cell.outputs = list(stored_outputs(cell.outputs))
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    return notebook


def problems(text: str) -> Iterator[str]:
    """What keeps the stored notebook from being accepted."""
    try:
        notebook = normalize(read(text))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nbformat.validate(notebook)
    except INVALID as error:
        yield f"not a valid notebook: {error}"
        return
    if write(notebook) != text:
        yield "not in the stored form (make notebooks)"
    cells = code_cells(notebook)
    if cells and not any(cell.outputs for cell in cells):
        yield "no stored outputs (make notebooks)"
    for cell in cells:
        if any(output.output_type == "error" for output in cell.outputs):
            yield f"cell {cell.id}: an error is stored"
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield f"cell {cell.id}: text on stderr is stored"
        alt = alternative(cell)
        if alt is None:
            continue
        if alt not in [output_data(output).get("text/plain") for output in cell.outputs]:
            yield f"cell {cell.id}: the figure's text alternative is not the text of an output"
        if not alt.strip() or alt.startswith("<"):
            yield f"cell {cell.id}: the figure has no text alternative, only {alt!r}"


def install_problems(text: str, address: str) -> Iterator[str]:
    """Whether the cell that installs the library is missing or another."""
    if code_cells(read(text))[:1] not in ([], [install_cell(address)]):
        yield "its first code cell is not the one that installs the library (make repository)"


def execute(notebook: NotebookNode, folder: Path) -> None:
    for cell in code_cells(notebook):
        if alternative(cell) is not None:
            del cell.metadata.mystnb.image["alt"]
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()


def notebooks(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
        else:
            yield path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["check", "fix", "run"])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    options = parser.parse_args(arguments)
    address, _ = repository.stated()
    failed = False
    for path in notebooks(options.paths):
        try:
            if options.command != "check":
                notebook = read(path.read_text(encoding="utf-8"))
                if options.command == "run":
                    print(path, flush=True)
                    execute(notebook, path.parent)
                path.write_text(write(normalize(install(notebook, address))), encoding="utf-8")
            text = path.read_text(encoding="utf-8")
            found = list(problems(text)) or list(install_problems(text, address))
        except (OSError, CellExecutionError, *INVALID) as error:
            found = [str(error)]
        for problem in found:
            failed = True
            print(f"{path}: {problem}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
