"""Terms of the glossary as targets of Markdown links: `[momentum](../glossary.md#term-momentum)`.

Notebooks link to them so, because `{term}` would show as code in Jupyter. MyST knows the headings of a page
and warns of every other target; it is told of the terms here, and so warns of one that does not exist.
"""

from docutils import nodes
from sphinx import addnodes


def register(app, doctree):
    targets = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for glossary in doctree.findall(addnodes.glossary):
        for term in glossary.findall(nodes.term):
            targets.update({name: (term.line, name, term.astext()) for name in term["ids"]})


def setup(app):
    app.connect("doctree-read", register)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
