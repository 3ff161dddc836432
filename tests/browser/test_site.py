"""The finished site, as a reader meets it."""

from pathlib import Path

import pytest
from reader import SITE, serve

from tools.site.gate import BUDGET, ENGINE_BUDGET
from tools.site.policy import HEADER

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
LESSONS = [page for page in PAGES if page.startswith("chapters/")]
EXPLORERS = [page for page in LESSONS if "data-module" in (SITE / page).read_text(encoding="utf-8")]
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDER = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"
NARROWED = """(all) => all.filter((one) => one.clientWidth < one.parentNode.clientWidth)
    .map((one) => one.textContent)"""
AXE_RUN = "axe.run({resultTypes: ['violations']}).then((results) => results.violations)"


def test_there_are_pages():
    assert EXPLORERS and {"index.html", "search.html"} < set(PAGES)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("scheme", "device"), [("light", "desktop"), ("dark", "desktop"), ("dark", "phone")])
def test_accessible(visit, path, scheme, device):
    """No barrier that axe knows, nothing wider than the screen, at a desk no code wider than its place, on a
    phone no formula that has less than its line; and, as in every visit, a quiet console."""
    page = visit(path, device, color_scheme=scheme).page
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if device == "desktop":
        assert not page.eval_on_selector_all("article pre", WIDER)
    else:
        assert not page.eval_on_selector_all(".katex-display", NARROWED)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(AXE_RUN)
    assert not [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("path", LESSONS)
def test_whole_page(visit, path):
    """Every figure arrives and says what it shows; every formula has its own fonts and can be read out."""
    one = visit(path)
    one.scroll()
    pictures = one.page.eval_on_selector_all(
        "article img", "(all) => all.map((image) => [image.naturalWidth, image.alt.trim().length])"
    )
    assert pictures or path == "chapters/sources.html"
    assert all(width > 0 and words > 20 for width, words in pictures)
    formulas = one.page.locator(".katex").count()
    assert formulas == one.page.locator(".katex-mathml math").count() > 0
    assert one.page.locator("mjx-container, .math:not(:has(.katex))").count() == 0
    assert fonts_of(one.page, ".katex-html span:not(:has(*))") == {True}


def fonts_of(page, selector):
    """Whether the fonts that draw these elements are the site's: others fill in what those lack."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    nodes = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]
    answers = [session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"] for node in nodes]
    return {font["isCustomFont"] for fonts in answers for font in fonts}


@pytest.mark.parametrize("path", PAGES)
def test_weight(visit, site, path):
    """Bytes over the wire, compressed: what Chromium loads by itself, and with the engine of an explorer."""
    before = len(site.sent)
    page = visit(path).page
    page.wait_for_load_state("networkidle")
    weight = sum(size for _, size in site.sent[before:])
    print(f"{path}: {weight / 1000:.0f} kB")
    assert 20_000 < weight <= BUDGET
    if path not in EXPLORERS:
        return
    page.locator(".explorer").first.hover()
    for _ in range(100):
        page.wait_for_timeout(100)
        if "micropython.wasm" in str(site.sent[before:]):
            break
    page.wait_for_timeout(1000)
    sent = dict(site.sent[before:])
    print(f"{path}: {sum(sent.values()) / 1000:.0f} kB with the engine")
    assert any(name.endswith("micropython.wasm") for name in sent)
    assert sum(sent.values()) <= ENGINE_BUDGET


@pytest.mark.parametrize("policy", ["header", "meta"])
def test_policy(visit, policy):
    """Both the header and the page forbid inline code, and allow WebAssembly."""
    with serve(SITE, policy=policy == "header") as served:
        one = visit(LESSONS[0], url=served.url, quiet=False)
        stated = one.page.request.get(one.url).headers.get("content-security-policy")
        assert stated == (HEADER if policy == "header" else None)
        try_policy(one.page)


def try_policy(page):
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.intruder = true";
            document.body.append(script);
        }"""
    )
    assert page.evaluate("window.intruder") is None
    assert page.evaluate(
        "WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => true)"
    )


STRANGE = {
    "a picture": '<img src="{there}paths.png" alt="">',
    "a style": '<link rel="stylesheet" href="{there}style.css">',
    "a script": '<script src="{there}script.js"></script>',
    "a frame": '<iframe src="{there}" title=""></iframe>',
    "a fetch": "<script>fetch('{there}data').catch(() => null)</script>",
    "an inline style": '<p style="color: red">red</p>',
    "a handler": '<img src="x" alt="" onerror="1">',
}


@pytest.mark.parametrize("policy", [True, False])
@pytest.mark.parametrize("thing", STRANGE)
def test_a_strange_page_is_noticed(visit, tmp_path, thing, policy):
    """What the other tests trust in: a foreign request is seen, and the policy stops what is not allowed."""
    with serve(tmp_path) as there, serve(tmp_path, policy=policy) as here:
        html = STRANGE[thing].format(there=there.url)
        tmp_path.joinpath("page.html").write_text(f"<!doctype html><title>strange</title>{html}")
        one = visit("page.html", url=here.url, quiet=False)
        one.page.wait_for_load_state("networkidle")
        if policy or there.url in html:
            with pytest.raises(AssertionError):
                one.check()
        assert not (policy and there.sent)


def test_phone_menu(visit):
    """The two buttons that open the book's and the page's contents on a phone, and the ways back."""
    page = visit(LESSONS[0], "phone").page
    for button, dialog in [
        ("primary", "#pst-primary-sidebar-modal"),
        ("secondary", "#pst-secondary-sidebar-modal"),
    ]:
        page.locator(f".{button}-toggle").tap()
        assert page.locator(dialog).is_visible()
        page.keyboard.press("Escape")
        assert not page.locator(dialog).is_visible()
    page.locator(".primary-toggle").tap()
    page.locator("#pst-primary-sidebar-modal").get_by_role("link", name="Momentum", exact=True).tap()
    page.wait_for_url("**/chapters/05_momentum.html")


def test_search(visit):
    """From a lesson by keyboard to a result; the index comes with the search page only."""
    one = visit(LESSONS[0])
    page = one.page
    assert not [url for url in one.requests if "search" in url]
    page.keyboard.press("Control+k")
    assert page.locator("#pst-search-dialog").is_visible()
    page.keyboard.type("velocity")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=velocity")
    result = page.locator("#search-results li a", has_text="Momentum").first
    result.wait_for()
    page.locator("#search-results .search-summary", has_text="found").wait_for()
    page.wait_for_load_state("networkidle")
    result.click()
    page.wait_for_url("**/chapters/05_momentum.html**")
    assert page.locator("span.highlighted").count() > 0


def test_keyboard(visit):
    """Tab alone reaches the way past it all, the search, the pages of the book and the tools of this one."""
    page = visit(LESSONS[0]).page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
                const element = document.activeElement;
                const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(element);
                const label = element.getAttribute("aria-label") || element.title;
                const ring = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
                return {
                    name: element.textContent.trim() || label,
                    ring,
                    seen: element.checkVisibility(),
                    article: Boolean(element.closest("article")),
                };
            }"""
        )
        if focus["article"]:
            break
        reached.append(focus)
    names = " | ".join(focus["name"] for focus in reached)
    for name in ["Skip to main", "Search", "Momentum", "Bibliography", "Download", "Color mode"]:
        assert name in names
    assert not [focus["name"] for focus in reached if not (focus["seen"] and focus["ring"])]


def test_theme_button(visit):
    """Auto, then the other one, then the one that was; the choice is kept."""
    page = visit(LESSONS[0], color_scheme="light").page
    button = page.get_by_role("button", name="Color mode")
    seen = []
    for _ in range(3):
        button.focus()
        page.keyboard.press("Enter")
        seen.append(page.locator("html").get_attribute("data-theme"))
    assert seen == ["dark", "light", "light"]
    button.click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_download_menu(visit):
    """Opens and closes by mouse and keyboard; its entries do what they say."""
    page = visit(LESSONS[0]).page
    page.evaluate("window.print = () => { window.printed = true; }")
    button, menu = page.get_by_role("button", name="Download this page"), page.locator(".dropdown-menu")
    button.click()
    assert menu.is_visible() and button.get_attribute("aria-expanded") == "true"
    page.locator("article h1").click()
    assert not menu.is_visible() and button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.get_by_role("link", name=".ipynb").evaluate("(link) => link.click()")
    assert download.value.suggested_filename == Path(LESSONS[0]).with_suffix(".ipynb").name
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    button.click()
    page.get_by_role("button", name=".pdf").click()
    assert page.evaluate("window.printed")


def test_copy_button(visit):
    page = visit(LESSONS[0], permissions=["clipboard-read", "clipboard-write"]).page
    cell = page.locator("div.highlight").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()


@pytest.mark.parametrize("path", LESSONS)
def test_offline_after_load(visit, path):
    """A page that has come needs the network no more."""
    one = visit(path, "phone", color_scheme="light")
    one.scroll()
    one.context.set_offline(True)
    asked = len(one.requests)
    one.page.get_by_role("button", name="Color mode").tap()
    assert one.page.locator("html").get_attribute("data-theme") == "dark"
    one.page.locator(".primary-toggle").tap()
    assert one.page.locator("#pst-primary-sidebar-modal").is_visible()
    one.page.keyboard.press("Escape")
    assert one.requests[asked:] == []


@pytest.mark.parametrize("path", LESSONS)
@pytest.mark.parametrize("way", ["from a folder", "without scripts", "printed"])
def test_drawn(visit, path, way):
    """However a lesson is opened, its figures, formulas and explorers are at least drawn."""
    options = {"java_script_enabled": False} if way == "without scripts" else {}
    url = SITE.as_uri() + "/" if way == "from a folder" else None
    one = visit(path, quiet=False, **options, **({"url": url} if url else {}))
    if way == "printed":
        one.page.emulate_media(media="print")
    assert one.page.locator("article .katex-html").filter(visible=True).count() > 0
    boxes = one.page.locator("article img, .explorer").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect()).map(({width, height}) => [width, height])"
    )
    assert all(width > 100 and height > 60 for width, height in boxes)
    if way != "printed":
        one.scroll()
        pictures = one.page.locator("article img").evaluate_all("(all) => all.map((one) => one.naturalWidth)")
        assert all(pictures)
    assert not one.foreign()
