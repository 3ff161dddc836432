"""The glossary: complete, in order, and found by the links that lead to it."""

import io
import re
import sys
from pathlib import Path

import pytest
from sphinx.application import Sphinx

from tests.rules import RULES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "glossary.md").read_text(encoding="utf-8")
ENTRIES = re.findall(
    r"^((?:\S.*\n)+)((?:(?:  .*)?\n)+)",
    TEXT.partition("```{glossary}\n")[2],
    re.MULTILINE,
)
TERMS = [term for terms, _ in ENTRIES for term in terms.splitlines()]
LESSON = re.compile(r"\n\n  Lesson: \[[^\]]+\]\((chapters/\w+\.ipynb)\)\.$")


def test_the_terms_are_in_order_and_there_once():
    heads = [terms.splitlines()[0].lower() for terms, _ in ENTRIES]
    assert heads == sorted(heads) and len(heads) > 80
    assert len({term.lower() for term in TERMS}) == len(TERMS)


@pytest.mark.parametrize("terms, rest", ENTRIES, ids=lambda text: text.splitlines()[0])
def test_a_term_has_a_meaning_and_a_lesson(terms, rest):
    """One paragraph of one or two sentences, then the link."""
    found = LESSON.search(rest.rstrip())
    assert found and (ROOT / found[1]).is_file()
    meaning = rest[: found.start()]
    assert meaning.endswith(".") and len(re.findall(r"\.(?=\s|$)", meaning)) <= 2
    assert "\n\n" not in meaning


@pytest.mark.parametrize("rule", [name for name in RULES if not any(name.startswith(f"{o}_") for o in RULES)])
def test_every_family_of_rules_has_a_term(rule):
    assert any(term.lower().startswith(rule.replace("_", " ")) for term in TERMS)


@pytest.mark.parametrize(("name", "warns"), [("term-learning-rate", False), ("term-taste", True)])
def test_a_link_to_a_term_is_checked(tmp_path, monkeypatch, name, warns):
    """By MyST, which knows a page's headings only, if it is told of the terms."""
    monkeypatch.syspath_prepend(ROOT / "_ext")
    monkeypatch.delitem(sys.modules, "terms", raising=False)
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser', 'terms']")
    (tmp_path / "glossary.md").write_text("# G\n\n```{glossary}\nlearning rate\n  A factor.\n```\n")
    (tmp_path / "index.md").write_text(
        f"# I\n\nThe [rate](glossary.md#{name}).\n\n```{{toctree}}\nglossary\n```\n"
    )
    warning = io.StringIO()
    folders = [str(tmp_path / name) for name in ("", "", "out", "doctrees")]
    app = Sphinx(*folders, "html", status=None, warning=warning, freshenv=True)
    app.build()
    assert bool(warning.getvalue()) == warns, warning.getvalue()
    assert f'href="glossary.html#{name}"' in (tmp_path / "out" / "index.html").read_text()
