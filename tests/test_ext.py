"""The book's own extensions of Sphinx."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from myst_nb.core import render
from nbformat.v4 import new_markdown_cell, new_notebook, new_output, writes

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


def build(folder, text):
    """The page that Sphinx makes of a text beside a notebook, which is no page, and what it warns of."""
    (folder / "exercises").mkdir()
    (folder / "exercises/a.ipynb").write_text(writes(new_notebook(cells=[new_markdown_cell("# A task")])))
    (folder / "other.md").write_text("---\norphan: true\n---\n\n# Other\n")
    (folder / "index.md").write_text(f"# A page\n\n{text}\n")
    conf = f"import sys\nsys.path.insert(0, {str(EXT)!r})\nextensions = ['myst_nb', 'downloads']\n"
    (folder / "conf.py").write_text(f"{conf}exclude_patterns = ['exercises']\n")
    command = [sys.executable, "-m", "sphinx", "-q", "--no-color", folder, folder / "html"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return (folder / "html/index.html").read_text(encoding="utf-8"), run.stderr


def test_a_notebook_that_is_no_page_is_offered_for_download(tmp_path):
    page, warnings = build(tmp_path, "[the *homework*](exercises/a.ipynb), [other](other.md)")
    assert warnings == ""
    assert 'download="" href="_downloads/' in page
    assert '/a.ipynb"><span class="xref myst">the <em>homework</em></span></a>' in page
    assert 'href="other.html"' in page
    assert list((tmp_path / "html/_downloads").rglob("a.ipynb"))


def test_a_notebook_that_is_not_there_is_missed(tmp_path):
    page, warnings = build(tmp_path, "[the homework](exercises/b.ipynb)")
    assert "target not found: 'exercises/b.ipynb'" in warnings
    assert "_downloads/" not in page
