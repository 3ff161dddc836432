"""What the book owes: all that its sources teach, a section to every rule, an entry to every citation."""

import ast
import inspect
import json
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from docutils.nodes import make_id
from pybtex.database import parse_file

from tests.rules import RULES
from tests.test_errata import shows

ROOT = Path(__file__).parents[1]
SOURCES = {"M": 45, "S": 27, "H": 36, "A": 22, "C": 72}
ITEMS = {f"{source}-{number:02}" for source, count in SOURCES.items() for number in range(1, count + 1)}
HEADING = re.compile(r"^#+ (.+)\n?", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
EXPLORER = re.compile(r"^explore(_\w+)?\(", re.MULTILINE)
LINK = re.compile(r"\]\([^)]*\)|\{eq\}`[^`]*`")
THOUSANDS = re.compile(r"(?<=\d)(?:,|\\,| (?=000))(?=\d{3}\b)")
WRITTEN = re.compile(r"(?<![\w.^{])(\d+(?:\.\d+)?)(?:\\cdot ?10\^\{(-?\d+)\})?")
PRINTED = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")
CITATION = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")


class Cell(NamedTuple):
    kind: str
    text: str
    printed: str = ""


def cells(path):
    if path.suffix == ".md":
        return [Cell("markdown", path.read_text(encoding="utf-8"))]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [
        Cell(
            cell["cell_type"],
            "".join(cell["source"]),
            "".join("".join(output.get("text", "")) for output in cell.get("outputs", [])),
        )
        for cell in notebook["cells"]
    ]


def pages():
    """The pages of the book, by the last part of their names, as lists of cells."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    files = [next(ROOT.glob(f"{name}.*")) for name in [toc["root"], *chapters]]
    return {file.stem: cells(file) for file in files}


def sections(page):
    """The cells below each heading, up to the next one, by what the heading's address is called."""
    found, name = {}, None
    for cell in page:
        parts = [cell]
        if cell.kind == "markdown":
            text, *rest = HEADING.split(FENCED.sub("", cell.text))
            parts = [Cell("markdown", text)]
            for heading, text in zip(rest[::2], rest[1::2], strict=True):
                found.setdefault(name, []).extend(parts)
                name, parts = make_id(heading), [Cell("markdown", text)]
                assert name not in found, f"two sections {name}"
        found.setdefault(name, []).extend(parts)
    return {f"#{name}": cells for name, cells in found.items() if name}


@pytest.fixture(scope="module")
def book():
    """The cells of each section of the book, by its address."""
    return {
        name + section: cells for name, page in pages().items() for section, cells in sections(page).items()
    }


@pytest.fixture(scope="module")
def coverage():
    return tomllib.loads((ROOT / "tests/coverage.toml").read_text(encoding="utf-8"))


def test_sections_are_found_with_all_that_is_in_them():
    page = [
        Cell("markdown", "# One\ntext\n\n```\n# no heading\n```"),
        Cell("code", "x = 1", "printed"),
        Cell("markdown", 'more\n\n## "Two", β = 0.9?\n'),
        Cell("code", "y = 2"),
    ]
    found = sections(page)
    assert [cell.text for cell in found["#one"]] == ["text\n\n", "x = 1", "more\n\n"]
    assert [cell.text for cell in found["#two-0-9"]] == ["", "y = 2"]
    with pytest.raises(AssertionError, match="two sections one"):
        sections([*page, page[0]])


# The sources


def uncovered(items, book):
    """What is wrong with the map from what the sources teach to the sections that teach it."""
    yield from (f"{item} is missing" for item in sorted(ITEMS - items.keys()))
    yield from (f"{item} is in none of the sources" for item in sorted(items.keys() - ITEMS))
    for item, entry in items.items():
        if not entry.get("what") or entry.keys() not in ({"what", "at"}, {"what", "untaught"}):
            yield f"{item} has to say what it is, and either at which sections it is taught or why it is not"
        if not entry.get("at", entry.get("untaught")):
            yield f"{item} is nowhere"
        dead = [section for section in entry.get("at", []) if section not in book]
        yield from (f"{item}: there is no {section}" for section in dead)


def test_everything_the_sources_teach_is_taught(coverage, book):
    items = {item: entry for item, entry in coverage.items() if item != "rules"}
    assert list(uncovered(items, book)) == []


def test_what_is_not_covered_is_named():
    whole = {item: {"what": "x", "at": ["a#b"]} for item in ITEMS}
    whole["M-01"] = {"what": "a title", "untaught": "a title teaches nothing"}
    assert list(uncovered(whole, {"a#b": []})) == []
    for change, problem in [
        ({"M-46": whole["M-45"]}, "M-46 is in none of the sources"),
        ({"S-09": {"what": "x", "at": ["a#b", "a#c"]}}, "S-09: there is no a#c"),
        ({"S-09": {"what": "x", "at": []}}, "S-09 is nowhere"),
        ({"S-09": {"what": "x", "untaught": ""}}, "S-09 is nowhere"),
        ({"S-09": {"what": "", "at": ["a#b"]}}, "S-09 has to say what it is"),
        ({"S-09": {"what": "x", "at": ["a#b"], "untaught": "y"}}, "S-09 has to say what it is"),
    ]:
        (found,) = uncovered({**whole, **change}, {"a#b": []})
        assert found.startswith(problem)
    del whole["C-72"]
    assert list(uncovered(whole, {"a#b": []})) == ["C-72 is missing"]


# The rules


def shown_in(section):
    """What the code of a section prints, and the names that it uses."""
    nodes = [node for cell in section if cell.kind == "code" for node in ast.walk(ast.parse(cell.text))]
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return "\n".join(cell.printed for cell in section), used


def without_section(rules, book):
    """What is wrong with the map from the rules to the sections that teach them.

    A section prints the lines of the rule or, if it is a variant, runs it at least.
    """
    yield from (f"{rule} has no section" for rule in sorted(RULES.keys() - rules.keys()))
    yield from (f"{rule} is no rule" for rule in sorted(rules.keys() - RULES.keys()))
    for rule in RULES.keys() & rules.keys():
        printed, used = shown_in(book.get(rules[rule], []))
        *_, lines = inspect.getsource(RULES[rule]).split('"""\n')
        variant = any(rule.startswith(f"{other}_") for other in RULES)
        if lines not in printed and not (variant and rule in used):
            yield f"{rule} is not {'run' if variant else 'printed'} in {rules[rule]}"


def test_every_rule_has_a_section(coverage, book):
    assert list(without_section(coverage["rules"], book)) == []


def test_a_rule_without_a_section_is_named():
    texts = "\n".join(map(inspect.getsource, RULES.values()))
    book = {
        "a#whole": [Cell("code", "", texts)],
        "a#use": [Cell("code", "optimizers.adam_paper; adam", inspect.getsource(RULES["adam"])[:-20])],
    }
    whole = dict.fromkeys(RULES, "a#whole")
    assert list(without_section({**whole, "adam_paper": "a#use"}, book)) == []
    for change, problem in [
        ({"sgd": "a#whole"}, "sgd is no rule"),
        ({"adam": "a#part"}, "adam is not printed in a#part"),
        ({"adam": "a#use"}, "adam is not printed in a#use"),
        ({"nadam": "a#use"}, "nadam is not printed in a#use"),
        ({"adam_inside": "a#use"}, "adam_inside is not run in a#use"),
    ]:
        assert list(without_section({**whole, **change}, book)) == [problem]
    del whole["adam"]
    assert list(without_section(whole, book)) == ["adam has no section"]


# The notation


def of_the_course():
    """All that a reader meets: pages, exercises with their solutions, and the docstrings of the library."""
    for pattern in ("*.md", "chapters/*.ipynb", "exercises/**/*.ipynb", "lib/**/*.py"):
        yield from sorted(ROOT.glob(pattern))


def test_epsilon_has_the_glyph_that_the_appendix_on_notation_gives_it():
    assert any(r"| $\varepsilon$ |" in cell.text for cell in cells(ROOT / "chapters/notation.ipynb"))
    other = re.compile(r"\\epsilon(?![a-z])|\N{GREEK LUNATE EPSILON SYMBOL}")
    assert other.search(r"$\epsilon_k$") and not other.search(r"$\varepsilon$, ε")
    texts = {path: path.read_text(encoding="utf-8") for path in of_the_course()}
    assert [path.name for path, text in texts.items() if other.search(text)] == []


# The figures of the prose


def figures(text):
    """The numbers of some prose with a decimal point, a power of ten or three digits and more."""
    for number, power in WRITTEN.findall(THOUSANDS.sub("", LINK.sub("", text))):
        if power or "." in number or len(number) > 2:
            yield f"{number}e{power}" if power else number


def unprinted(text, page):
    """The figures of a text that the cells of its page neither state nor print, to as many digits."""
    code = "\n".join(f"{cell.text}\n{cell.printed}" for cell in page if cell.kind == "code")
    known = {float(number) for number in PRINTED.findall(THOUSANDS.sub("", code))}
    return [figure for figure in figures(text) if not any(shows(value, figure) for value in known)]


def answers(page):
    """What the reader is told below each explorer."""
    for number, cell in enumerate(page):
        if cell.kind == "code" and EXPLORER.search(cell.text):
            yield next(cell.text for cell in page[number:] if cell.kind == "markdown")


@pytest.mark.parametrize("name", [name for name in pages() if name[:2].isdigit()])
def test_what_to_remember_and_what_an_explorer_shows_is_printed_on_the_page(name):
    page = pages()[name]
    remembered = [cell.text for cell in sections(page)["#what-to-remember"] if cell.kind == "markdown"]
    told = [*remembered, *answers(page)]
    assert len(told) > len(remembered)
    assert [figure for text in told for figure in unprinted(text, page)] == []


def test_a_figure_that_no_cell_prints_is_named():
    page = [
        Cell("code", "rate = 0.8\nexplore(rule)", "loss 1.93e-06\n80,000 steps to 0.4237"),
        Cell("markdown", "answer"),
    ]
    text = r"After $80\,000$ steps at 0.8 [it](a.ipynb#b-12.5) is 0.424, $1.9\cdot10^{-6}$; 30 and $10^{-3}$."
    assert unprinted(text, page) == []
    assert unprinted(r"0.425 after 1000, $1.8\cdot10^{-6}$", page) == ["0.425", "1000", "1.8e-6"]
    assert list(answers(page)) == ["answer"]


# The bibliography


def cited(page):
    """The keys a page cites."""
    text = "\n".join(cell.text for cell in page if cell.kind == "markdown")
    return {key.strip() for keys in CITATION.findall(text) for key in keys.split(",")}


def test_every_citation_has_an_entry_and_every_entry_is_cited():
    entries = set(parse_file(ROOT / "references.bib").entries)
    used = set().union(*map(cited, pages().values()))
    assert sorted(used - entries) == []
    assert sorted(entries - used) == []


def test_citations_are_seen():
    page = [
        Cell("markdown", "{cite:t}`a2000one` and {cite:p}`b2001two, c2002three`, {cite}`d`."),
        Cell("code", "{cite}`e`"),
    ]
    assert cited(page) == {"a2000one", "b2001two", "c2002three", "d"}
