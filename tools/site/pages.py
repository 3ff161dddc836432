"""What every page needs changed, whatever is on it."""

from lxml.html import builder as E

from tools.site.files import Page, has_class, is_local
from tools.site.policy import POLICY

# The handlers the theme writes into its pages; site.js attaches them by these names.
ACTIONS = {"window.print()": "print", "toggleFullScreen()": "fullscreen"}


def read(site):
    """The pages of the book; the other HTML files are the theme's spare parts."""
    for path in sorted(site.source.rglob("*.html")):
        name = path.relative_to(site.source)
        if name.parts[0] not in ("_static", "_sources"):
            yield aim(Page(site, name.as_posix()))


def aim(page):
    """The page itself or, under its name, the page it only sends the reader on to."""
    for refresh in page.find("//meta[translate(@http-equiv, 'R', 'r') = 'refresh']"):
        _, _, url = refresh.get("content").partition("url=")
        name, page = page.name, Page(page.site, page.target(url))
        page.name = name
    return page


def tidy(page):
    page.root.set("data-theme", "light")  # the colors of readers without scripts
    for element in page.find(
        "//head/noscript | //link[@rel='preload'] | //*[@id='ethical-ad-placement']"
        " | //meta[@name='viewport'][position() > 1] | //meta[starts-with(@name, 'docsearch')]"
    ):
        element.drop_tree()
    for element in page.find("//*[@onclick]"):
        element.set("data-action", ACTIONS[element.attrib.pop("onclick")])
    for link in page.find("//link[@rel='icon']"):
        page.keep(link, "href")
    for link in page.find("//a[@href]"):
        if is_local(link.get("href")):
            name = page.target(link.get("href"))
            if name.startswith(("_sources/", "_downloads/")):
                page.site.files[name] = page.site.read(name)
                link.set("download", "")  # where a notebook is sent as JSON, a browser would show it
                link.attrib.pop("target", None)


def lighten(page):
    """Drop what is heavy and shows nothing: comments, marks of plain code, the sources of formulas."""
    for comment in page.find("//comment()"):
        comment.drop_tree()
    for span in page.find("//pre//span[@class='n' or @class='p' or @class='w']"):
        span.drop_tag()
    for annotation in page.find("//annotation"):
        annotation.drop_tree()


def name_roles(page):
    """Tell a screen reader what the theme leaves out or has wrong."""
    for sidebar in page.find("//*[@id='pst-primary-sidebar']"):
        sidebar.attrib.update({"role": "region", "aria-label": "Book"})
    for button in page.find(f"//button[{has_class('search-button-field')}]"):
        del button.attrib["aria-label"]  # it has words of its own
    for summary in page.find("//summary[@aria-label]"):
        del summary.attrib["aria-label"]  # so has this
    for citation in page.find(f"//*[@role='list']/*[{has_class('citation')}]"):
        citation.set("role", "listitem")
    for cell in page.find("//th[not(normalize-space())]"):
        cell.tag = "td"


def state_policy(page):
    meta = E.META(content=POLICY)
    meta.set("http-equiv", "Content-Security-Policy")
    page.find("//meta[@charset]")[0].addnext(meta)
