"""What has to hold for every page of the finished site, read again from its files."""

import functools
import gzip
import posixpath
from urllib.parse import unquote, urlsplit

import lxml.html

from tools.site import css, fonts, styles
from tools.site.policy import POLICY

BUDGET = 200_000  # bytes over the wire before a reader does anything
ENGINE_BUDGET = 450_000  # with the engine that then answers
NEAR = 2  # figures that a browser loads before the reader scrolls
PACKED = (".avif", ".webp", ".png", ".woff2")
DATA = ("application/json",)
ADDRESSES = ("src", "srcset", "href", "xlink:href", "data", "action", "formaction", "poster", "background")


class Page:
    """A page of the finished site; `site` is its folder."""

    def __init__(self, site, path):
        self.site = site
        self.path = path
        self.name = path.relative_to(site).as_posix()
        self.root = lxml.html.document_fromstring(path.read_text(encoding="utf-8"))

    def file(self, url):
        folder = posixpath.dirname(self.name)
        return self.site / posixpath.normpath(posixpath.join(folder, unquote(urlsplit(url).path)))

    @functools.cached_property
    def places(self):
        """What a URL may name within this page."""
        return {"", "top", *self.root.xpath("//@id | //a/@name")}

    def addresses(self):
        """Every element that refers to a file, with the URL and whether the browser fetches it unasked."""
        for element in self.root.iter("*"):
            for attribute in set(ADDRESSES).intersection(element.attrib):
                yield element, element.get(attribute), element.tag not in ("a", "area")


def pages(site):
    return [Page(site, path) for path in sorted(site.rglob("*.html"))]


def problems(site):
    """What is wrong, a sentence each."""
    book = {page.path: page for page in pages(site)}
    for page in book.values():
        for problem in [*inline(page), *addresses(page, book), *alternatives(page), *overweight(page)]:
            yield f"{page.name}: {problem}"
    for sheet in sorted(site.rglob("*.css")):
        for problem in foreign_in_sheet(sheet):
            yield f"{sheet.relative_to(site)}: {problem}"


def inline(page):
    """What the policy would refuse."""
    policies = page.root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    if policies != [POLICY]:
        yield f"the policy is {policies}"
    for element in page.root.iter("*"):
        if element.tag == "style":
            yield "a style element"
        if element.tag == "script" and element.get("src") is None and element.get("type") not in DATA:
            yield f"an inline script: {(element.text or '').strip()[:60]!r}"
        for attribute in element.attrib:
            if attribute == "style" or attribute.startswith("on"):
                yield f"the attribute {attribute} of <{element.tag}>"


def addresses(page, book):
    for element, url, fetched in page.addresses():
        parts = urlsplit(url)
        if parts.scheme == "javascript":
            yield f"code as an address: {url[:60]}"
        elif parts.scheme == "data" and element.tag == "img":
            continue
        elif parts.scheme or parts.netloc:
            if fetched:
                yield f"<{element.tag}> asks another origin: {url[:80]}"
        else:
            file = page.file(url) if parts.path else page.path
            if not file.is_file() or (file in book and unquote(parts.fragment) not in book[file].places):
                yield f"<{element.tag}> leads nowhere: {url[:80]}"


def alternatives(page):
    for image in page.root.iter("img"):
        if image.get("alt") is None or (image.xpath("ancestor::article") and not image.get("alt").strip()):
            yield f"a picture without a text alternative: {image.get('src')}"
    for drawing in page.root.xpath("//*[@data-module]/svg"):
        if drawing.get("role") != "img" or not drawing.xpath("normalize-space(title)"):
            yield "a widget's picture without a title"


def foreign_in_sheet(sheet):
    for url in sheet_urls(sheet):
        parts = urlsplit(url)
        if parts.scheme != "data" and (parts.netloc or not (sheet.parent / parts.path).is_file()):
            yield f"a resource that is not of the site: {url[:80]}"


def rules(sheet):
    return parse(sheet.read_text(encoding="utf-8"))


parse = functools.cache(css.parse)  # every page has the same


def sheet_urls(sheet):
    """Every URL that a style sheet loads, the sheets it imports included."""
    for rule in rules(sheet):
        if isinstance(rule, str):
            yield rule
        else:
            for _, declaration in css.every_declaration([rule]):
                yield from (token.value for token in css.urls(declaration.value))


def overweight(page):
    before, engine = weight(page)
    if before > BUDGET:
        yield f"{before / 1000:.0f} kB before the first interaction, more than {BUDGET / 1000:.0f}"
    if engine and before + engine > ENGINE_BUDGET:
        yield f"{(before + engine) / 1000:.0f} kB with the engine, more than {ENGINE_BUDGET / 1000:.0f}"


def weight(page):
    """Bytes over the wire: what the page needs before the first interaction, and what the engine adds.

    Of the figures, which a browser loads when the reader comes near, the first few count.
    """
    files = {page.path}
    figures = []
    engine = set()
    for element, url, fetched in page.addresses():
        if not fetched or urlsplit(url).scheme or not page.file(url).is_file():
            continue
        if element.get("loading") == "lazy":
            figures.append(page.file(url))
        elif page.file(url).suffix != ".html":
            files.add(page.file(url))
    for element in page.root.xpath("//*[@data-module]"):
        files.add(page.file(element.get("data-module")))
    for script in [file for file in files if file.match("explorer-*/lib/explorer/page.js")]:
        engine = {file for file in script.parents[2].rglob("*") if file.is_file() and file != script}
    names = styles.page_names(page.root)
    for sheet in [file for file in files if file.suffix == ".css"]:
        applied = styles.purge([rule for rule in rules(sheet) if isinstance(rule, css.Rule)], names)
        files.update(sheet.parent / face for face in fonts.faces(applied, names))
    files.update(list(dict.fromkeys(figures))[:NEAR])
    return sum(map(wire, files)), sum(map(wire, engine))


def wire(file):
    data = file.read_bytes()
    return len(data) if file.suffix in PACKED else len(gzip.compress(data, 6))


def report(site):
    """A line for each page."""
    for page in pages(site):
        before, engine = weight(page)
        yield f"{before / 1000:6.0f} kB {f'+ {engine / 1000:.0f} kB engine' if engine else '':18} {page.name}"
