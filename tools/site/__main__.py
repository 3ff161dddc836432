"""Make the finished site, and check it."""

import argparse
import shutil
import sys
from pathlib import Path

from tools.site import gate, pages, pictures, scripts, styles, terms, widgets
from tools.site.files import Site


def make(source, target, cache):
    """Make of the folder `source`, which Sphinx wrote, the site `target`; `cache` keeps pictures."""
    site = Site(source)
    book = list(pages.read(site))
    pictures.pack_all(book, cache)
    for page in book:
        pages.tidy(page)
        pages.lighten(page)
        pages.name_roles(page)
        scripts.prepare(page)
        widgets.mount(page)
        pictures.prepare(page, cache)
        pages.state_policy(page)
    known = terms.meanings(book)
    for page in book:
        terms.explain(page, known)
    styles.bundle(site, book)
    scripts.shrink(site)
    for page in book:
        site.files[page.name] = page.html()
    site.files[".nojekyll"] = b""  # GitHub Pages would leave out what begins with an underscore
    shutil.rmtree(target, ignore_errors=True)
    site.write(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the folder that Sphinx wrote")
    parser.add_argument("target", type=Path, help="the folder of the finished site")
    options = parser.parse_args()
    make(options.source, options.target, cache=options.target.with_name("pictures"))
    print(*gate.report(options.target), sep="\n")
    problems = list(gate.problems(options.target))
    for problem in problems:
        print(problem, file=sys.stderr)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
