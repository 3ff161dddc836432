"""The explorers in a live notebook: JupyterLab on this machine, its widgets driven through Python."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
CELLS = [
    "from functools import partial\nfrom lib import optimizers, surfaces\n"
    "from lib.explorer import explore, explore_average, explore_map",
    "scale = 0.5\n\n\n"
    "def my_rule(w, gradient, t, *, learning_rate=0.1, boost=1.0):\n"
    "    return (w - scale * boost * learning_rate * gradient(w),)\n\n\n"
    "drawn = explore(rules=[my_rule, optimizers.adam], surface=surfaces.beale)\ndrawn",
    "explore_map(optimizers.momentum, steps=30, learning_rate=[0.1, 0.3, 0.9], momentum=[0.0, 0.5, 0.9])",
    "explore_average([4.0, 4.95, 6.3], beta=0.9)",
    "explore([my_rule], surfaces.quadratic((1, 2), name='my bowl'))",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab whose folder holds one notebook, and which asks nobody for anything."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "live.ipynb")
    token = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    home |= {"IPYTHONDIR": str(folder / "ipython"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"),
            *("--ip=127.0.0.1", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
            *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        env={**os.environ, **home, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for(f"{url}api/status?token={token}", server)
        yield f"{url}lab/tree/live.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(url, server, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert server.poll() is None, "the Jupyter server ended"
        try:
            return urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """The page of the notebook, with all its cells run."""
    context = browser.new_context(viewport={"width": 1280, "height": 2600}, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(lab)
    expect(page.get_by_text("| Idle")).to_be_visible(timeout=60_000)  # the kernel is there
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(page.locator(".explorer .transport").first).to_be_visible(timeout=60_000)
    yield page
    context.close()


@pytest.fixture
def race(notebook):
    one = notebook.locator(".explorer").first
    one.scroll_into_view_if_needed()
    return one


def type_into(field, text):
    field.fill(text)
    field.press("Enter")


def test_rule_from_a_cell_races_in_the_picture(race):
    expect(race.get_by_label("Rule of optimizer 1")).to_have_value("my_rule")
    expect(race.locator(".map .path")).to_have_count(2)
    first = race.locator(".optimizer").first
    expect(first.get_by_role("slider", name="boost")).to_be_visible()  # read from its signature
    expect(race.get_by_role("button", name="Copy link")).to_have_count(0)  # a notebook's URL is not a page's


def test_slider_moves_the_path_through_python(race):
    path = race.locator(".map .path").first
    before, fate = path.get_attribute("d"), race.locator(".fate").first.inner_text()
    knob = race.locator(".optimizer").first.get_by_role("slider", name="boost")
    knob.focus()
    knob.press("PageDown")
    expect(path).not_to_have_attribute("d", before)
    expect(race.locator(".fate").first).not_to_have_text(fate)
    expect(race.locator(".scroll").first).to_contain_text("effective rate")


def test_surface_and_start_are_answered_by_the_kernel(race):
    race.get_by_label("Surface", exact=True).select_option("ravine")
    start = race.get_by_role("slider", name="Start point")
    expect(start).to_have_attribute("aria-valuetext", "w₁ 0.1, w₂ 3.5")
    start.press("ArrowRight")
    expect(start).to_have_attribute("aria-valuetext", "w₁ 0.24, w₂ 3.5")
    expect(race.locator(".surface .level")).to_have_count(14)


def test_edited_rule_runs_in_the_kernel_and_an_endless_one_is_stopped(race):
    card, trouble = race.locator(".optimizer").nth(1), race.locator(".traceback")
    card.get_by_role("button", name="Edit the rule").click()
    area = race.get_by_role("textbox", name="Python source of rule 2")
    expect(area).to_have_value(re.compile("^def adam"))
    source = area.input_value()
    area.fill(source.replace("m = ewma(m, g, beta_1)", "m = ewma(m, G, beta_1)"))
    expect(trouble).to_contain_text("NameError: name 'G' is not defined")
    area.fill(source.replace("    g = gradient(w)", "    while True:\n        g = gradient(w)"))
    expect(trouble).to_contain_text("does a loop never end")
    area.fill(source)
    expect(trouble).to_be_empty()
    expect(card.locator(".fate")).to_contain_text("after 100 steps")


def test_map_and_averages_are_live_too(notebook):
    chart, average = notebook.locator(".explorer").nth(1), notebook.locator(".explorer").nth(2)
    type_into(average.get_by_label("beta, typed"), "0.5")
    expect(average.locator(".facts")).to_contain_text("2 steps")
    type_into(chart.get_by_label("Steps", exact=True), "60")
    expect(chart.locator(".fate")).to_contain_text("after 60 steps")
    chart.get_by_role("slider", name="Cell of the map").press("ArrowRight")
    expect(chart.locator(".legend")).to_contain_text("learning_rate")


def test_call_to_copy_is_python(notebook, race):
    race.get_by_role("button", name="Copy as Python").click()
    expect(race.locator(".message")).to_contain_text("Copied: the Python")
    text = notebook.evaluate("navigator.clipboard.readText()")
    compile(text, "copied", "exec")
    assert "partial(my_rule, learning_rate=0.1" in text and "partial(optimizers.adam" in text


def test_call_to_copy_says_where_a_surface_is_the_notebooks_own(notebook):
    bowl = notebook.locator(".explorer").nth(3)
    bowl.get_by_role("button", name="Copy as Python").click()
    expect(bowl.locator(".message")).to_contain_text("Copied: the Python")
    text = notebook.evaluate("navigator.clipboard.readText()")
    compile(text, "copied", "exec")
    assert "surface=my_bowl," in text


def test_dark_theme_of_the_lab_is_followed(notebook, race):
    color = "box => getComputedStyle(box).color"
    light = race.evaluate(color)
    notebook.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert race.evaluate(color) != light
    notebook.evaluate("document.body.dataset.jpThemeLight = 'true'")
    assert race.evaluate(color) == light
