"""The meaning of a term, shown by whatever points at it."""

import pytest
from reader import Visit
from test_site import AXE, AXE_RUN, PAGES, SITE

EXPLAINED = [page for page in PAGES if 'class="explained"' in (SITE / page).read_text(encoding="utf-8")]
GLOSSARY = "glossary.html"


@pytest.fixture
def first(visit):
    """`first(path, device, **options)`: the page, its first term and what that means."""

    def go(path, device="desktop", **options):
        page = visit(path, device, **options).page
        link = page.locator(".explained > a").first
        link.scroll_into_view_if_needed()
        return page, link, page.locator(".meaning").first

    return go


def test_the_introduction_and_the_lessons_explain_terms():
    assert {"index.html", GLOSSARY} < set(EXPLAINED)
    assert len([page for page in EXPLAINED if page.startswith("chapters/0")]) >= 8


@pytest.fixture(scope="module")
def meanings(browser, site):
    """The glossary: what each term means, by the name of its place."""
    one = Visit(browser, site.url + GLOSSARY, "desktop")
    found = one.page.locator("article dt[id]").evaluate_all(
        """(all) => all.map((term) => {
            const copy = document.querySelector(`dt[id='${term.id}'] ~ dd > p`).cloneNode(true);
            copy.querySelectorAll(".meaning").forEach((note) => note.remove());
            return [term.id, copy.textContent];
        })"""
    )
    one.context.close()
    return dict(found)


@pytest.mark.parametrize("path", EXPLAINED)
def test_a_meaning_is_the_glossarys(visit, meanings, path):
    """Each one has the words of the place that its link leads to, and is there for a screen reader."""
    page = visit(path).page
    shown = page.locator(".explained").evaluate_all(
        """(all) => all.map((place) => {
            const [link, note] = place.children;
            return [new URL(link.href).hash.slice(1), link.getAttribute("aria-describedby"), note.id,
                    note.textContent];
        })"""
    )
    for name, described, note, words in shown:
        assert words == meanings[name] and described == note
    assert len({note for _, _, note, _ in shown}) == len(shown)


@pytest.mark.parametrize("scripts", [True, False])
def test_mouse(first, scripts):
    """On the term and on the meaning it stays, elsewhere it goes; scripts are not needed."""
    page, link, meaning = first(EXPLAINED[0], java_script_enabled=scripts)
    assert not meaning.is_visible()
    link.hover()
    assert meaning.is_visible()
    start, end = link.bounding_box(), meaning.bounding_box()
    x = start["x"] + start["width"] / 2
    for step in range(11):
        page.mouse.move(x, start["y"] + step / 10 * (end["y"] + end["height"] / 2 - start["y"]))
        assert meaning.is_visible()
    page.mouse.move(0, 0)
    assert not meaning.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keyboard(first, scheme):
    """Focus shows it, Escape puts it away, and axe has nothing to say while it is there."""
    page, link, meaning = first(EXPLAINED[0], color_scheme=scheme)
    link.focus()
    page.keyboard.press("Shift+Tab")
    assert not meaning.is_visible()
    page.keyboard.press("Tab")
    assert meaning.is_visible()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert not [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in page.evaluate(AXE_RUN)
    ]
    page.keyboard.press("Escape")
    assert not meaning.is_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert meaning.is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{GLOSSARY}#term-*")


def test_touch(first):
    """The first touch shows it, the second follows the link; another place puts it away."""
    page, link, meaning = first(EXPLAINED[0], "phone")
    link.tap()
    assert meaning.is_visible()
    page.locator("article h1").tap()
    assert not meaning.is_visible()
    link.tap()
    assert meaning.is_visible() and GLOSSARY not in page.url
    link.tap()
    page.wait_for_url(f"**/{GLOSSARY}#term-*")


@pytest.mark.parametrize("path", EXPLAINED)
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_every_meaning_fits_the_screen(visit, path, device):
    page = visit(path, device).page
    width = page.viewport_size["width"]
    boxes = page.locator(".explained > a").evaluate_all(
        """(links) => links.map((link) => {
            link.focus();
            const note = document.querySelector(".explained:focus-within > .meaning");
            const {left, right, top} = note.getBoundingClientRect();
            const {scrollWidth, clientWidth} = document.documentElement;
            return [left, right, top - link.getBoundingClientRect().top, scrollWidth <= clientWidth];
        })"""
    )
    for left, right, below, fits in boxes:
        assert left >= 0 and right <= width and right - left > 150
        assert below >= 0 and fits
