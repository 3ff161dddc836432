"""The finished site in Chromium: from the first touch of an explorer to its picture, from slider to path."""

import statistics

from playwright.sync_api import sync_playwright

from benchmarks.timing import Row, duration
from tests.browser.reader import FLAGS, SITE, Visit, serve
from tools import chromium

FIRST, FRAME, LOOP = 1.0, 0.016, 2.0  # seconds
ROUNDS = 5
MOVES = [60 + 7 * k % 100 for k in range(60)]

# Moves the first slider of an explorer from place to place, and measures until its first path is drawn anew.
MOVE = """async ([explorer, places]) => {
    const find = (selector) => explorer.querySelector(selector);
    const knob = find(".knob input[type=range]");
    const draws = find(".plot.map, .plot.series");
    const path = () => draws.querySelector(".path").getAttribute("d");
    const times = [];
    for (const place of places) {
        const before = path();
        const began = performance.now();
        await new Promise((drawn, fail) => {
            setTimeout(() => fail(`nothing drawn for ${place}`), 5000);
            const observer = new MutationObserver(() => path() !== before && drawn(observer.disconnect()));
            observer.observe(draws, { subtree: true, childList: true });
            knob.focus();
            knob.value = place;
            knob.dispatchEvent(new Event("input", { bubbles: true }));
        });
        times.push(performance.now() - began);
        await new Promise((next) => setTimeout(next, 20));
    }
    return times;
}"""

# Writes a rule that never ends into the open editor, and measures until that is explained.
HANG = """async (explorer) => {
    const [area, trouble] = ["textarea", ".traceback"].map((name) => explorer.querySelector(name));
    const began = performance.now();
    area.value = "def rule(w, gradient, t):\\n    while True:\\n        pass\\n";
    area.dispatchEvent(new Event("input", { bubbles: true }));
    while (!trouble.textContent) await new Promise((next) => setTimeout(next, 5));
    return performance.now() - began;
}"""


def moves(explorer, places=MOVES):
    """Seconds from each move of the first slider to the new path."""
    times = explorer.page.evaluate(MOVE, [explorer.element_handle(), places])
    return [time / 1000 for time in times]


def hang(explorer):
    """Seconds from an edit that never ends to what is said about it, the wait for more typing included."""
    return explorer.page.evaluate(HANG, explorer.element_handle()) / 1000


def alone(explorer, steps=100):
    """Leaves one optimizer and gives it as many steps."""
    for _ in range(explorer.locator(".optimizer").count() - 1):
        explorer.get_by_role("button", name="Remove optimizer").last.evaluate("button => button.click()")
    field = explorer.get_by_label("Steps", exact=True)
    field.fill(str(steps))
    field.press("Enter")
    explorer.locator(".fate", has_text=f"after {steps} steps").wait_for()


def lessons():
    """The lessons with an explorer."""
    pages = sorted(SITE.glob("chapters/*.html"))
    return [page.stem for page in pages if "data-module" in page.read_text(encoding="utf-8")]


def rows():
    path = chromium.find()
    assert path, "there is no Chromium: python -m tools.chromium"
    assert SITE.exists(), "there is no site: make book"
    with serve(SITE) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)

        def open_explorer(lesson):
            visit = Visit(browser, f"{site.url}chapters/{lesson}.html", "desktop")
            visit.page.locator(".transport").first.wait_for()
            visit.page.wait_for_load_state("networkidle")
            return visit, visit.page.locator(".explorer").first

        for lesson in lessons():
            times = []
            for _ in range(ROUNDS):
                visit, explorer = open_explorer(lesson)
                times += moves(explorer, [77])
                visit.context.close()
            yield row("first touch to picture", lesson, statistics.median(times), FIRST)
        visit, explorer = open_explorer("05_momentum")
        alone(explorer)
        times = moves(explorer)
        yield row("slider to path", "one rule, 100 steps", statistics.median(times), FRAME)
        explorer.get_by_role("button", name="Edit the rule").evaluate("button => button.click()")
        explorer.page.wait_for_function("document.querySelector('textarea').value.startsWith('def')")
        yield row("endless loop to its explanation", "from the edit", hang(explorer), LOOP)
        visit.context.close()
        browser.close()


def row(what, where, found, limit):
    return Row(
        f"{what}, {where}",
        duration(found),
        f"the limit {duration(limit)}",
        found / limit,
        "<= 1",
    )
