"""A book of a page and a lesson that leads to an exercise, to try the links to Colab and Binder on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import notebooks

ROOT = Path(__file__).parents[1]
CONF = """import sys
sys.path[:0] = [{ext!r}, {root!r}]
project = "A book"
extensions = ["myst_nb", "launch"]
html_favicon = "favicon.svg"
html_theme = "sphinx_book_theme"
html_theme_options = {{"repository_url": "", "repository_branch": "trunk", "use_edit_page_button": True,
    "launch_buttons": {{"colab_url": "https://colab.research.google.com"}}}}
nb_execution_mode = "off"
include_patterns = ["index.md", "chapters/*"]
"""
TEXT = """# A lesson

Now do {download}`the homework </exercises/a.ipynb>`; here is {download}`a list </conf.py>`."""


def write(folder):
    """Write the book into a folder; its remote is a folder, too."""
    (folder / "conf.py").write_text(CONF.format(ext=str(ROOT / "_ext"), root=str(ROOT)))
    shutil.copy(ROOT / "_assets/favicon.svg", folder)
    (folder / "index.md").write_text("# A book\n\n```{toctree}\nchapters/a\n```\n")
    for name, text in [("chapters", TEXT), ("exercises", "# A task")]:
        cells = [new_markdown_cell(text), new_code_cell("1 + 1")]
        (folder / name).mkdir()
        notebook = notebooks.write(notebooks.normalize(new_notebook(cells=cells)))
        (folder / name / "a.ipynb").write_text(notebook)
    remote(folder, str(folder))
    return folder


def remote(folder, url):
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "-C", folder, "remote", "add", "origin", url], check=True)


def build(book, address):
    """Build the book in its folder `html`; returns the page and the lesson."""
    environment = {**os.environ, "DESCENT_REPOSITORY": address}
    command = [sys.executable, "-m", "sphinx", "-qW", book, book / "html"]
    subprocess.run(command, env=environment, check=True)
    return [(book / "html" / name).read_text(encoding="utf-8") for name in ("index.html", "chapters/a.html")]
