"""The book's own extensions of Sphinx."""

import importlib.util
from pathlib import Path

import pytest
from myst_nb.core import render
from nbformat.v4 import new_output

EXT = Path(__file__).parents[1] / "_ext"


@pytest.fixture
def streams(monkeypatch):
    monkeypatch.setattr(render, "coalesce_streams", render.coalesce_streams)
    spec = importlib.util.spec_from_file_location("streams", EXT / "streams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.setup(None)
    return render.coalesce_streams


@pytest.mark.parametrize(
    "pieces", [("one\ntwo\n",), ("one", "\ntwo\n"), ("on", "e\n", "two"), ("one\n\n", "two\n")]
)
def test_print_is_shown_as_it_was_printed_however_it_came(streams, pieces):
    outputs = [new_output("stream", name="stdout", text=piece) for piece in pieces]
    outputs.insert(1, new_output("display_data", {"text/plain": "a picture"}))
    printed, picture = streams(outputs)
    assert printed["text"].rstrip() == "".join(pieces).rstrip()
    assert picture["data"] == {"text/plain": "a picture"}
