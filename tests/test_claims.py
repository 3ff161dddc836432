"""The appendix of claims: what its cells found, and what its prose says that they found."""

import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

NOTEBOOK = nbformat.read(Path(__file__).parents[1] / "chapters/claims.ipynb", as_version=4)
PRINTED = re.compile(r"^(K-\d\d[a-z]?) +.{46} (\w+)", re.MULTILINE)
ENTRY = re.compile(
    r"^\*\*(K-\d\d[a-z]?)\*\* .+?\*\*(\w+)[^*]*\*\*.+\]\(\w+\.ipynb#[\w-]+\)\.$",
    re.MULTILINE,
)
# Numbered from 1 to 63. Two were taken apart, K-19 and K-15, and so was K-37; K-09 has a companion.
LETTERS = {9: ["", "b"], 15: ["a", "b"], 19: ["a", "b"], 37: ["a", "b"]}
CLAIMS = {f"K-{number:02}{letter}" for number in range(1, 64) for letter in LETTERS.get(number, [""])}


@pytest.fixture(scope="module")
def printed():
    outputs = (out for cell in NOTEBOOK.cells if cell.cell_type == "code" for out in cell.outputs)
    return [found for out in outputs for found in PRINTED.findall(out.get("text", ""))]


@pytest.fixture(scope="module")
def told():
    return [
        (claim, verdict.lower())
        for cell in NOTEBOOK.cells
        if cell.cell_type == "markdown"
        for claim, verdict in ENTRY.findall(cell.source)
    ]


def test_every_claim_is_tried_once_and_told_once_with_a_link(printed, told):
    for found in (printed, told):
        assert Counter(claim for claim, _ in found) == dict.fromkeys(CLAIMS, 1)


def test_the_prose_tells_the_verdict_that_the_cell_has_found(printed, told):
    assert dict(told) == dict(printed)
