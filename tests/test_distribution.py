"""The distribution: it holds the whole library, and in an empty environment elsewhere it works."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLAIN = """
import importlib.util
import lib
from lib import data, memory, network, optimizers, surfaces, trace
for package in ("matplotlib", "anywidget", "pint", "tensorflow"):
    assert importlib.util.find_spec(package) is None
path = trace(optimizers.adam, surfaces.ravine.gradient, (0.1, 3.5), 50, learning_rate=0.1)
print(lib.__file__, path.shape, len(data.digits()[0]), len(data.temperatures()[0]), sep="\\n")
"""
WHOLE = """
import importlib, pkgutil
import lib
from lib import explorer, optimizers, plots, surfaces, units
for module in pkgutil.walk_packages(lib.__path__, "lib."):
    if ".engine" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
drawn = explorer.explore([optimizers.adam], surfaces.ravine, steps=3)
assert "export default" in drawn._esm and drawn._css and drawn.picture.startswith("<svg")
assert plots.show(plots.contours(surfaces.ravine))._repr_png_()
print(lib.__file__, units.quantity(2.0, "m"), sep="\\n")
"""


def uv(*arguments):
    subprocess.run([sys.executable, "-m", "uv", *arguments, "--quiet"], check=True, cwd=ROOT)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from the source distribution, which is built from the repository."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    assert list(folder.glob("*.tar.gz"))
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture
def run(wheel, tmp_path):
    """`run(extras, code)`: what code prints in a new environment with the wheel and what it asks for."""

    def go(extras, code):
        python = tmp_path / "empty/bin/python"
        uv("venv", "--python", sys.executable, tmp_path / "empty")
        uv("pip", "install", "--python", python, "--constraint", "requirements.lock", f"{wheel}{extras}")
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [python, "-W", "error", "-c", code]
        printed = subprocess.run(
            command, cwd=tmp_path, env=env, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        where, *lines = printed.splitlines()
        assert Path(where).is_relative_to(tmp_path / "empty")
        return lines

    return go


def test_wheel_holds_all_files_of_the_library(wheel):
    listed = subprocess.run(["git", "ls-files", "lib"], cwd=ROOT, capture_output=True, check=True, text=True)
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("lib/")}
    assert set(listed.stdout.split()) <= held
    assert {"lib/datasets/digits.csv", "lib/explorer/widget.js", "lib/explorer/engine/worker.js"} <= held


def test_wheel_needs_numpy_alone(run):
    assert run("", PLAIN) == ["(51, 2)", "1797", "1461"]


def test_wheel_with_its_extras_draws_explores_and_checks_units(run):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].keys() - {"keras"}  # large, and loaded by the check alone
    assert run(f"[{','.join(extras)}]", WHOLE) == ["2.0 m"]
