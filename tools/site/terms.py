"""Terms of the glossary: what they mean stands, unseen, beside every link to them; site.css shows it."""

from copy import deepcopy
from urllib.parse import urlsplit

from lxml.html import builder as E

from tools.site.files import has_class

TERMS = f"//dl[{has_class('glossary')}]/dt[@id]"
LINKS = f"//article//a[contains(@href, '#')][not({has_class('headerlink')})]"
MARKS = f".//a | .//span[{has_class('xref')}]"


def meanings(book):
    """The first paragraph of every definition, without links, by the name of its page and its id there."""
    return {(page.name, term.get("id")): plain(term) for page in book for term in page.find(TERMS)}


def plain(term):
    (paragraph,) = term.xpath("following-sibling::dd[1]/p[1]")
    meaning = deepcopy(paragraph)
    meaning.tag, meaning.tail = "span", None
    for mark in meaning.xpath(MARKS):
        mark.drop_tag()
    return meaning


def explain(page, known):
    """Put its meaning beside each link to a term that is `known`, for the eye and for a screen reader."""
    links = [(link, known.get(target(page, link.get("href")))) for link in page.find(LINKS)]
    for number, (link, meaning) in enumerate(pair for pair in links if pair[1] is not None):
        note = deepcopy(meaning)
        note.attrib.update({"class": "meaning", "role": "tooltip", "id": f"meaning-{number}"})
        link.set("aria-describedby", f"meaning-{number}")
        place = E.SPAN(E.CLASS("explained"))
        link.addprevious(place)
        place.tail, link.tail = link.tail, None
        place.extend([link, note])


def target(page, url):
    parts = urlsplit(url)
    return page.target(url) if parts.path else page.name, parts.fragment
