"""What a reader does with the explorers of lessons 3, 4 and 5, on the finished site and under its policy."""

import json
import re
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import expect

from benchmarks.page import MOVES, alone, moves

AVERAGES, CORRECTION, MOMENTUM = (
    f"chapters/{name}.html" for name in ("03_ewma", "04_bias_correction", "05_momentum")
)
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"


class Explorer:
    """One explorer of a page, by what a reader sees of it."""

    def __init__(self, visited, number=0):
        self.visited, self.page = visited, visited.page
        self.number = number
        self.box = self.page.locator(".explorer").nth(number)
        expect(self.box.locator(".transport")).to_be_visible()  # the widget has taken the picture's place
        self.box.evaluate("box => scrollTo(0, box.getBoundingClientRect().top + scrollY - 100)")

    def __getattr__(self, name):
        return getattr(self.box, name)

    @property
    def start(self):
        return self.box.get_by_role("slider", name="Start point")

    def start_is(self, x, y):
        expect(self.start).to_have_attribute("aria-valuetext", f"w₁ {x}, w₂ {y}")

    def coordinates(self):
        return [
            float(n)
            for n in re.findall(r"-?[\d.]+$|-?[\d.]+(?=,)", self.start.get_attribute("aria-valuetext"))
        ]

    def fate(self, card=0):
        return self.box.locator(".fate").nth(card)

    def message(self):
        return self.box.locator(".message")

    def path(self, card=0):
        return self.box.locator(".map .path").nth(card).get_attribute("d")

    def knob(self, name, card=0):
        return self.box.locator(".optimizer").nth(card).get_by_role("slider", name=name, exact=True)

    def number_of(self, name, card=0):
        return self.box.locator(".optimizer").nth(card).get_by_label(f"{name}, typed")

    def type(self, field, text):
        field.fill(text)
        field.press("Enter")

    def edit(self, card=0):
        one = self.box.locator(".optimizer").nth(card)
        one.get_by_role("button", name="Edit the rule").click()
        number = one.get_attribute("aria-label").split()[-1]
        area = self.box.get_by_role("textbox", name=f"Python source of rule {number}")
        expect(area).to_have_value(re.compile("^def "))
        return area

    def loss(self, card=0):
        return float(re.search(r"loss (\S+) after", self.fate(card).inner_text()).group(1))


@pytest.fixture
def explorer(visit):
    """`explorer(path, number=0, **options)` opens a page and goes to one of its explorers."""
    return lambda path, number=0, **options: Explorer(visit(path, **options), number)


@pytest.fixture
def valley(explorer):
    """The three walkers of lesson 5."""
    return explorer(MOMENTUM)


# 1. Seen at once


@pytest.mark.parametrize("path, count", [(AVERAGES, 1), (CORRECTION, 1), (MOMENTUM, 2)])
def test_without_scripts_every_explorer_is_a_drawing(visit, path, count):
    page = visit(path, java_script_enabled=False).page
    pictures = page.locator(".explorer > svg.picture")
    expect(pictures).to_have_count(count)
    for picture in pictures.all():
        assert picture.get_attribute("role") == "img"
        assert picture.locator("title").text_content() and picture.locator("desc").text_content()
        box = picture.bounding_box()
        assert box["width"] > 300 and box["height"] > 200


def test_from_the_file_system_the_drawing_stays(browser, site, visit):
    from tests.browser.conftest import SITE

    page = visit("", url=(SITE / MOMENTUM).as_uri(), quiet=False).page
    expect(page.locator(".explorer > svg.picture")).to_have_count(2)


def test_nothing_of_the_engine_comes_before_it_is_needed(valley):
    assert not [url for url in valley.visited.requests if "micropython" in url or url.endswith(".py")]
    assert valley.path().count("L") > 20  # and yet the path is drawn
    valley.start.focus()
    expect(valley.box.locator(".scroll").first).to_contain_text("effective rate")
    assert [url for url in valley.visited.requests if url.endswith(".wasm")]


# 2. The start


def test_start_is_dragged(valley):
    before, box = valley.path(), valley.start.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    valley.page.mouse.move(x, y)
    valley.page.mouse.down()
    valley.page.mouse.move(x + 60, y + 40, steps=5)
    valley.page.mouse.up()
    moved = valley.coordinates()
    assert moved[0] > 0.5 and moved[1] < 2.9
    expect(valley.box.locator(".map .path").first).not_to_have_attribute("d", before)


def test_start_is_set_by_a_click(valley):
    box = valley.box.locator(".plot.map").bounding_box()
    valley.page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.2)
    assert valley.coordinates()[0] > 2
    expect(valley.start).to_be_focused()


def test_start_is_moved_by_keys_and_typed(valley):
    valley.start.focus()
    valley.page.keyboard.press("ArrowRight")
    valley.start_is(0.2, 3)
    valley.page.keyboard.press("Shift+ArrowDown")
    valley.start_is(0.2, 2.7)
    valley.type(valley.box.get_by_label("Start w₁"), "2.5")
    valley.start_is(2.5, 2.7)
    valley.type(valley.box.get_by_label("w₂", exact=True), "oops")
    expect(valley.message()).to_contain_text("w₂ must be a number")
    valley.start_is(2.5, 2.7)


def test_start_is_dragged_by_touch(explorer):
    valley = explorer(MOMENTUM, device="phone")
    box = valley.start.bounding_box()
    assert box["width"] >= 44 and box["height"] >= 44
    picture = valley.box.locator(".plot.map").bounding_box()
    valley.page.touchscreen.tap(picture["x"] + 250, picture["y"] + 60)
    assert valley.coordinates()[0] > 1
    width = valley.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


# 3. Surfaces, optimizers and their hyperparameters


def test_surface_is_chosen(valley):
    levels = valley.box.locator(".surface").inner_html()
    valley.box.get_by_label("Surface", exact=True).select_option("beale")
    valley.start_is(1, 1.5)
    expect(valley.fate()).to_contain_text("diverges")
    assert valley.box.locator(".surface .level").count() == 14
    assert valley.box.locator(".surface").inner_html() != levels


def test_optimizers_race_from_one_start_for_the_same_steps(valley):
    valley.box.get_by_role("button", name="Add an optimizer").click()
    expect(valley.box.locator(".optimizer")).to_have_count(4)
    valley.box.get_by_label("Rule of optimizer 4").select_option("adam")
    expect(valley.number_of("learning_rate", 3)).to_have_value("0.001")  # Keras's: nothing is tuned
    expect(valley.knob("epsilon", 3)).to_be_visible()
    expect(valley.fate(3)).to_contain_text("after 80 steps")
    colors = [
        valley.box.locator(".map .path").nth(k).evaluate("path => getComputedStyle(path).stroke")
        for k in range(4)
    ]
    dashes = [valley.box.locator(".chart .curve").nth(k).get_attribute("stroke-dasharray") for k in range(4)]
    assert len(set(colors)) == len(set(dashes)) == 4
    starts = {valley.path(k).split("L")[0] for k in range(4)}
    assert len(starts) == 1
    valley.box.get_by_role("button", name="Remove optimizer 1").click()
    expect(valley.box.locator(".optimizer")).to_have_count(3)


def test_slider_moves_the_path_and_rates_are_spread_by_powers_of_ten(valley):
    before = valley.path()
    knob = valley.knob("learning_rate")
    knob.focus()
    valley.page.keyboard.press("Home")
    expect(valley.number_of("learning_rate")).to_have_value("0.0001")
    valley.page.keyboard.press("End")
    expect(valley.number_of("learning_rate")).to_have_value("10")
    valley.type(valley.number_of("learning_rate"), "0.1")
    expect(valley.fate()).to_contain_text(re.compile("^loss"))
    expect(valley.box.locator(".map .path").first).not_to_have_attribute("d", before)
    assert abs(int(knob.input_value()) - 120) <= 1  # three of five powers of ten


def test_same_steps_for_all_and_a_whole_number(valley):
    steps = valley.box.get_by_label("Steps", exact=True)
    valley.type(steps, "12")
    expect(valley.box.locator(".count")).to_have_text("step 12 / 12")
    valley.type(steps, "2.5")
    expect(valley.message()).to_contain_text("whole number from 1 to 10000")
    expect(valley.fate()).to_contain_text("after 12 steps")


# 4. Step by step


def test_play_pause_step_and_scrub(explorer):
    valley = explorer(MOMENTUM, reduced_motion="no-preference")
    count = valley.box.locator(".count")
    valley.box.get_by_role("button", name="Play").click()
    valley.page.wait_for_timeout(400)
    valley.box.get_by_role("button", name="Pause").click()
    reached = int(re.search(r"step (\d+)", count.inner_text()).group(1))
    assert 1 < reached < 60
    valley.box.get_by_role("button", name="One step forward").click()
    expect(count).to_have_text(f"step {reached + 1} / 80")
    valley.box.get_by_role("button", name="One step back").click()
    expect(count).to_have_text(f"step {reached} / 80")
    scrub = valley.box.get_by_role("slider", name="Step", exact=True)
    scrub.fill("5")
    expect(count).to_have_text("step 5 / 80")
    assert "momentum (momentum 0.2): loss" in scrub.get_attribute("aria-valuetext")
    assert valley.path().count("L") == 5  # bold up to the present step


def test_reduced_motion_shows_ten_stills(valley):
    seen = valley.page.evaluate(
        """async (count) => {
            const seen = new Set();
            const observer = new MutationObserver(() => seen.add(count.textContent));
            observer.observe(count, { childList: true, characterData: true, subtree: true });
            count.closest(".explorer").querySelector("[aria-label=Play]").click();
            await new Promise((done) => setTimeout(done, 5600));
            return [...seen];
        }""",
        valley.box.locator(".count").element_handle(),
    )
    assert len(seen) <= 12 and "step 80 / 80" in seen


def test_step_under_the_pointer_is_read_as_numbers(valley):
    valley.start.focus()
    readout = valley.box.locator(".scroll").first
    expect(readout).to_contain_text("effective rate")
    box = valley.box.locator(".plot.map").bounding_box()
    first = re.findall(r"[\d.]+", valley.path().split("L")[1])
    valley.page.mouse.move(box["x"] + 54 + float(first[0]), box["y"] + 8 + float(first[1]))
    expect(readout).to_contain_text("step 1")
    # g = (0.2 * -2.9, 2.4 * 1) at the start, the step 0.8 times that
    expect(readout).to_contain_text("(0.564, 1.08)")
    expect(readout).to_contain_text("(-0.58, 2.4)")
    expect(readout).to_contain_text("(0.464, -1.92)")
    expect(readout).to_contain_text("(0.8, 0.8)")


def test_all_numbers_as_table_and_csv(valley):
    valley.visited.context.grant_permissions(["clipboard-read", "clipboard-write"])
    valley.box.get_by_text("Numbers as a table").click()
    rows = valley.box.locator("details tbody tr")
    expect(rows).to_have_count(3 * 81)
    valley.box.get_by_role("button", name="Copy as CSV").click()
    expect(valley.message()).to_contain_text("Copied")
    header, *lines = valley.page.evaluate("navigator.clipboard.readText()").split("\n")
    assert header.startswith(
        "optimizer,step,w1,w2,loss,gradient 1,gradient 2,velocity 1,velocity 2,effective rate 1"
    )
    assert len(lines) == 3 * 81
    assert lines[1].split(",")[1:4] == ["1", "0.564", "1.08"]


# 5. Divergence


def test_divergence_is_shown_as_such(valley):
    valley.type(valley.number_of("learning_rate"), "8")
    expect(valley.fate()).to_have_text(re.compile(r"loss .* after 80 steps; leaves the picture at step \d+"))
    expect(valley.box.locator(".map .exit").first).to_have_text(re.compile(r"out at step \d+"))
    valley.type(valley.box.get_by_label("Steps", exact=True), "400")
    expect(valley.fate()).to_have_text(re.compile(r"diverges: leaves .* no longer finite at step \d\d\d"))
    expect(valley.box.locator(".map .exit").first).to_have_text(re.compile(r"not finite at \d\d\d"))
    assert valley.box.locator(".chart .leaving").count() == 1
    # The loss leaves the finite numbers long before the point does: above the picture, not below it.
    curve = valley.box.locator(".chart .curve").first.get_attribute("d")
    assert float(curve.split()[-1]) < 0


def test_an_explorer_that_does_not_know_its_size_is_no_wider_than_the_screen(visit):
    page = visit(MOMENTUM, "phone").page
    page.context.add_init_script("ResizeObserver = class { observe() {} disconnect() {} unobserve() {} }")
    page.reload()
    expect(page.locator(".explorer .transport").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_complaint_is_seen_where_the_reader_is(explorer, device):
    valley = explorer(MOMENTUM, device=device)
    valley.type(valley.box.get_by_label("Start w₁"), "oops")
    expect(valley.message()).to_contain_text("must be a number")
    expect(valley.message()).to_be_in_viewport(ratio=1)


# 6. The rule


def test_rule_is_edited_and_reset(valley):
    before = valley.loss(1)
    area = valley.edit(1)
    source = area.input_value()
    area.fill(source.replace("return w + velocity", "return w + 0.5 * velocity"))
    expect(valley.fate(1)).not_to_contain_text(f"loss {before:g} ")
    expect(valley.box.locator(".scroll").first).to_contain_text("momentum, edited")
    valley.box.get_by_role("button", name="Reset the rule").click()
    expect(area).to_have_value(source)
    expect(valley.fate(1)).to_contain_text(f"loss {before:g} ")


def test_broken_edit_shows_its_line_and_keeps_the_picture(valley):
    area = valley.edit()
    path, source = valley.path(), area.input_value()
    area.fill(source.replace("velocity = momentum *", "velocity = momentun *"))
    trouble = valley.box.locator(".traceback").first
    expect(trouble).to_contain_text("NameError")
    expect(trouble).to_contain_text("velocity = momentun *")
    wrong = valley.box.locator(".gutter .wrong").first.inner_text().strip()
    assert "momentun" in area.input_value().split("\n")[int(wrong) - 1]
    expect(valley.fate()).to_contain_text("The picture keeps the last path that worked.")
    assert valley.path() == path
    area.fill(source)
    expect(trouble).to_be_empty()


@pytest.mark.parametrize(
    "returned, complaint",
    [("return w", "must return 2 values"), ("return w[0], velocity", "must return w in its shape")],
    ids=["too few", "shape"],
)
def test_rule_that_returns_the_wrong_things_is_told_so(valley, returned, complaint):
    area = valley.edit()
    path = valley.path()
    area.fill(area.input_value().replace("return w + velocity, velocity", returned))
    expect(valley.box.locator(".traceback, .fate").filter(has_text=complaint).first).to_be_visible()
    assert valley.path() == path


def test_endless_loop_is_stopped_and_explained(valley):
    valley.start.focus()
    expect(valley.box.locator(".scroll").first).to_contain_text("effective rate")
    area = valley.edit()
    path, source = valley.path(), area.input_value()
    area.fill(
        source.replace("    velocity = momentum", "    while True:\n        pass\n    velocity = momentum")
    )
    expect(valley.box.locator(".traceback").first).to_contain_text("does a loop never end")
    assert valley.path() == path
    area.fill(source)
    expect(valley.fate()).to_have_text(re.compile(r"^loss \S+ after 80 steps$"))


def test_rule_is_edited_beside_the_picture(valley, explorer):
    area, picture = valley.edit().bounding_box(), valley.box.locator(".plot.map").bounding_box()
    assert area["x"] > picture["x"] + picture["width"]
    assert abs(area["y"] - picture["y"]) < 100
    phone = explorer(MOMENTUM, device="phone")
    area, picture = phone.edit().bounding_box(), phone.box.locator(".plot.map").bounding_box()
    assert 0 < area["y"] - (picture["y"] + picture["height"]) < 100


def test_two_rules_are_edited_and_put_away(valley):
    first, second = valley.edit(0), valley.edit(1)
    expect(second).to_be_focused()
    expect(first).to_be_visible()
    valley.box.get_by_role("button", name="Remove optimizer 1").click()
    expect(first).to_have_count(0)
    valley.box.get_by_role("button", name="Close").click()
    expect(second).to_have_count(0)
    opener = valley.box.get_by_role("button", name="Edit the rule").first
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_editor_is_left_by_keyboard(valley):
    area = valley.edit()
    source = area.input_value()
    area.press("ControlOrMeta+End")
    area.press("Tab")
    expect(area).to_have_value(source + "    ")
    area.press("ControlOrMeta+z")
    expect(area).to_have_value(source)
    area.press("Escape")
    area.press("Tab")
    expect(area).not_to_be_focused()


# 7. The link


def test_link_carries_the_picture(valley, explorer):
    valley.box.get_by_label("Surface", exact=True).select_option("himmelblau")
    valley.start_is(0, 0.5)
    valley.box.get_by_label("Rule of optimizer 1").select_option("adam")
    valley.type(valley.number_of("learning_rate"), "0.2")
    valley.box.get_by_role("button", name="Remove optimizer 2").click()
    area = valley.edit(1)
    area.fill(area.input_value().replace("return w + velocity", "return w + 0.1 * velocity"))
    expect(valley.box.locator(".scroll").first).to_contain_text("momentum, edited")
    valley.type(valley.number_of("learning_rate", 1), "0.01")
    expect(valley.fate(1)).to_contain_text("loss")
    valley.box.get_by_role("slider", name="Step", exact=True).fill("33")
    valley.box.get_by_role("button", name="Copy link").click()
    expect(valley.message()).to_contain_text("Copied: a link")
    other = explorer(MOMENTUM + "#" + valley.page.url.partition("#")[2])
    other.start_is(0, 0.5)
    expect(other.box.locator(".count")).to_have_text("step 33 / 80")
    valley.box.get_by_role("button", name="Close").click()
    for card in (0, 1):
        expect(other.fate(card)).to_have_text(valley.fate(card).inner_text())
        expect(valley.box.locator(".map .path").nth(card)).to_have_attribute("d", other.path(card))


def good(**changes):
    run = {"rule": "adam", "source": None, "hyperparameters": {"learning_rate": 0.1}}
    return {"surface": "beale", "start": [1, 1.5], "steps": 50, "runs": [run], **changes}


@pytest.mark.parametrize(
    "setting",
    [
        "%7Bbroken",
        good(surface="moon"),
        good(surface="__proto__"),
        good(start=[1]),
        good(start=["<img src=x onerror=alert(1)>", 1]),
        good(steps=10**9),
        good(steps=-1),
        good(runs=[]),
        good(runs=good()["runs"] * 99),
        good(runs=[{"rule": "constructor", "source": None, "hyperparameters": {}}]),
        good(runs=[{"rule": "adam", "source": None, "hyperparameters": {"speed": 1}}]),
        good(runs=[{"rule": "adam", "source": None, "hyperparameters": {"learning_rate": -1}}]),
        good(runs=[{"rule": "adam", "source": None, "hyperparameters": {"beta_1": 1}}]),
        good(runs=[{"rule": "adam", "source": 7, "hyperparameters": {}}]),
        [],
        None,
    ],
    ids=str,
)
def test_tampered_link_is_refused_and_the_picture_kept(explorer, setting):
    text = setting if isinstance(setting, str) else quote(json.dumps(setting))
    valley = explorer(f"{MOMENTUM}#explorer-1={text}")
    expect(valley.message()).to_contain_text("The link cannot be used")
    valley.start_is(0.1, 3)
    assert valley.box.locator(".optimizer").count() == 3
    assert valley.path().count("L") > 20


def test_refusal_of_a_link_stays_until_it_is_read(explorer):
    valley = explorer(f"{MOMENTUM}#explorer-1=%7Bbroken")
    valley.start.focus()
    expect(valley.box.locator(".scroll").first).to_contain_text("effective rate")
    expect(valley.message()).to_contain_text("The link cannot be used")
    expect(valley.message()).to_be_in_viewport(ratio=1)
    valley.start.click()
    expect(valley.message()).to_be_empty()


def plane(**changes):
    axes = {
        "x": {"name": "learning_rate", "values": [2, 2.1]},
        "y": {"name": "momentum", "values": [0, 0.1]},
    }
    run = {"rule": "momentum", "source": None, "hyperparameters": {"learning_rate": 2, "momentum": 0}}
    setting = {"surface": "ravine", "start": [0.1, 3.5], "steps": 5, "runs": [run]}
    return setting | {"plane": axes | {"show": "final_loss"} | changes}


@pytest.mark.parametrize(
    "setting",
    [
        plane(show="toString"),
        plane(x=plane()["plane"]["y"]),
        plane(y={"name": "momentum", "values": [0.5, 1]}),
        plane(x={"name": "speed", "values": [1]}),
        plane() | {"plane": None},
        plane() | {"runs": good()["runs"]},
    ],
    ids=str,
)
def test_tampered_link_of_a_map_is_refused(explorer, setting):
    chart = explorer(f"{MOMENTUM}#explorer-2={quote(json.dumps(setting))}", 1)
    expect(chart.message()).to_contain_text("The link cannot be used")
    expect(chart.number_of("momentum")).to_have_value("0.35")
    assert chart.box.locator(".heat path[class^=shade]").count() > 5


def test_hyperparameter_out_of_range_is_refused_and_the_picture_kept(valley):
    path = valley.path()
    valley.type(valley.number_of("momentum"), "1.5")
    expect(valley.fate()).to_contain_text("momentum must be a finite number in [0, 1), got 1.5")
    assert valley.path() == path
    valley.type(valley.number_of("momentum"), "0.5")
    expect(valley.fate()).to_have_text(re.compile(r"^loss \S+ after 80 steps"))


def test_call_for_a_notebook_draws_the_same(valley):
    valley.visited.context.grant_permissions(["clipboard-read", "clipboard-write"])
    area = valley.edit(1)
    area.fill(area.input_value().replace("return w + velocity", "return w + 0.5 * velocity"))
    expect(valley.box.locator(".scroll").first).to_contain_text("momentum, edited")
    valley.type(valley.box.get_by_label("Start w₁"), "1.5")
    expect(valley.fate(1)).to_contain_text("loss")
    valley.box.get_by_role("button", name="Copy as Python").click()
    expect(valley.message()).to_contain_text("Copied: the Python")
    *lines, call = valley.page.evaluate("navigator.clipboard.readText()").strip().partition("explore(\n")
    scope = {}
    exec("".join(lines[:1]) + "drawn = explore(\n" + call, scope)
    drawn = scope["drawn"]
    assert drawn.setting["start"] == [1.5, 3.0] and len(drawn.setting["runs"]) == 3
    for card in range(3):
        assert drawn.first["runs"][card]["loss"][-1] == pytest.approx(valley.loss(card), rel=2e-3)


# 8. Averages, and the map


def test_averages_follow_beta_start_and_correction(explorer):
    averages = explorer(CORRECTION)
    facts = averages.box.locator(".facts")
    beta = averages.box.get_by_label("beta, typed")
    correction = averages.box.get_by_label("Correct the bias")
    expect(correction).to_be_checked()
    averages.box.get_by_role("slider", name="Step", exact=True).fill("1")
    expect(facts).to_contain_text("12.8")
    correction.uncheck()
    expect(facts).to_contain_text("0.256")  # (1 - 0.98) * 12.8
    expect(facts).to_contain_text("98 %")  # rests on the zero
    averages.type(beta, "0.9")
    expect(facts).to_contain_text("1.28")
    expect(facts).to_contain_text("10 steps")
    expect(facts).to_contain_text("6.58 steps")
    expect(facts).to_contain_text("9 steps")
    averages.box.get_by_label("Start at").select_option("first")
    expect(facts).to_contain_text("weight on the start, the first value")
    expect(correction).to_be_disabled()
    averages.type(beta, "1")
    expect(averages.message()).to_contain_text("beta must be a number in [0, 1)")
    expect(facts).to_contain_text("10 steps")
    assert averages.box.locator(".weights .bars").get_attribute("d")


def test_averages_have_links_too(explorer):
    averages = explorer(AVERAGES)
    averages.type(averages.box.get_by_label("beta, typed"), "0.5")
    averages.box.get_by_role("button", name="Copy link").click()
    expect(averages.box.locator(".facts")).to_contain_text("2 steps")  # the answer comes after the message
    expect(averages.message()).to_contain_text("Copied: a link")
    averages.box.get_by_role("slider", name="Step", exact=True).fill("100")
    expect(averages.message()).to_be_empty()
    averages.box.get_by_role("button", name="Copy link").click()
    expect(averages.message()).to_contain_text("Copied: a link")
    other = explorer(AVERAGES + "#" + averages.page.url.partition("#")[2])
    expect(other.box.locator(".facts")).to_have_text(
        averages.box.locator(".facts").inner_text(), use_inner_text=True
    )
    bad = quote(json.dumps({"beta": 2, "start": "zero", "corrected": False}))
    other = explorer(f"{AVERAGES}#explorer-1={bad}")
    expect(other.message()).to_contain_text("The link cannot be used")
    for step in ("abc", 2.5, {"a": 1}):
        odd = quote(json.dumps({"beta": 0.5, "start": "zero", "corrected": False, "step": step}))
        other = explorer(f"{AVERAGES}#explorer-1={odd}")
        expect(other.box.locator(".facts")).to_contain_text("2 steps")
        last = other.box.get_by_role("slider", name="Step", exact=True).get_attribute("max")
        expect(other.box.locator(".count")).to_have_text(f"step {last} / {last}")


def test_cell_of_the_map_plays_its_path(explorer):
    chart = explorer(MOMENTUM, 1, reduced_motion="no-preference")
    box = chart.box.locator(".plot.heat").bounding_box()
    chart.page.mouse.click(box["x"] + 60, box["y"] + box["height"] - 39)  # slow and without momentum
    expect(chart.number_of("momentum")).to_have_value("0")
    expect(chart.box.get_by_role("button", name="Pause")).to_be_visible()
    cell = chart.box.get_by_role("slider", name="Cell of the map")
    expect(cell).to_be_focused()
    chart.page.keyboard.press("ArrowUp")
    expect(chart.number_of("momentum")).to_have_value("0.05")
    assert "final loss" in cell.get_attribute("aria-valuetext")


def test_map_that_is_worse_everywhere_says_so(explorer):
    chart = explorer(f"{MOMENTUM}#explorer-2={quote(json.dumps(plane()))}", 1)
    expect(chart.box.locator(".heat path[class^=shade]")).to_have_count(0)
    expect(chart.box.locator(".heat .worse")).to_have_attribute("d", re.compile("^(M[^M]+){4}$"))


def test_map_of_steps_names_the_loss_to_reach(explorer):
    chart = explorer(MOMENTUM, 1)
    chart.box.get_by_label("Show", exact=True).select_option(label="steps to loss 0.001")
    legend = chart.box.locator(".legend")
    expect(legend).to_contain_text("momentum 0.35: steps to loss 0.001 9.")
    expect(chart.box.get_by_role("progressbar")).to_be_hidden(timeout=20_000)
    box = chart.box.locator(".plot.heat").bounding_box()
    chart.page.mouse.click(box["x"] + 60, box["y"] + box["height"] - 39)
    expect(legend).to_contain_text("momentum 0: steps to loss 0.001 not reached.")


@pytest.mark.parametrize("show", ["final_loss", "steps_to_tolerance"])
def test_link_carries_the_map(explorer, show):
    def cells(chart):
        progress = chart.box.get_by_role("progressbar")
        expect(progress).to_be_visible()
        expect(progress).to_be_hidden()
        return chart.box.locator(".heat svg svg").inner_html()

    chart = explorer(MOMENTUM, 1)
    if show == "steps_to_tolerance":
        chart.box.get_by_label("Show", exact=True).select_option(show)
        cells(chart)
    chart.box.get_by_label("Rule of optimizer 1").select_option("adam")
    expected = cells(chart)
    chart.box.get_by_role("button", name="Copy link").click()
    expect(chart.message()).to_contain_text("Copied")
    other = explorer(MOMENTUM + "#" + chart.page.url.partition("#")[2], 1)
    assert cells(other) == expected
    assert 'class="shade-' in expected or 'class="worse"' in expected


def test_rule_without_two_hyperparameters_has_no_map(explorer):
    chart = explorer(MOMENTUM, 1)
    offered = chart.box.get_by_label("Rule of optimizer 1").locator("option").all_inner_texts()
    assert "adam" in offered and "gradient_descent" not in offered
    cells = chart.box.locator(".heat svg svg").inner_html()
    area = chart.edit()
    area.fill(
        area.input_value().replace(", momentum=0.9", "").replace("momentum * velocity", "0.5 * velocity")
    )
    expect(chart.message()).to_contain_text("A map needs a rule with two hyperparameters")
    assert chart.box.locator(".heat svg svg").inner_html() == cells


def test_call_for_a_map_names_the_loss_to_reach(explorer):
    chart = explorer(MOMENTUM, 1)
    chart.visited.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chart.box.get_by_role("button", name="Copy as Python").click()
    expect(chart.message()).to_contain_text("Copied: the Python")
    text = chart.page.evaluate("navigator.clipboard.readText()")
    compile(text, "copied", "exec")
    assert "surface=surfaces.ravine," in text and "tolerance=0.001," in text


def test_map_is_computed_for_other_courses_and_axes(explorer):
    chart = explorer(MOMENTUM, 1)
    shades = chart.box.locator(".heat path[class^=shade]")
    before = [path.get_attribute("d") for path in shades.all()]
    assert len(before) > 5 and chart.box.locator(".heat .worse").count() == 1
    chart.box.get_by_label("Rule of optimizer 1").select_option("adam")
    expect(chart.box.get_by_label("Across", exact=True)).to_have_value("learning_rate")
    expect(chart.box.get_by_role("progressbar")).to_be_visible()
    expect(chart.box.get_by_role("progressbar")).to_be_hidden(timeout=20_000)
    assert [path.get_attribute("d") for path in shades.all()] != before
    chart.box.get_by_label("Show", exact=True).select_option("steps_to_tolerance")
    expect(chart.box.locator(".legend")).to_contain_text("not reached")


# The house


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [AVERAGES, CORRECTION, MOMENTUM])
def test_axe_finds_nothing_in_the_explorers(visit, path, scheme):
    page = visit(path, color_scheme=scheme).page
    for number in range(page.locator(".explorer").count()):
        one = page.locator(".explorer").nth(number)
        expect(one.locator(".transport")).to_be_visible()
        edit = one.get_by_role("button", name="Edit the rule").first
        if edit.count():
            edit.click()
            expect(one.get_by_role("textbox", name="Python source of rule").first).to_have_value(
                re.compile("def")
            )
        one.get_by_text("Numbers as a table").click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run('.explorer').then(({violations}) => violations)")
    assert not [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found]


def test_every_control_is_reached_by_tab_and_seen(valley):
    valley.box.get_by_label("Surface", exact=True).focus()
    wanted = valley.page.evaluate(
        """box => [...box.querySelectorAll("button, select, input, textarea, summary, [tabindex]")]
            .filter((node) => node.checkVisibility() && !node.disabled).length""",
        valley.box.element_handle(),
    )
    seen = valley.page.evaluate("document.activeElement.outerHTML") and 1
    for _ in range(wanted + 5):
        valley.page.keyboard.press("Tab")
        inside, outline = valley.box.evaluate(
            "b => [b.contains(document.activeElement), getComputedStyle(document.activeElement).outlineStyle]"
        )
        if not inside:
            break
        assert outline == "solid"
        seen += 1
    assert seen == wanted


def test_works_offline_once_loaded(valley):
    valley.start.focus()
    expect(valley.box.locator(".scroll").first).to_contain_text("effective rate")
    valley.visited.context.set_offline(True)
    valley.box.get_by_label("Surface", exact=True).select_option("rosenbrock")
    valley.start_is(-1.2, 1)
    valley.type(valley.number_of("learning_rate"), "0.001")
    expect(valley.fate()).to_have_text(re.compile(r"^loss \S+ after 80 steps$"))


def test_engine_that_cannot_start_leaves_the_picture_and_a_sentence(visit):
    visited = visit("", quiet=False)
    visited.context.route("**/*.wasm", lambda route: route.abort())
    visited.page.goto(visited.url + MOMENTUM)
    valley = Explorer(visited)
    path = valley.path()
    valley.type(valley.number_of("learning_rate"), "0.5")
    expect(valley.message()).to_contain_text("did not start")
    assert valley.path() == path
    valley.box.get_by_role("button", name="Start over").click()
    expect(valley.message()).to_contain_text("did not start")
    visited.page.wait_for_timeout(500)
    assert valley.path() == path


def test_browser_that_knows_no_pairs_of_colors_draws_the_light_ones(visit):
    def without_pairs(route):
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace("light-dark(", "not-known("))

    def colors(old):
        visited = visit("", color_scheme="light", quiet=not old)
        if old:
            visited.context.route("**/*.css", without_pairs)
        visited.page.goto(visited.url + MOMENTUM)
        parts = Explorer(visited).box.locator(
            ".path, .curve, .level, .frame, .minimum, .label, .count, button"
        )
        return parts.evaluate_all(
            "(all) => all.map(getComputedStyle).map(({ color, fill, stroke }) => [color, fill, stroke])"
        )

    assert colors(old=True) == colors(old=False)


def test_level_lines_and_start_stay_with_the_path_in_print(valley):
    """Paper has another width, and no script runs between the layout and the print."""
    frame, surface, start, handle = valley.box.locator(".plot.map").evaluate(
        """(plot) => {
            const rectangle = (name) => plot.querySelector(name).getBoundingClientRect();
            plot.style.width = "300px";
            const { x, y, width, height } = rectangle(".frame");
            const surface = rectangle(".surface");
            const path = plot.querySelector(".path");
            const start = path.getPointAtLength(0).matrixTransform(path.getScreenCTM());
            const handle = rectangle(".handle");
            return [
                [x, y, width, height],
                [surface.x, surface.y, surface.width, surface.height],
                [start.x, start.y],
                [handle.x + handle.width / 2, handle.y + handle.height / 2],
            ];
        }"""
    )
    assert surface == pytest.approx(frame, abs=1)
    assert handle == pytest.approx(start, abs=1)


def test_every_move_of_a_slider_is_drawn(valley):
    """As `make bench` measures it: one rule, 100 steps; how fast is printed there."""
    alone(valley.box)
    assert len(moves(valley.box)) == len(MOVES)


def test_state_in_a_link_is_readable(valley):
    valley.box.get_by_role("button", name="Copy link").click()
    expect(valley.message()).to_contain_text("Copied")
    name, _, text = valley.page.url.partition("#")[2].partition("=")
    assert name == "explorer-1"
    assert json.loads(unquote(text))["surface"] == "zigzag"
