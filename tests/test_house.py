"""The house: which way imports point, what importing costs, and what every rule and function owes its reader.

Each check here is a function that lists what is wrong; a test beside it shows that it does.
"""

import ast
import graphlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import lib
from lib import paths
from lib.paths import signature
from tests.rules import RULES
from tools import notebooks

ROOT = Path(__file__).parent.parent
SOURCES = {
    path.relative_to(ROOT / "lib").with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "lib").rglob("*.py"))
    if "engine" not in path.parts  # it runs on the page only, under the names of what it stands in for
}
# The core, which also runs inside the static page, and what of the library each file may import.
CORE = {"averages": set(), "optimizers": {"averages"}, "paths": set(), "schedules": set(), "surfaces": set()}
# Who may import a package; NumPy is for all.
ONLY = {
    "matplotlib": {"plots"},
    "PIL": {"plots"},
    "tensorflow": {"keras_check"},
    "pint": {"units"},
    "scipy": {"units"},  # which pint loads where it finds it
    "anywidget": {"explorer"},
    "ipywidgets": {"explorer"},  # which anywidget loads, and IPython with it
    "IPython": {"explorer"},
    "traitlets": {"explorer"},
    "contourpy": {"explorer"},
    "dask": {"homework"},  # whose settings distributed reads
    "distributed": {"homework"},
    "jinja2": {"homework"},
    "jupyter_client": {"homework"},
    "nbval": {"homework"},
    "pytest": {"homework"},
    "tqdm": {"homework"},
    "zmq": {"homework"},
}

every_module = pytest.mark.parametrize("module", SOURCES)
every_core_module = pytest.mark.parametrize("module", CORE)
every_rule = pytest.mark.parametrize("name", RULES)


# Imports


def imported(source):
    """The dotted names a source imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(source):
    """The modules of the library a source imports."""
    parts = [name.split(".") for name in imported(source)]
    return {part[1] for part in parts if part[0] == "lib" and len(part) > 1}


def imported_packages(source):
    return {name.split(".")[0] for name in imported(source)} - {"lib"}


def test_imports_are_seen_wherever_they_are():
    source = (
        "import os.path\nfrom lib.averages import ewma\ndef f():\n    from lib import paths\n    import pint"
    )
    assert imported_modules(source) == {"averages", "paths"}
    assert imported_packages(source) == {"os", "pint"}


@every_core_module
def test_the_core_imports_only_downward(module):
    assert imported_modules(SOURCES[module]) <= CORE[module]


def test_no_module_imports_what_imports_it():
    arrows = {module: imported_modules(source) for module, source in SOURCES.items() if module != "__init__"}
    assert list(graphlib.TopologicalSorter(arrows).static_order())
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({**arrows, "averages": {"optimizers"}}).prepare()


def test_the_front_door_opens_on_the_core_and_nothing_else():
    assert imported_modules(SOURCES["__init__"]) == set(CORE)
    assert all(hasattr(lib, name) for name in lib.__all__)
    assert {"optimizers", "surfaces", "trace", "sweep", "ewma", "debias"} <= set(lib.__all__)


@every_module
def test_heavy_packages_have_one_door_each(module):
    third_party = imported_packages(SOURCES[module]) - sys.stdlib_module_names - {"numpy"}
    for package in third_party:
        assert module.split("/")[0] in ONLY.get(package, ()), package


def test_the_network_stands_on_paths_and_what_is_counted_alone():
    assert imported_modules(SOURCES["network"]) == {"memory", "paths"}


@every_core_module
def test_the_core_needs_numpy_and_signatures(module):
    allowed = {"numpy", "inspect", "collections"} if module == "paths" else {"numpy"}
    assert imported_packages(SOURCES[module]) <= allowed


# What an import does and loads, in a process of its own. The hook sees files, sockets and processes.
WATCH = """\
import sys
import numpy
before = numpy.random.get_state()[1].tobytes()

def watch(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        print("opens", arguments[0], "to write")
    if event.startswith(("socket.", "subprocess.", "os.system", "urllib.")):
        print(event)

sys.addaudithook(watch)
import {module}
if numpy.random.get_state()[1].tobytes() != before:
    print("changes the global random state")
print(*sys.modules, file=sys.stderr)
"""
HEAVY = {"matplotlib", "ipywidgets", "anywidget", "IPython", "tensorflow", "keras", "pint", "pandas", "scipy"}


def importing(module, folder):
    """What importing a module does, line by line, and the names of all modules then loaded."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", WATCH.format(module=module)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
    )
    assert run.returncode == 0, run.stderr
    *said, loaded = run.stderr.splitlines()
    return run.stdout.splitlines() + said, set(loaded.split())


def test_importing_the_library_does_nothing_and_loads_nothing_heavy(tmp_path):
    done, loaded = importing("lib", tmp_path)
    assert done == []
    assert list(tmp_path.iterdir()) == []
    assert loaded & HEAVY == set()
    assert {f"lib.{module}" for module in CORE} <= loaded


@pytest.mark.parametrize("module", sorted(SOURCES.keys() - CORE.keys() - {"__init__"}))
def test_importing_a_module_loads_nothing_heavy_but_its_own(module, tmp_path):
    own = {package for package in HEAVY if module.split("/")[0] in ONLY.get(package, ())} - {"tensorflow"}
    _, loaded = importing(f"lib.{module.removesuffix('/__init__').replace('/', '.')}", tmp_path)
    assert loaded & HEAVY == own
    assert "matplotlib.pyplot" not in loaded


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import json", []),
        ("open('a', 'w').close()", ["opens a to write"]),
        ("import numpy\nnumpy.random.seed(3)  # noqa: NPY002", ["changes the global random state"]),
        ("import subprocess\nsubprocess.run(['true'])", ["subprocess.Popen"]),
        ("import warnings\nwarnings.warn('x')", ["  warnings.warn('x')"]),
    ],
)
def test_what_an_import_does_is_seen(source, seen, tmp_path):
    (tmp_path / "busy.py").write_text(source)
    done, loaded = importing("busy", tmp_path)
    assert done[-1:] == seen
    assert "busy" in loaded
    assert "lib" not in loaded


# The engine of the page


def unknown_to_the_engine(source):
    """The lines of a source that MicroPython refuses or silently gets wrong, with what is on them."""
    for node in ast.walk(ast.parse(source)):
        what = None
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            what = ", ".join(names & {"dataclasses", "enum", "NamedTuple"})
        elif isinstance(node, ast.Match):
            what = "match"
        elif isinstance(node, ast.arguments) and node.posonlyargs:
            what, node = "a positional-only argument", node.posonlyargs[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "zip" and node.keywords:
                what = "zip(strict=)"
            elif node.func.id == "round" and len(node.args) > 1:
                what = "round to digits"
        elif isinstance(node, ast.Dict) and None in node.keys:
            what = "** in a display"
        elif isinstance(node, (ast.List, ast.Set, ast.Tuple)):
            if not isinstance(getattr(node, "ctx", ast.Load()), ast.Store):
                what = "* in a display" if any(isinstance(part, ast.Starred) for part in node.elts) else None
        elif isinstance(node, ast.FunctionDef) and node.name == "__init_subclass__":
            what = node.name
        if what:
            yield f"line {node.lineno}: {what}"


@every_core_module
def test_the_core_is_written_in_the_engines_python(module):
    assert list(unknown_to_the_engine(SOURCES[module])) == []


@pytest.mark.parametrize(
    "line",
    [
        "import enum",
        "from dataclasses import dataclass",
        "from typing import NamedTuple",
        "def f(a, /): pass",
        "zip(a, b, strict=True)",
        "round(2.675, 2)",
        "x = {**a, 'b': 1}",
        "x = ['a', *b]",
        "x = (1, *b)",
        "x = {*b}",
        "x = a[:, *b]",
        "match a:\n    case 1: pass",
        "class A:\n    def __init_subclass__(cls): pass",
    ],
)
def test_what_the_engine_does_not_know_is_seen(line):
    assert len(list(unknown_to_the_engine(line))) == 1


@pytest.mark.parametrize(
    "line", ["w, *state = rule(*state, **settings)", "zip(a, b)", "round(2.5)", "if (n := 3): pass"]
)
def test_what_the_engine_knows_may_be_used(line):
    assert list(unknown_to_the_engine(line)) == []


# Rules


@every_rule
def test_a_rules_signature_keeps_the_contract(name):
    parameters = list(inspect.signature(RULES[name]).parameters.values())
    assert [p.name for p in parameters[:3]] == ["w", "gradient", "t"]
    assert all(p.default is p.empty for p in parameters[:3])
    assert {p.kind for p in parameters} <= {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }
    state, hyperparameters = signature(RULES[name])
    assert all(start is None or type(start) is float for start in state.values())
    assert hyperparameters
    for key, default in hyperparameters.items():
        if key in paths.FUNCTIONS:
            assert default is inspect.Parameter.empty
        else:
            low, high = paths.LIMITS[key]
            assert type(default) is float
            assert low <= default < high


def test_every_limit_is_some_rules():
    known = {key for rule in RULES.values() for key in signature(rule)[1]}
    assert {*paths.LIMITS, *paths.FUNCTIONS} == known


def docstring_problems(docstring, state, plain):
    """What a rule's docstring lacks: a sentence; state; departures; source, in this order."""
    summary, _, rest = docstring.partition("\n\n")
    if not summary.endswith(".") or summary != summary.strip():
        yield "a first sentence"
    where = [re.search(rf"\b{word}", rest) for word in ("State(: | as in `)", "Departs from `", "Source: ")]
    found = [match.start() for match in where if match]
    if found != sorted(found):
        yield "the order of state, departures and source"
    if not where[0]:
        yield "its state"
    if not where[2]:
        yield "its source"
    if plain and "Keras" not in rest:
        yield "its Keras twin"
    described = docstring
    for other in re.findall(r"(?:State|`v`) as in `(\w+)`", docstring):
        described += RULES[other].__doc__
    for part in state:
        if f"`{part}`" not in described:
            yield f"the state {part}"
    for other in re.findall(r"Departs from `(\w+)`", docstring):
        if other not in RULES:
            yield f"a rule it departs from, {other} is none"


def is_plain(name):
    """Of a family of rules, the one that equals Keras; the longer names are the variants."""
    return not any(name != other and name.startswith(f"{other}_") for other in RULES)


@every_rule
def test_a_rules_docstring_is_complete_and_in_order(name):
    docstring = inspect.getdoc(RULES[name])
    assert list(docstring_problems(docstring, signature(RULES[name])[0], is_plain(name))) == []
    if not is_plain(name) and name != "adadelta_zeiler":  # the publication, from which adadelta departs
        assert "Departs from `" in docstring


def test_what_a_docstring_lacks_is_named():
    good = "Do it.\n\nState: `v`. Equals Keras `It`.\nDeparts from `adam`: a bit.\nSource: Me (2000)."
    assert list(docstring_problems(good, ["v"], True)) == []
    for bad, lack in [
        (good.replace("Do it.", "Do it"), "a first sentence"),
        (good.replace("State: ", ""), "its state"),
        (good.replace("`v`", "v"), "the state v"),
        (good.replace("Source: Me (2000).", ""), "its source"),
        (good.replace("Keras", "PyTorch"), "its Keras twin"),
        (good.replace("adam", "eve"), "a rule it departs from, eve is none"),
        ("Do it.\n\nSource: Me.\nState: `v`. Keras.", "the order of state, departures and source"),
    ]:
        assert list(docstring_problems(bad, ["v"], True)) == [lack]


def undocumented(source):
    """The public functions, classes and methods of a source that say nothing of themselves."""
    tree = ast.parse(source)
    if not ast.get_docstring(tree):
        yield "the module"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for scope in [tree, *classes]:
        for node in scope.body:
            named = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
            if named and not ast.get_docstring(node):
                yield node.name


@every_module
def test_everything_public_is_documented(module):
    assert list(undocumented(SOURCES[module])) == []


def test_what_is_undocumented_is_seen():
    source = "def f(): pass\ndef _g(): pass\nclass A:\n    '''A.'''\n    def m(self): pass\n"
    assert list(undocumented(source)) == ["the module", "f", "m"]


# The repository


def test_notebooks_are_stored_with_what_they_print():
    folders = ("chapters", "exercises/solutions")
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.ipynb"))
    found = [path for path in found if ".ipynb_checkpoints" not in path.parts]
    assert found
    empty = [
        path.name
        for path in found
        if "no stored outputs (make notebooks)" in notebooks.problems(path.read_text(encoding="utf-8"))
    ]
    assert empty == []


HOME = re.compile(r"/(?:home|Users|root)/\w|\b[A-Z]:\\+Users")


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in names.stdout.split("\0") if name]


def test_no_file_holds_a_path_of_somebodys_machine():
    assert HOME.search("see /ho" + "me/ada/notes") and HOME.search("C:\\Us" + "ers\\ada")
    text = {path: path.read_bytes().decode("utf-8", errors="ignore") for path in tracked() if path.is_file()}
    assert [str(path) for path in text if HOME.search(text[path])] == []


def test_make_changes_no_environment_but_its_own():
    """uv takes the active one, of whoever calls make, if it is not told which."""
    command = ["make", "--dry-run", "--always-make", ".venv/bin/ready", "colab", "oldest"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    changes = [line for line in said.splitlines() if re.search(r"/uv (venv|pip (sync|install)) ", line)]
    assert len(changes) > 5
    assert [line for line in changes if "--python " not in line] == []


def test_the_oldest_versions_that_are_claimed_are_those_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    claimed = sum(project["optional-dependencies"].values(), project["dependencies"])
    lock = (ROOT / "tests/oldest/requirements.lock").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([\w-]+)==([\w.]+)", lock, re.MULTILINE))
    assert len(claimed) > 5
    for requirement in map(Requirement, claimed):
        version = next(iter(requirement.specifier)).version
        assert str(requirement.specifier) == f">={version}"
        assert Version(tested[requirement.name]) == Version(version), requirement.name
