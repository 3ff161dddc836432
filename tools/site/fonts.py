"""Fonts: of each that is used, the characters that occur."""

import io
from pathlib import PurePosixPath

from fontTools import subset

from tools.site import css

# Faces that KaTeX asks for by a class only; its other fonts have a family to themselves.
CLASSES = {
    "KaTeX_Main-Bold": {"mathbf", "textbf"},
    "KaTeX_Main-Italic": {"mathit", "textit"},
    "KaTeX_Main-BoldItalic": {"textbf", "textit"},
    "KaTeX_Math-BoldItalic": {"boldsymbol"},
}


def embed(site, rules, names, characters):
    """The rules with their fonts cut to `characters`, and icons to those that the rules write.

    A face that nothing asks for is left out; `names` are the classes that occur.
    """
    icons = {
        character
        for _, part in css.every_declaration(rules)
        if part.name == "content" or part.name.startswith("--")
        for character in "".join(css.words(part.value))
    }
    asked = faces(rules, names)
    kept = []
    for rule in rules:
        if rule.keyword == "font-face":
            source = file(rule)
            data = cut(site.read(source), icons if "fontawesome" in source else characters)
            if source not in asked or data is None:
                continue
            (src,) = [part for part in rule.body if part.name == "src"]
            new = site.add(f"_static/fonts/{PurePosixPath(source).name}", data)
            src.value = css.tokens(f'url({new}) format("woff2")')
        kept.append(rule)
    return kept


def faces(rules, names):
    """The files of the faces that the rules ask for on pages with these classes."""
    families = {
        family(piece)
        for rule, part in css.every_declaration(rules)
        if rule.keyword != "font-face" and part.name in ("font", "font-family")
        for piece in css.split(part.value)
    }
    return [
        file(rule)
        for rule in rules
        if rule.keyword == "font-face"
        and any(part.name == "font-family" and family(part.value) in families for part in rule.body)
        and not names.isdisjoint(CLASSES.get(PurePosixPath(file(rule)).name.split(".")[0], names))
    ]


def file(face):
    urls = [url.value for part in face.body if part.name == "src" for url in css.urls(part.value)]
    return next(url for url in urls if url.endswith(".woff2"))


def family(tokens):
    """A family's name, quoted or not, without the style and the size that may stand before it."""
    return " ".join(word for word in css.words(tokens) if word not in ("normal", "italic", "bold"))


def cut(data, characters):
    """The font with these characters only, or None if it has none of them."""
    options = subset.Options(flavor="woff2", layout_features=["*"], hinting=False)
    font = subset.load_font(io.BytesIO(data), options)
    present = characters & set(map(chr, font.getBestCmap()))
    if not present:
        return None
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, present))
    subsetter.subset(font)
    packed = io.BytesIO()
    subset.save_font(font, packed, options)
    return packed.getvalue()
