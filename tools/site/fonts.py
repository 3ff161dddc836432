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
    families, written = used(rules)
    kept = []
    for rule in rules:
        if rule.keyword == "font-face":
            face = {part.name: part for part in rule.body}
            family = name(face["font-family"].value)
            source = next(url.value for url in css.urls(face["src"].value) if url.value.endswith(".woff2"))
            wanted = CLASSES.get(PurePosixPath(source).stem, names)
            data = cut(site.read(source), written if "Awesome" in family else characters)
            if family not in families or names.isdisjoint(wanted) or data is None:
                continue
            file = site.add(f"_static/fonts/{PurePosixPath(source).name}", data)
            face["src"].value = css.tokens(f'url({file}) format("woff2")')
        kept.append(rule)
    return kept


def used(rules):
    """The families that the rules ask for, and the characters that they write."""
    families, written = set(), set()
    for rule, part in css.every_declaration(rules):
        if rule.keyword == "font-face":
            continue
        if part.name in ("font", "font-family"):
            families.update(map(name, css.split(part.value)))
        if part.name == "content" or part.name.startswith("--"):
            written.update("".join(css.words(part.value)))
    return families, written


def name(tokens):
    """A family's name, quoted or not, after the size that may stand before it."""
    words = css.words(tokens)
    return " ".join(word for word in words if word not in ("normal", "italic", "bold"))


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
