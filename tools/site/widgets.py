"""Widgets: each drawn in its place, with its state beside it for the script that brings it to life."""

import json
from pathlib import Path

import lxml.html
from lxml.html import builder as E

from tools.site.files import digest

STATE = "//script[@type='application/vnd.jupyter.widget-state+json']"
VIEW = "//script[@type='application/vnd.jupyter.widget-view+json']"
# What ipywidgets keeps for itself, and what the page holds outside of the state.
ELSEWHERE = {"layout", "tabbable", "tooltip", "picture"}
ROOT = Path(__file__).parents[2]
# The folder of the engine mirrors the repository: the same files run here and there.
ENGINE = [
    *(f"lib/{name}.py" for name in ("__init__", "averages", "optimizers", "surfaces", "schedules", "paths")),
    "lib/explorer/compute.py",
    "lib/explorer/engine/*",
    "lib/explorer/page.js",
]
MICROPYTHON = ROOT / "node_modules/@micropython/micropython-webassembly-pyscript"


def mount(page):
    """Draw every widget of the page in its place; the script of the page makes them answer."""
    states = {}
    for script in page.find(STATE):
        states.update(json.loads(script.text)["state"])
        script.drop_tree()
    styles = set()
    for view in page.find(VIEW):
        state = states[json.loads(view.text)["model_id"]]["state"]
        styles.add(state.get("_css"))
        view.getparent().replace(view, place(page, state))
    for style in sorted(filter(None, styles)):
        name = page.site.add("_static/widget.css", style.encode())
        page.head.append(E.LINK(rel="stylesheet", href=page.link(name)))
    if states:
        page.body.append(E.SCRIPT(src=page.link(engine(page.site) + "/lib/explorer/page.js"), defer=""))


def place(page, state):
    if not state.get("picture"):
        raise ValueError(f"{page.name}: a widget without a picture of its first state")
    module = page.site.add("_static/widget.js", state["_esm"].encode())
    kept = {name: value for name, value in state.items() if name[0] != "_" and name not in ELSEWHERE}
    data = E.SCRIPT(json.dumps(kept, separators=(",", ":")).replace("</", "<\\/"), type="application/json")
    division = E.DIV(E.CLASS("explorer"), lxml.html.fragment_fromstring(state["picture"]), data)
    division.set("data-module", page.link(module))
    return division


def engine(site):
    """Put the engine into the site; returns its folder, named after its content."""
    paths = [path for pattern in ENGINE for path in sorted(ROOT.glob(pattern)) if path.is_file()]
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    for name in ("micropython.mjs", "micropython.wasm"):
        files[f"micropython/{name}"] = (MICROPYTHON / name).read_bytes()
    folder = f"_static/explorer-{digest(b''.join(files.values()))}"
    site.files.update({f"{folder}/{name}": data for name, data in files.items()})
    return folder
