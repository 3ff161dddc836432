"""The stored form of notebooks: tools/notebooks.py, and what nbval and the book make of it."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks

ROOT = Path(__file__).parent.parent
WIDGET = "application/vnd.jupyter.widget-view+json"
FIGURE = """\
class Figure:
    def __repr__(self):
        return "A \\"small\\" square."

    def _repr_svg_(self):
        return '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'

Figure()"""
TEXT = 'A "small" square.'


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.setattr(notebooks.repository, "stated", lambda: ("", "main"))


def result(text, **rest):
    return new_output("execute_result", {"text/plain": text}, **rest)


def drawn(text=TEXT, mime="image/svg+xml"):
    output = new_output("execute_result", {"text/plain": text, mime: "..."})
    return new_code_cell(FIGURE, id="figure", outputs=[output])


def raw(*cells):
    return notebooks.write(new_notebook(cells=cells))


def stored(*cells):
    return notebooks.write(notebooks.normalize(notebooks.read(raw(*cells))))


def edited(text, change):
    content = json.loads(text)
    change(content)
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_the_stored_form_has_no_problems_and_stays_as_it_is():
    text = stored(new_markdown_cell("# β"), new_code_cell("1", outputs=[result("1")]), drawn())
    assert list(notebooks.problems(text)) == []
    assert notebooks.write(notebooks.normalize(notebooks.read(text))) == text
    assert "β" in text
    assert text.endswith("}\n")


def test_ids_are_readable_and_existing_ones_stay():
    cells = [new_markdown_cell("a"), new_code_cell("b"), new_code_cell("c", id="code-2"), new_code_cell("d")]
    for cell in (cells[0], cells[1], cells[3]):
        del cell["id"]
    notebook = new_notebook()
    notebook.cells = cells
    notebooks.normalize(notebook)
    assert [cell.id for cell in notebook.cells] == ["markdown-1", "code-3", "code-2", "code-4"]


def test_only_what_is_stable_is_stored():
    cell = new_code_cell(
        "print(1)",
        execution_count=7,
        metadata={"tags": ["hide-input"], "mystnb": {"figure": {"name": "f"}}, "collapsed": True},
        outputs=[
            new_output("stream", name="stdout", text="1\n"),
            new_output("display_data", {WIDGET: {}, "text/plain": "Widget"}),
            new_output("display_data", {"image/png": "..."}),
            new_output("stream", name="stdout", text="2\n"),
            result("3", execution_count=7, metadata={"scrolled": True}),
        ],
    )
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}, "authors": []})
    notebook.nbformat_minor = 4
    notebooks.normalize(notebook)
    assert notebook.nbformat_minor == 5
    assert notebook.metadata == notebooks.NOTEBOOK_METADATA
    assert cell.metadata.tags == ["hide-input"]
    assert cell.metadata.mystnb.figure == {"name": "f"}
    assert "collapsed" not in cell.metadata
    assert cell.execution_count == 1
    printed, widget, value = cell.outputs
    assert printed.text == "1\n2\n"
    assert widget.data == {"text/plain": "Widget"}
    assert (value.execution_count, value.metadata) == (1, {})


@pytest.mark.parametrize("mime", ["image/png", "image/svg+xml"])
def test_the_text_of_a_figure_becomes_its_alternative(mime):
    cell = notebooks.read(stored(drawn(mime=mime))).cells[0]
    assert notebooks.alternative(cell) == TEXT
    assert cell.outputs[0].data == {"text/plain": TEXT}


def test_two_figures_in_a_cell_are_refused_and_the_file_stays(tmp_path, capsys):
    cell = drawn()
    cell.outputs.append(cell.outputs[0])
    path = tmp_path / "two.ipynb"
    path.write_text(raw(cell), encoding="utf-8")
    assert notebooks.main(["fix", str(path)])
    assert "2 figures" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == raw(cell)


def set_alternative(alt):
    def change(content):
        content["cells"][0]["metadata"]["mystnb"]["image"]["alt"] = alt

    return change


ERROR = new_output("error", ename="ValueError", evalue="no", traceback=[])
STDERR = new_output("stream", name="stderr", text="careful\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (raw(drawn()), "not in the stored form"),
        (stored(drawn()).rstrip(), "not in the stored form"),
        (stored(drawn()).replace('count": 1', 'count": null'), "not in the stored form"),
        (stored(new_code_cell("1"), new_code_cell("2")), "no stored outputs"),
        (stored(new_code_cell("1", outputs=[result("1"), ERROR])), "an error is stored"),
        (stored(new_code_cell("1", outputs=[result("1"), STDERR])), "text on stderr"),
        (edited(stored(drawn()), set_alternative("A circle.")), "not the text of an output"),
        (stored(drawn("<Figure size 640x480 with 1 Axes>")), "has no text alternative"),
        (stored(drawn("")), "has no text alternative"),
        (stored(new_markdown_cell(id="x"), new_markdown_cell(id="y")).replace('"y"', '"x"'), "Non-unique"),
        (stored(drawn()).replace('"source"', '"sauce"'), "'sauce' was unexpected"),
        (stored(drawn()).replace('"outputs"', '"output"'), "not a valid notebook"),
        ("[]", "not a valid notebook"),
        ('{"nbformat": 3}', "only format 4"),
        ("[", "Expecting value"),
    ],
)
def test_each_problem_is_named(text, problem):
    assert problem in "\n".join(notebooks.problems(text))


def test_check_finds_notebooks_in_folders_and_changes_nothing(tmp_path, capsys):
    (tmp_path / "chapters/.ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "chapters/.ipynb_checkpoints/a.ipynb").write_text("[")
    path = tmp_path / "chapters/a.ipynb"
    path.write_text(raw(drawn()), encoding="utf-8")
    assert notebooks.main(["check", str(tmp_path)])
    assert capsys.readouterr().err == f"{path}: not in the stored form (make notebooks)\n"
    assert path.read_text(encoding="utf-8") == raw(drawn())
    path.write_text(stored(drawn()), encoding="utf-8")
    assert notebooks.main(["check", str(tmp_path)])
    assert "not the one that installs the library" in capsys.readouterr().err
    assert not notebooks.main(["fix", str(tmp_path)])
    assert not notebooks.main(["check", str(tmp_path)])


def test_run_executes_and_forgets_the_text_of_a_figure_that_is_gone(tmp_path):
    path = tmp_path / "a.ipynb"
    gone = new_code_cell("2 + 2", metadata={"mystnb": {"image": {"alt": "A circle."}}})
    path.write_text(raw(new_code_cell(FIGURE), gone), encoding="utf-8")
    assert not notebooks.main(["run", str(path)])
    _, figure, number = nbformat.read(path, as_version=4).cells
    assert notebooks.alternative(figure) == figure.outputs[0].data["text/plain"] == TEXT
    assert notebooks.alternative(number) is None
    assert number.outputs[0].data == {"text/plain": "4"}


def test_every_notebook_begins_with_what_installs_the_library(tmp_path):
    """No other cell changes when it comes; where the library is, it does and says nothing."""
    path = tmp_path / "a.ipynb"
    before = stored(new_markdown_cell("# A"), new_code_cell("1", id="one", outputs=[result("1")]))
    path.write_text(before, encoding="utf-8")
    assert not notebooks.main(["run", str(path)])
    title, first, one = nbformat.read(path, as_version=4).cells
    assert [title, one] == nbformat.reads(before, as_version=4).cells
    assert first == notebooks.install_cell("") and first.metadata.tags == ["remove-cell"]
    text = path.read_text(encoding="utf-8")
    assert not notebooks.main(["fix", str(path)])
    assert path.read_text(encoding="utf-8") == text
    path.write_text(stored(new_markdown_cell("# No code")), encoding="utf-8")
    notebooks.main(["fix", str(path)])
    assert len(nbformat.read(path, as_version=4).cells) == 1


def test_another_address_or_place_of_that_cell_is_a_problem():
    here, there = "https://github.com/me/descent", "https://github.com/you/descent"
    code, install = new_code_cell("1", outputs=[result("1")]), notebooks.install_cell(here)
    assert list(notebooks.install_problems(stored(install, code), here)) == []
    assert len(list(notebooks.install_problems(stored(install, code), there))) == 1
    assert len(list(notebooks.install_problems(stored(code, install), here))) == 1
    printed = new_output("stream", name="stdout", text="Collecting")
    noisy = notebooks.install_cell(here)
    noisy.outputs = [printed]
    assert len(list(notebooks.install_problems(stored(noisy, code), here))) == 1
    moved = notebooks.install(notebooks.read(stored(code, install)), there)
    assert [cell.id for cell in moved.cells] == ["install", code.id]
    assert there in moved.cells[0].source


def test_the_installing_cell_imports_nothing_more_where_the_library_is():
    names = {}
    exec(notebooks.INSTALL_SOURCE.format(address=""), names)
    assert names.keys() - {"__builtins__"} == {"importlib"} and names["importlib"].util is importlib.util


def test_a_failing_cell_is_reported(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    path.write_text(raw(new_code_cell("1 / 0")), encoding="utf-8")
    assert notebooks.main(["run", str(path)])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_nbval_compares_the_text_of_a_figure_and_demands_its_alternative(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    good = stored(drawn())

    def drop_alternative(content):
        content["cells"][0]["metadata"] = {}

    (tmp_path / "good.ipynb").write_text(good)
    (tmp_path / "text.ipynb").write_text(stored(drawn("A circle.")))
    (tmp_path / "alternative.ipynb").write_text(edited(good, drop_alternative))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rA", "--color=no", tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "PASSED good.ipynb::Cell 0" in run.stdout
    assert "FAILED text.ipynb::Cell 0" in run.stdout
    assert "FAILED alternative.ipynb::Cell 0" in run.stdout
    assert "mismatch 'text/plain'" in run.stdout
    assert "a figure without its text alternative" in run.stdout


def test_nbval_stops_a_notebook_that_takes_too_long(tmp_path):
    hooks = (ROOT / "conftest.py").read_text()
    assert "\nSECONDS = 60\n" in hooks
    (tmp_path / "conftest.py").write_text(hooks.replace("SECONDS = 60", "SECONDS = 3"))
    wait, work = "import time\ntime.sleep(3)", "while time.process_time() < 4:\n    pass"
    (tmp_path / "a.ipynb").write_text(stored(new_code_cell(wait, id="a"), new_code_cell(work, id="b")))
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-rA", "--color=no"]
    run = subprocess.run([*command, tmp_path], capture_output=True, text=True, cwd=tmp_path)
    assert "PASSED a.ipynb::Cell 0" in run.stdout
    assert "FAILED a.ipynb::Cell 1" in run.stdout
    assert "the notebook has taken more than 3 seconds" in run.stdout


WIDGETS = """\
import ipywidgets
from IPython.display import display
display(ipywidgets.IntSlider(7))
print("one")
print("two")"""


def test_what_nbval_executes_is_kept_for_the_book(tmp_path):
    """As nbclient would have written it, and only if every cell passes."""
    good, bad = (
        notebooks.read(raw(new_code_cell(source), new_code_cell(FIGURE))) for source in (WIDGETS, "1 / 0")
    )
    nbformat.write(good, tmp_path / "good.ipynb")
    nbformat.write(bad, tmp_path / "bad.ipynb")
    options = ["--nbval-lax", "--nbval-current-env", "-p", "tools.executed", "-W", "error"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "1 failed, 3 passed" in run.stdout
    assert run.stderr == ""  # from Python 3.13 on a database that was not closed is an error
    cache = get_cache(tmp_path / "_build/.jupyter_cache")
    with pytest.raises(KeyError):
        cache.match_cache_notebook(bad)
    _, kept = cache.merge_match_into_notebook(good)
    cache.db.dispose()
    (widget, *streams), (figure,) = (cell.outputs for cell in kept.cells)
    states = kept.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert states[widget.data[WIDGET]["model_id"]]["state"]["value"] == 7
    assert "".join(stream.text for stream in streams) == "one\ntwo\n"
    assert figure.data["text/plain"] == TEXT and figure.data["image/svg+xml"].startswith("<svg")
    assert kept.metadata.language_info.pygments_lexer == "ipython3"


def test_the_alternative_reaches_the_page(tmp_path):
    (tmp_path / "conf.py").write_text("extensions = ['myst_nb']\nnb_execution_mode = 'force'\n")
    (tmp_path / "index.ipynb").write_text(stored(new_markdown_cell("# A page"), drawn()))
    subprocess.run([sys.executable, "-m", "sphinx", "-qW", tmp_path, tmp_path / "html"], check=True)
    assert 'alt="A &quot;small&quot; square."' in (tmp_path / "html/index.html").read_text(encoding="utf-8")
