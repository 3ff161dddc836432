"""Links to where a notebook runs, Colab and Binder, if the address of the repository is known; else none.

The address is that of the environment variable DESCENT_REPOSITORY or, without it, the one in _config.yml or,
without that, git's remote `origin`, if it is on GitHub.
"""

import os
import subprocess

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ConfigError

from tools import repository

NEEDING = ["use_repository_button", "use_issues_button", "use_edit_page_button", "use_source_button"]
PLACES = {"Colab": repository.colab, "Binder": repository.binder}


def find(folder, configured):
    """The address of the repository of a folder, or None."""
    for name, url in [
        ("DESCENT_REPOSITORY", os.environ.get("DESCENT_REPOSITORY")),
        ("repository.url", configured),
    ]:
        if url:
            address = repository.clean(url)
            if address is None:
                raise ConfigError(f"{name} is no address of a repository on GitHub: {url}")
            return address
    return repository.clean(origin(folder))


def origin(folder):
    command = ["git", "-C", folder, "remote", "get-url", "origin"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def configure(app, config):
    theme = config.html_theme_options
    address = find(app.srcdir, theme.get("repository_url"))
    theme["repository_url"] = address or ""
    theme["launch_buttons"] = {}  # the theme's are one click further away
    for button in NEEDING:
        theme[button] = bool(address) and (theme.get(button, False) or button == "use_repository_button")


def add_links(app, doctree, docname):
    theme = app.config.html_theme_options
    if not theme["repository_url"]:
        return
    path = app.env.doc2path(docname, base=False)
    if path.endswith(".ipynb"):
        title = next(doctree.findall(nodes.title))
        colab, binder = links(theme, path, "Open in ")
        line = nodes.paragraph("", "", colab, nodes.Text(" "), binder, classes=["launch"])
        title.parent.insert(title.parent.index(title) + 1, line)
    for download in list(doctree.findall(addnodes.download_reference)):
        path = download["reftarget"].lstrip("/")
        if path.endswith(".ipynb"):
            colab, binder = links(theme, path, "open in ")
            pieces = [nodes.Text(" ("), colab, nodes.Text(", "), binder, nodes.Text(")")]
            place = download.parent.index(download) + 1
            download.parent[place:place] = pieces


def links(theme, path, words):
    """A link to a notebook for each place where it runs."""
    for place, url in PLACES.items():
        target = url(theme["repository_url"], theme["repository_branch"], path)
        yield nodes.reference("", words + place, refuri=target, internal=False)


def setup(app):
    app.connect("config-inited", configure, priority=100)  # before the theme looks at its options
    app.connect("doctree-resolved", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
