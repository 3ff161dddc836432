"""The library on Colab's versions: it comes with the first cell of a notebook, and the explorer answers."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

from tools import notebooks, pins

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "_build/colab/bin/python"
PINS = dict(pins.PIN.findall(pins.REQUIREMENTS.read_text(encoding="utf-8")))
MISSING_THERE = {"descent-optimizers", "flexcache", "flexparser", "pint"}
VERSIONS = """import IPython, anywidget, ipywidgets
print(IPython.__version__, anywidget.__version__, ipywidgets.__version__)"""
DRAW = """from lib import optimizers, surfaces
from lib.explorer import explore
def my_rule(w, gradient, t, *, learning_rate=0.1):
    return (w - learning_rate * gradient(w),)
explore([my_rule, optimizers.adam], surfaces.ravine, steps=3)"""


class Kernel:
    def __init__(self, client):
        self.client = client

    def run(self, code):
        """All that the kernel publishes while it runs a cell."""
        return self.published(self.client.execute(code))

    def ask(self, model, request):
        """What a widget's JavaScript hears from the kernel when it sends a request."""
        data = {"comm_id": model, "data": {"method": "custom", "content": request}}
        message = self.client.session.msg("comm_msg", data)
        self.client.shell_channel.send(message)
        heard = contents(self.published(message["header"]["msg_id"]), "comm_msg")
        return [one["data"]["content"] for one in heard if one["data"]["method"] == "custom"]

    def published(self, parent):
        messages = []
        while not messages or messages[-1]["content"].get("execution_state") != "idle":
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") == parent:
                assert message["msg_type"] != "error", message["content"]["traceback"]
                messages.append(message)
        return messages


def run(*arguments, folder):
    """What Python says in that environment, without this repository."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [PYTHON, *arguments]
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def packages(folder):
    listed = json.loads(run("-m", "pip", "list", "--format=json", folder=folder))
    return {package["name"].lower(): package["version"] for package in listed}


def archive(folder, change=lambda text: text):
    """Put the repository, its pyproject.toml changed, where the cell looks for it, as GitHub packs it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    (folder / "archive").mkdir()
    with zipfile.ZipFile(folder / "archive/HEAD.zip", "w") as packed:
        for name in filter(None, names.stdout.split("\0")):
            data = (ROOT / name).read_bytes()
            packed.writestr(
                f"descent-HEAD/{name}", change(data.decode()) if name == "pyproject.toml" else data
            )


def first_cell(folder):
    return run("-c", notebooks.INSTALL_SOURCE.format(address=folder.as_uri()), folder=folder)


def fresh(tmp_path_factory):
    """A folder elsewhere, where the library is not installed."""
    assert PYTHON.exists(), "there is no such environment: make colab"
    folder = tmp_path_factory.mktemp("elsewhere")
    run("-m", "pip", "uninstall", "--yes", "--quiet", *MISSING_THERE, folder=folder)
    return folder


def test_first_cell_fails_before_it_changes_a_package(tmp_path_factory):
    elsewhere = fresh(tmp_path_factory)
    before = packages(elsewhere)
    assert before["numpy"] == PINS["numpy"]
    archive(elsewhere, lambda text: text.replace("numpy>=2.0", f"numpy>{PINS['numpy']}"))
    with pytest.raises(subprocess.CalledProcessError) as failed:
        first_cell(elsewhere)
    assert "ERROR: " in failed.value.stderr
    assert packages(elsewhere) == before


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder elsewhere, and the packages before and after the first cell of a notebook has run there."""
    folder = fresh(tmp_path_factory)
    archive(folder)
    before = packages(folder)
    assert "No broken" in run("-m", "pip", "check", folder=folder)
    assert first_cell(folder) == ""
    return folder, before, packages(folder)


def test_first_cell_brings_what_is_missing_and_changes_nothing(installed):
    folder, before, after = installed
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == MISSING_THERE
    assert "No broken" in run("-m", "pip", "check", folder=folder)
    where = Path(run("-c", "import lib.units; print(lib.__file__)", folder=folder).strip())
    assert where.is_relative_to(PYTHON.parents[1])


def test_first_cell_without_an_address_says_what_it_lacks(tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("-I", "-S", "-c", notebooks.INSTALL_SOURCE.format(address=""), folder=tmp_path)
    assert "Say above where this notebook is from" in failed.value.stderr


@pytest.fixture(scope="module")
def kernel(installed):
    folder, *_ = installed
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    )
    manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def contents(messages, kind):
    return [message["content"] for message in messages if message["msg_type"] == kind]


def test_versions_are_colabs(kernel):
    (printed,) = contents(kernel.run(VERSIONS), "stream")
    assert printed["text"].split() == [PINS["ipython"], PINS["anywidget"], PINS["ipywidgets"]]


def drawn(messages):
    """The widget that a cell has drawn: the identity of its model, and its state."""
    (shown,) = contents(messages, "display_data") + contents(messages, "execute_result")
    model = shown["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    (state,) = [one["data"]["state"] for one in contents(messages, "comm_open") if one["comm_id"] == model]
    assert shown["data"]["text/plain"] == state["text"]
    return model, state


def test_widget_is_drawn_and_answers_there_too(kernel):
    model, state = drawn(kernel.run(DRAW))
    assert state["_model_module"] == "anywidget" and "export default" in state["_esm"] and state["_css"]
    assert len(state["text"]) > 110  # where the widget of ipywidgets 7 cuts
    assert state["picture"].startswith("<svg") and len(state["first"]["runs"][0]["w"]) == 4
    race = {"id": "a-1", "do": "race", **state["setting"]}
    (answer,) = kernel.ask(model, race)
    assert answer["id"] == "a-1" and answer["runs"][0]["error"] is None
    race["runs"][0]["hyperparameters"]["learning_rate"] = 0.2
    (moved,) = kernel.ask(model, race)
    assert moved["runs"][0]["w"][1] != answer["runs"][0]["w"][1]


def test_endless_loop_is_stopped_there_too(kernel):
    model, state = drawn(kernel.run(DRAW))
    run = {
        "rule": "adam",
        "hyperparameters": {},
        "source": "def f(w, gradient, t):\n    while True:\n        pass",
    }
    (answer,) = kernel.ask(model, {"id": "b", "do": "race", **state["setting"], "runs": [run]})
    assert "stopped after 2 seconds" in answer["runs"][0]["error"]["message"]
