"""The code that README and the introduction show runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "intro.md"])
def test_the_python_of_a_page_runs(page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    assert names["path"].shape == (51, 2)


def test_the_readme_names_only_what_is_there():
    house = re.search(r"## The house\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    named = re.findall(r"^(\w+)/ ", house, re.MULTILINE) + re.findall(r"\b[\w.]+\.(?:md|yml|bib|py)\b", house)
    missing = [name for name in named if not ((ROOT / name).exists() or (ROOT / "tests" / name).exists())]
    assert named and not missing


def test_every_target_the_pages_name_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / page).read_text()))
        assert named and named <= targets, page
