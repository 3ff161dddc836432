"""One style sheet for all pages, with what they use and nothing else, and the fonts it needs."""

import posixpath
import re
from dataclasses import replace
from pathlib import Path

from lxml.html import builder as E

from tools.site import css, fonts
from tools.site.files import is_local

OWN = Path(__file__).with_name("site.css")
FOLDER = "_static"
WORD = re.compile(r"[\w-]+")


def bundle(site, book):
    """Replace the style sheets and the style attributes of all pages by one file."""
    rules = [rule for name in collect(book) for rule in read(site, name)]
    rules += css.parse(OWN.read_text(encoding="utf-8")) + name_attributes(book)
    words, names = script_words(site), set().union(*(page_names(page.root) for page in book))
    rules = purge(rules, words | names)
    rules = drop_idle(rules, words)
    rules = fonts.embed(site, rules, names, formula_characters(book))
    link(site, rules)
    name = site.add(f"{FOLDER}/site.css", "".join(map(str, rules)).encode())
    for page in book:
        page.find("//title")[0].addnext(E.LINK(rel="stylesheet", href=page.link(name)))


def collect(book):
    """Take Sphinx's style sheets out of the pages; their names, in the order of the pages."""
    names = {}
    for page in book:
        for link in page.find("//link[@rel='stylesheet']"):
            name = page.target(link.get("href"))
            if is_local(link.get("href")) and name not in page.site.files:
                names[name] = None
                link.drop_tree()
    return list(names)


def read(site, name):
    """The rules of a sheet and of those it imports, with names in the site for URLs."""
    for rule in css.parse(site.read(name).decode("utf-8")):
        if isinstance(rule, str):
            yield from read(site, resolve(name, rule))
            continue
        for _, declaration in css.every_declaration([rule]):
            for token in css.urls(declaration.value):
                if is_local(token.value):
                    css.point(token, resolve(name, token.value))
        yield rule


def resolve(name, url):
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), url.partition("?")[0]))


def name_attributes(book):
    """Replace style attributes by classes that win over every other rule, as the attributes did."""
    styled = [element for page in book for element in page.find("//*[@style]")]
    styles = sorted({element.get("style") for element in styled})
    names = {style: f"s{number}" for number, style in enumerate(styles)}
    for element in styled:
        classes = element.get("class", "").split()
        element.set("class", " ".join([*classes, names[element.attrib.pop("style")]]))
    return css.parse("".join(f".{name}:not(#_){{{style}}}" for style, name in names.items()))


def script_words(site):
    """Whatever a script might add to a page."""
    scripts = [data.decode("utf-8") for name, data in site.files.items() if name.endswith(".js")]
    return {word for script in scripts for word in WORD.findall(script)}


def page_names(root):
    """The tags, classes and ids of a page."""
    names = set()
    for element in root.iter("*"):
        names.update([element.tag, element.get("id")], element.get("class", "").split())
    return names


def purge(rules, names):
    """Only the rules that can apply where no other tags, classes and ids than `names` occur."""
    kept = []
    for rule in rules:
        if rule.keyword in css.CONDITIONS:
            rule = replace(rule, body=purge(rule.body, names))
        elif not rule.keyword:
            rule = replace(rule, heads=[head for head in rule.heads if asked(head) <= names])
        if rule.heads and rule.body:
            kept.append(rule)
    return kept


def asked(selector):
    """The tags, classes and ids that a selector asks for; those in brackets may be a refusal or a choice."""
    before = [None, *selector]
    return {
        token.value
        for previous, token in zip(before, selector)
        if token.type == "hash" or (token.type == "ident" and previous != ":")
    }


def drop_idle(rules, words):
    """Only the variables and animations that something uses; what only idle ones used is idle, too."""
    before = None
    while before != str(rules):
        before = str(rules)
        used = words.union(*(css.words(declaration.value) for _, declaration in css.every_declaration(rules)))
        rules = keep_used(rules, used)
    return rules


def keep_used(rules, used):
    kept = []
    for rule in rules:
        if isinstance(rule, css.Declaration):
            if not rule.name.startswith("--") or rule.name in used:
                kept.append(rule)
        elif rule.keyword not in css.FRAMES or css.text(rule.heads[0]) in used:
            rule.body = keep_used(rule.body, used)
            kept += [rule] if rule.body else []
    return kept


def formula_characters(book):
    """What KaTeX's fonts are for."""
    formulas = [formula for page in book for formula in page.find("//*[@class='katex-html']")]
    return {character for formula in formulas for text in formula.itertext() for character in text}


def link(site, rules):
    """Take the pictures that the sheet shows into the site, and write every URL as seen from the sheet."""
    for _, declaration in css.every_declaration(rules):
        for token in css.urls(declaration.value):
            if is_local(token.value):
                name = token.value
                if name not in site.files:
                    name = site.add(name, site.read(name))
                css.point(token, posixpath.relpath(name, FOLDER))
