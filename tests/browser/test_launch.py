"""The links to where a lesson runs, in the finished site of a book whose address is known."""

import re

import pytest
from reader import serve
from test_site import AXE, AXE_RUN

from tests import tiny_book
from tools.site import gate
from tools.site.__main__ import make

COLAB = "https://colab.research.google.com/github/me/descent/blob/trunk/chapters/a.ipynb"
BINDER = "https://mybinder.org/v2/gh/me/descent/trunk?urlpath=lab/tree/chapters/a.ipynb"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    book = tiny_book.write(tmp_path_factory.mktemp("book"))
    tiny_book.build(book, "https://github.com/me/descent")
    make(book / "html", book / "site", cache=book / "pictures")
    assert list(gate.problems(book / "site")) == []
    with serve(book / "site") as served:
        yield served


@pytest.fixture
def lesson(visit, served):
    """`lesson(device)`: the page, which must be quiet: it asks nobody before a click."""
    return lambda device="desktop", **options: (
        visit("chapters/a.html", device, url=served.url, **options).page
    )


@pytest.mark.parametrize("device", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_links_are_buttons_without_barriers(lesson, device, scheme):
    page = lesson(device, color_scheme=scheme)
    for name in ("Open in Colab", "Open in Binder"):
        link = page.get_by_role("link", name=name, exact=True)
        box = link.bounding_box()
        assert box["height"] >= 24 and box["y"] + box["height"] < page.viewport_size["height"]
        assert link.evaluate("(link) => getComputedStyle(link).borderStyle") == "solid"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert [rule["id"] for rule in page.evaluate(AXE_RUN)] == []


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(("name", "address"), [("Open in Colab", COLAB), ("Open in Binder", BINDER)])
def test_one_key_leads_there(lesson, name, address, scripts):
    page = lesson(quiet=False, java_script_enabled=scripts)
    asked = []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(body="<!doctype html><title>There</title>", content_type="text/html")

    page.context.route(re.compile("^https:"), answer)
    page.get_by_role("link", name=name, exact=True).focus()
    assert asked == []
    page.keyboard.press("Enter")
    page.wait_for_url(address)
    assert asked == [address]


def test_homework_runs_in_the_same_places(lesson):
    page = lesson()
    links = page.locator("article p", has_text="the homework").get_by_role("link")
    assert links.all_inner_texts() == ["the homework", "open in Colab", "open in Binder", "a list"]
    assert links.nth(1).get_attribute("href") == COLAB.replace("chapters", "exercises")
    assert links.nth(2).get_attribute("href") == BINDER.replace("chapters", "exercises")
    with page.expect_download() as download:
        links.first.click()
    assert download.value.suggested_filename == "a.ipynb"
