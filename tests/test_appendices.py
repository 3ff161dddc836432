"""The appendices hold what cannot be computed on the page: names, and a place for everything."""

import inspect
import re
from pathlib import Path

import nbformat
import pytest

from lib import keras_check
from lib.optimizers import adam
from lib.paths import signature
from tests.rules import RULES

CHAPTERS = Path(__file__).parents[1] / "chapters"
KINDS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "Adagrad": {},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "Adadelta": {},
    "Adam": {"amsgrad": True},
    "Nadam": {},
}


def tables(name):
    """The tables of an appendix: for each a list of rows, and a row is a list of cells."""
    notebook = nbformat.read(CHAPTERS / f"{name}.ipynb", as_version=4)
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for table in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        yield [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]


def column(name, head):
    """The cells below a head, in the only table that has it."""
    ((head_row, _, *rows),) = [table for table in tables(name) if head in table[0]]
    return [row[head_row.index(head)] for row in rows]


@pytest.mark.parametrize("name", ["notation", "sources"])
def test_every_row_of_a_table_is_complete(name):
    for table in tables(name):
        assert {len(row) for row in table} == {len(table[0])}, table[0]
        assert all(row[0] for row in table[2:])


def code(cells):
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_keras_of_the_rosetta_table_is_keras():
    """It has every argument of its optimizers' own, every slot, and no other name."""
    keras = keras_check.tensorflow().keras
    arguments, slots = [], set()
    for kind, settings in KINDS.items():
        arguments.append(set(inspect.signature(getattr(keras.optimizers, kind)).parameters))
        optimizer = getattr(keras.optimizers, kind)(**settings)
        optimizer.build([keras.Variable([0.0], name="w")])
        kept = (variable.path.split("/")[-1] for variable in optimizer.variables if variable.ndim)
        slots |= {name.removeprefix("w_") for name in kept}
    own = set().union(*arguments) - set.intersection(*arguments) | {"learning_rate"}
    assert code(column("notation", "Keras")) - set(KINDS) == own | slots


def test_the_symbols_name_what_the_rules_have():
    """The code of the table of symbols is made of names of the rules and of a few others."""
    known = {"w", "beta", "values", "averages", "velocity", "mu", "z", "a", "delta", "sign", "m", "v"}
    for rule in RULES.values():
        known |= {name for part in signature(rule) for name in part}
    assert code(column("notation", "in code")) <= known
    assert {"m", "v", *signature(adam)[1]} <= code(column("notation", "in code"))


def test_a_slip_has_its_correction_and_its_lesson():
    """Each of the five lists; a slip that needs no correction, a letter that changes, still has its place."""
    lists = [table for table in tables("sources") if table[0][0] == "where"]
    assert len(lists) == 5
    for _, _, *rows in lists:
        assert len(rows) >= 10
        for where, slip, _, place in rows:
            assert where and slip
            links = re.findall(r"\]\((\w+\.ipynb)\)", place)
            assert links and all((CHAPTERS / link).is_file() for link in links)
