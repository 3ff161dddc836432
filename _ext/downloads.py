"""A link to a notebook that is no page of the book, an exercise, offers that notebook for download."""

from pathlib import Path

from sphinx import addnodes


def offer(app, doctree):
    for link in list(doctree.findall(addnodes.pending_xref)):
        name = f"{link['reftarget']}.ipynb"
        if link.get("refdomain") != "doc" or link["reftarget"] in app.env.found_docs:
            continue
        if (Path(app.srcdir) / name).is_file():
            download = addnodes.download_reference("", "", *link.children, reftarget=f"/{name}")
            download["refdoc"] = link["refdoc"]
            link.replace_self(download)


def setup(app):
    app.connect("doctree-read", offer, priority=400)  # before Sphinx collects what is to be downloaded
    return {"parallel_read_safe": True, "version": "1"}
