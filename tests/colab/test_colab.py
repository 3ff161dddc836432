"""The explorer on Colab's versions of Jupyter's packages: what front end and kernel say to each other."""

from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "_build/colab/bin/python"
VERSIONS = """import IPython, anywidget, ipywidgets
print(IPython.__version__, anywidget.__version__, ipywidgets.__version__)"""
DRAW = """from lib import surfaces
from lib.explorer import explore
def my_rule(w, gradient, t, *, learning_rate=0.1):
    return (w - learning_rate * gradient(w),)
explore([my_rule], surfaces.ravine, steps=3)"""


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


@pytest.fixture(scope="module")
def kernel():
    assert PYTHON.exists(), "there is no such environment: make colab"
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    )
    manager.start_kernel(cwd=str(ROOT))
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
    assert printed["text"] == "7.34.0 0.9.21 7.7.1\n"


def drawn(messages):
    """The widget that a cell has drawn: the identity of its model, and its state."""
    (shown,) = contents(messages, "display_data") + contents(messages, "execute_result")
    assert shown["data"]["text/plain"].startswith("Paths on the ravine")
    model = shown["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    (state,) = [one["data"]["state"] for one in contents(messages, "comm_open") if one["comm_id"] == model]
    return model, state


def test_widget_is_drawn_and_answers_there_too(kernel):
    model, state = drawn(kernel.run(DRAW))
    assert state["_model_module"] == "anywidget" and "export default" in state["_esm"] and state["_css"]
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
