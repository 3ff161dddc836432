"""The site as it grows in memory, and its pages."""

import hashlib
import posixpath
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import lxml.html


class Site:
    """Files by name, as they will lie in the finished site; `source` is the folder Sphinx wrote."""

    def __init__(self, source):
        self.source = source
        self.files = {}

    def read(self, name):
        return (self.source / name).read_bytes()

    def add(self, name, data):
        """Put `data` into the site, its digest in its name for browsers to keep it; returns the name."""
        path = PurePosixPath(name)
        hashed = str(path.with_name(f"{path.stem}.{digest(data)}{path.suffix}"))
        self.files[hashed] = data
        return hashed

    def write(self, target):
        for name, data in self.files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


class Page:
    """One HTML file; `name` is its path in the site."""

    def __init__(self, site, name):
        self.site = site
        self.name = name
        self.root = lxml.html.document_fromstring(site.read(name).decode("utf-8"))
        self.head, self.body = self.root.find("head"), self.root.find("body")

    def find(self, xpath):
        return self.root.xpath(xpath)

    def target(self, url):
        """The name in the site of what a local URL of this page leads to."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.name), unquote(urlsplit(url).path)))

    def link(self, name):
        """The URL, relative to this page, of a file of the site."""
        return posixpath.relpath(name, posixpath.dirname(self.name) or ".")

    def keep(self, element, attribute):
        """Take the file that an element refers to into the site."""
        name = self.target(element.get(attribute))
        element.set(attribute, self.link(self.site.add(name, self.site.read(name))))

    def html(self):
        return lxml.html.tostring(self.root, doctype="<!DOCTYPE html>", encoding="utf-8")


def digest(data):
    return hashlib.sha256(data).hexdigest()[:10]


def is_local(url):
    """Whether a URL leads to another file of the site."""
    parts = urlsplit(url)
    return not parts.scheme and not parts.netloc and bool(parts.path)


def has_class(name):
    """An XPath condition: the element is of this class."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"
