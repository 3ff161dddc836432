"""The finished site, served with its policy, and a reader who visits it with Chromium."""

import pytest
from playwright.sync_api import expect, sync_playwright
from reader import FLAGS, SITE, Visit, serve

from tools import chromium

expect.set_options(timeout=20_000)  # what has to come, comes also when the machine is busy


@pytest.fixture(scope="session")
def site():
    """The server of the finished site."""
    assert (SITE / "index.html").exists(), "there is no site: make book"
    with serve(SITE) as served:
        yield served


@pytest.fixture(scope="session")
def browser():
    path = chromium.find()
    assert path, "there is no Chromium: python -m tools.chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """`visit(path, device="desktop", **options)` opens a page, which must be quiet to the end.

    `options` are those of Playwright's contexts; `url` leads elsewhere than to the site; `quiet=False` allows
    complaints and foreign requests.
    """
    visits = []

    def go(path, device="desktop", *, url=site.url, quiet=True, **options):
        one = Visit(browser, url + path, device, **{"reduced_motion": "reduce", **options})
        visits.append((one, quiet))
        return one

    yield go
    for one, quiet in visits:
        one.context.close()
        if quiet:
            one.check()
