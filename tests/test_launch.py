"""One click to the running lesson: the address of the repository, its links, and what Binder reads."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import tiny_book
from tools import pins, repository

ROOT = Path(__file__).parents[1]
ADDRESS = "https://github.com/me/my.descent"
SPELLINGS = [
    ADDRESS,
    f"{ADDRESS}/",
    f"{ADDRESS}.git",
    "http://www.github.com/me/my.descent",
    "https://me:token@github.com/me/my.descent.git",
    "git@github.com:me/my.descent.git",
    "ssh://git@github.com/me/my.descent.git",
    "ssh://git@ssh.github.com:443/me/my.descent.git",
]
OTHERS = [
    "",
    "/srv/descent",
    "../github.com/me/descent",
    "https://gitlab.com/me/descent",
    "https://github.com.example.org/me/descent",
    "https://example.org/github.com/me/descent",
    "https://github.com/me",
    f"{ADDRESS}/tree/main",
    'https://github.com/me/descent"',
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_address_is_found_however_git_spells_it(url):
    assert repository.clean(url) == ADDRESS


@pytest.mark.parametrize("url", OTHERS)
def test_no_other_address_is_taken_for_one_on_github(url):
    assert repository.clean(url) is None


CONFIG = """title: A book
repository:
  url: ""
  branch: trunk
other:
  url: ""
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "README.md").write_text("# A book\n\n<!-- links -->\n<!-- /links -->\n\nText.\n")
    return tmp_path


def test_one_command_states_the_address(root):
    assert repository.stated(root) == ("", "trunk")
    assert repository.main([SPELLINGS[5]], root) == 0
    assert repository.stated(root) == (ADDRESS, "trunk")
    assert (root / "_config.yml").read_text() == CONFIG.replace('""', f'"{ADDRESS}"', 1)
    readme = (root / "README.md").read_text()
    assert "(https://me.github.io/my.descent/)" in readme
    assert f"({ADDRESS}/actions/workflows/ci.yml/badge.svg)" in readme
    assert "(https://mybinder.org/v2/gh/me/my.descent/trunk?urlpath=lab/tree/chapters/01_" in readme
    repository.main(["https://github.com/you/you.github.io"], root)
    assert "(https://you.github.io/)" in (root / "README.md").read_text()
    (root / "_config.yml").write_text(CONFIG.replace(' ""', "", 1))
    assert repository.main([], root) == 0
    assert (root / "README.md").read_text() == "# A book\n\n<!-- links -->\n<!-- /links -->\n\nText.\n"


def test_wrong_address_changes_nothing(root, capsys):
    assert repository.main(["https://gitlab.com/me/descent"], root) == 1
    assert "no repository on GitHub: https://gitlab.com/me/descent" in capsys.readouterr().err
    assert (root / "_config.yml").read_text() == CONFIG
    (root / "_config.yml").write_text(CONFIG.replace('""', "https://example.org/a/b", 1))
    assert repository.main([], root) == 1


def test_address_can_be_written_where_it_belongs(root):
    for name in ("_config.yml", "README.md"):
        (root / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert repository.main([ADDRESS], root) == 0
    assert repository.stated(root) == (ADDRESS, "main")
    assert f"{ADDRESS}/actions" in (root / "README.md").read_text(encoding="utf-8")


# The links


@pytest.fixture
def launch(monkeypatch):
    monkeypatch.delenv("DESCENT_REPOSITORY", raising=False)
    spec = importlib.util.spec_from_file_location("launch", ROOT / "_ext/launch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_environment_comes_before_configuration_before_remote(launch, monkeypatch, tmp_path):
    tiny_book.remote(tmp_path, "git@github.com:the/remote.git")
    assert launch.find(tmp_path, "") == "https://github.com/the/remote"
    assert launch.find(tmp_path, "https://github.com/the/setting") == "https://github.com/the/setting"
    monkeypatch.setenv("DESCENT_REPOSITORY", ADDRESS)
    assert launch.find(tmp_path, "https://github.com/the/setting") == ADDRESS
    monkeypatch.setenv("DESCENT_REPOSITORY", "https://example.org/a/b")
    with pytest.raises(launch.ConfigError, match="DESCENT_REPOSITORY"):
        launch.find(tmp_path, "")


def test_no_remote_or_a_local_one_is_no_address(launch, tmp_path):
    (tmp_path / "a").mkdir()
    assert launch.find(tmp_path / "nowhere", "") is None
    tiny_book.remote(tmp_path / "a", str(tmp_path))
    assert launch.find(tmp_path / "a", "") is None


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return tiny_book.write(tmp_path_factory.mktemp("book"))


def outward(page):
    """Where the links of a page lead outside of it, without those of the theme to its makers."""
    found = re.findall(r'href="(https?://[^"]*)"', page)
    return [url for url in found if any(name in url for name in ("github.com", "colab", "mybinder"))]


def test_lessons_and_exercises_have_links_and_without_an_address_none(book):
    """In this order, so that the second build shows that the pages of the first are not kept."""
    colab = "https://colab.research.google.com/github/me/my.descent/blob/trunk"
    binder = "https://mybinder.org/v2/gh/me/my.descent/trunk?urlpath=lab/tree"
    index, lesson = tiny_book.build(book, ADDRESS)
    edit = f"{ADDRESS}/edit/trunk"
    assert set(outward(index)) == {ADDRESS, f"{edit}/index.md"}
    assert set(outward(lesson)) == {ADDRESS, f"{edit}/chapters/a.ipynb"} | {
        f"{place}/{notebook}"
        for place in (colab, binder)
        for notebook in ("chapters/a.ipynb", "exercises/a.ipynb")
    }
    assert lesson.index("</h1>") < lesson.index(f'href="{colab}/chapters/a.ipynb"') < lesson.index("Now do")
    for page in tiny_book.build(book, ""):
        assert outward(page) == [] and "Open in" not in page and "launch" not in page
    assert list((book / "html/_downloads").rglob("a.ipynb"))
    assert (book / "html/_sources/chapters/a.ipynb").exists() and "_sources/chapters/a.ipynb" in page


# Binder


def pinned(name):
    """The packages of a lock: name, version, hashes."""
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.findall(r"^([\w-]+)==(\S+)(.*(?:\n +--hash.*)+)", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^\w", text, re.MULTILINE))
    return {(name, version, *re.findall(r"--hash=(\S+)", rest)) for name, version, rest in entries}


def test_binder_has_the_versions_of_the_lock():
    locked, there = pinned("requirements.lock"), pinned("binder/requirements.txt")
    assert there < locked


def test_binder_has_all_that_the_library_can_use():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = sum(project["optional-dependencies"].values(), project["dependencies"])
    present = {name for name, *_ in pinned("binder/requirements.txt")}
    assert {Requirement(line).name for line in needed} | {"jupyterlab", "tensorflow-cpu"} <= present


def test_binder_is_read_by_repo2docker(tmp_path):
    """What it would do, without doing it: it needs no Docker."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", ROOT]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in said
    assert "RUN ./binder/postBuild" in said
    assert "environment for python=3.11" in said


# Colab


def test_versions_follow_colabs_list():
    requirements = "# a\nnumpy==2.1.3\ntensorflow-cpu==2.20.0; sys_platform == 'linux'\nnbval\n"
    listed = "# b\nNumPy==2.4.0\ntensorflow==2.21.0\ntorch @ https://example.org/torch.whl\n"
    expected = "# a\nnumpy==2.4.0\ntensorflow-cpu==2.21.0; sys_platform == 'linux'\nnbval\n"
    assert pins.update(requirements, listed) == expected
    with pytest.raises(KeyError, match="numpy"):
        pins.update(requirements, "tensorflow==2.21.0")
