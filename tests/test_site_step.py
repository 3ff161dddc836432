"""The step from Sphinx's pages to the finished site, and the gate behind it."""

import importlib.util
import io
import json
import shutil
from pathlib import Path

import lxml.html
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from tools.site import (
    css,
    fonts,
    gate,
    pages,
    pictures,
    scripts,
    styles,
    terms,
    widgets,
)
from tools.site.__main__ import make
from tools.site.files import Page, Site
from tools.site.policy import POLICY

ROOT = Path(__file__).parents[1]
KATEX = ROOT / "node_modules" / "katex" / "dist"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>t</title>{head}</head>
<body><article>{body}</article></body></html>"""


@pytest.fixture
def page(tmp_path):
    """`page(body, head="", **files)`: a page as Sphinx might have written it, at chapters/one.html."""

    def write(body, head="", name="chapters/one.html", **files):
        for file, content in {name: PAGE.format(head=head, body=body), **files}.items():
            path = tmp_path / "html" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Page(Site(tmp_path / "html"), name)

    return write


def png(array):
    packed = io.BytesIO()
    Image.fromarray(np.asarray(array, dtype=np.uint8)).save(packed, "png")
    return packed.getvalue()


@pytest.mark.parametrize(
    "sheet",
    [
        "a:hover>b,c::before{color:red;margin:0 auto!important}",
        '@media (min-width:10px){.a{content:"; } {"}}',
        "@supports (display:grid){@media print{.a{b:c}}}",
        "@font-face {font-family:A;src:url(data:font/woff2;base64,AA==)}",
        "@keyframes turn{from{top:0}50%{top:1px}}",
        ":root{--x:a b;--y:var(--x,#fff)}",
    ],
)
def test_css_round_trip(sheet):
    assert "".join(map(str, css.parse(sheet))) == sheet


def test_css_writes_less():
    (rule,) = css.parse("  a /* b */ ,\n c { /* d */ color : red ;\n\n }  /* e */")
    assert str(rule) == "a,c{color:red}"


def test_css_refuses_what_it_would_lose():
    with pytest.raises(ValueError, match="rules within rules"):
        css.parse("a{color:red;&:hover{color:blue}}")
    with pytest.raises(ValueError, match="line 2"):
        css.parse("a{}\nb")


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        ("p{x:y}", "p{x:y}"),
        ("h6{x:y}", ""),
        ("p.known#here>a{x:y}", "p.known#here>a{x:y}"),
        ("p.unknown{x:y}", ""),
        ("#unknown{x:y}", ""),
        ("p,h6,.unknown a{x:y}", "p{x:y}"),
        ("p:not(.unknown){x:y}", "p:not(.unknown){x:y}"),
        (":is(h6,p){x:y}", ":is(h6,p){x:y}"),
        ("p[data-unknown=a]::before:hover{x:y}", "p[data-unknown=a]::before:hover{x:y}"),
        ("*,:root{x:y}", "*,:root{x:y}"),
        ("@media print{h6{x:y}}", ""),
        ("@media print{h6{x:y}p{x:y}}", "@media print{p{x:y}}"),
    ],
)
def test_purge(sheet, kept):
    assert "".join(map(str, styles.purge(css.parse(sheet), {"p", "a", "known", "here"}))) == kept


def test_idle_variables_and_animations_go():
    sheet = (
        ":root{--a:var(--b);--b:1px;--c:2px;--script:3px}"
        "@keyframes turn{from{top:0}}@keyframes idle{from{top:var(--c)}}"
        "p{top:var(--a);animation:turn 1s}"
    )
    variables, frames, rule = map(str, styles.drop_idle(css.parse(sheet), {"--script"}))
    assert variables == ":root{--a:var(--b);--b:1px;--script:3px}"
    assert frames == "@keyframes turn{from{top:0}}"
    assert rule == "p{top:var(--a);animation:turn 1s}"


def test_style_attributes_become_classes(page):
    one = page('<p style="top: 1px" class="a"></p><p style="left: 2px"></p><p style="top: 1px"></p>')
    rules = styles.name_attributes([one])
    assert [p.get("class") for p in one.find("//p")] == ["a s1", "s0", "s1"]
    assert not one.find("//@style")
    assert list(map(str, rules)) == [".s0:not(#_){left:2px}", ".s1:not(#_){top:1px}"]


def test_font_of_the_characters_that_occur():
    data = (KATEX / "fonts" / "KaTeX_Main-Regular.woff2").read_bytes()
    cut = fonts.cut(data, set("a+→☃"))
    assert sorted(map(chr, TTFont(io.BytesIO(cut)).getBestCmap())) == ["+", "a", "→"]
    assert len(cut) < len(data) / 10
    assert fonts.cut(data, set("a+→")) == cut
    assert fonts.cut(data, {"☃"}) is None


def test_picture_of_lines_stays_exact(page, tmp_path):
    drawing = np.full((100, 200, 3), 255)
    drawing[40:60] = [0, 114, 178]
    image = '<img src="../_images/f.png" alt="a">'
    one = page(f'<a href="../_images/f.png">{image}</a>', **{"_images/f.png": png(drawing)})
    pictures.prepare(one, tmp_path / "cache")
    ((name, data),) = one.site.files.items()
    assert name.startswith("_images/figure.") and name.endswith(".webp")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), drawing)
    (image,) = one.find("//img")
    assert dict(image.attrib) == {
        "src": f"../{name}",
        "alt": "a",
        "width": "200",
        "height": "100",
        "loading": "lazy",
        "decoding": "async",
    }
    assert one.find("//a/@href") == [f"../{name}"]


def test_picture_of_shades_gets_light(tmp_path):
    x, y = np.meshgrid(np.arange(300), np.arange(200))
    shades = np.stack([x % 256, y, (x * y) % 256], axis=2)
    _, data = pictures.lighter("f.png", png(shades), tmp_path)
    assert len(data) < len(png(shades)) / 2
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(b"known")
    assert pictures.lighter("f.png", png(shades), tmp_path)[1] == b"known"


def test_picture_that_was_not_written_to_the_end_is_packed_again(tmp_path, monkeypatch):
    drawing = png(np.full((9, 9, 3), 7))

    def half(path, data):
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(OSError):
            pictures.lighter("f.png", drawing, tmp_path)
    name, data = pictures.lighter("f.png", drawing, tmp_path)
    assert pictures.size(name, data) == (9, 9)
    assert np.asarray(Image.open(io.BytesIO(data))).shape == (9, 9, 3)


def test_pictures_of_all_pages_are_packed_before_they_are_asked_for(page, tmp_path, monkeypatch):
    drawings = {f"_images/{gray}.png": png(np.full((9, 9, 3), gray)) for gray in range(3)}
    book = [page(f'<img src="../{name}" alt="a">', **{name: data}) for name, data in drawings.items()]
    pictures.pack_all([*book, book[0]], tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3
    monkeypatch.delattr(pictures, "pack")
    for one in book:
        pictures.prepare(one, tmp_path / "cache")
    assert len(one.site.files) == 1


def test_drawing_says_its_size():
    assert pictures.size("a.svg", b'<svg width="540pt" height="288pt"/>') == [720, 384]
    assert pictures.size("a.svg", b'<svg width="54" height="28.4px"/>') == [54, 28]


def test_scripts_go_to_files_in_order(page):
    head = (
        '<script data-cfasync="false">theirs</script><script src="../_static/doctools.js?v=1"></script>'
        "<script>let a = 1;</script><script>let b = a;</script>"
        '<script src="../_static/searchtools.js"></script>'
        '<script type="application/json">{"kept": true}</script>'
    )
    one = page("<pre></pre>", head, **{"_static/doctools.js": "tools", "_static/searchtools.js": "search"})
    scripts.prepare(one)
    assert [text for script in one.find("//script") for text in script.itertext()] == ['{"kept": true}']
    (colors,) = one.find("//head/script/@src")
    assert "colors" in colors
    files = [one.site.files[one.target(src)] for src in one.find("//body/script/@src")]
    assert files[:2] == [b"tools", b"let a = 1;\nlet b = a;"]
    assert not {b"search", b"theirs"} & set(one.site.files.values())


def test_scripts_get_short():
    site = Site(None)
    site.files = {
        "a.js": b"function used(number) { return number + 1; } // why",
        "b.mjs": b"import a from 'a';\nconst long = a;\nexport default long;",
        "c.css": b"p { }",
    }
    scripts.shrink(site)
    assert site.files["a.js"] == b"function used(n){return n+1}"
    assert b"long" not in site.files["b.mjs"] and site.files["c.css"] == b"p { }"


WIDGET = {
    "_esm": "export default {};",
    "_css": ".explorer { color: red }",
    "layout": "IPY_MODEL_2",
    "picture": '<svg viewBox="0 0 1 1" role="img"><title>A bowl</title></svg>',
    "text": "</script>",
}


def widget_page(page, **state):
    states = {"1": {"state": {**WIDGET, **state}}, "2": {"state": {}}}
    head = (
        f'<script type="application/vnd.jupyter.widget-state+json">{json.dumps({"state": states})}</script>'
    )
    view = '<script type="application/vnd.jupyter.widget-view+json">{"model_id": "1"}</script>'
    return page(f"<p>before</p>{view}", head.replace('</script>"', '<\\/script>"'))


def test_widget_is_drawn_in_its_place(page):
    one = widget_page(page)
    widgets.mount(one)
    (place,) = one.find("//article/div[@class='explorer']")
    assert one.site.files[one.target(place.get("data-module"))] == WIDGET["_esm"].encode()
    assert place.find("svg/title").text == "A bowl"
    again = lxml.html.fragment_fromstring(lxml.html.tostring(place, encoding="unicode"))
    assert json.loads(again.find("script").text) == {"text": "</script>"}
    assert one.site.files[one.target(one.find("//link/@href")[0])] == WIDGET["_css"].encode()
    assert len(one.find("//script")) == 2
    (engine,) = {name.split("/")[1] for name in one.site.files if "micropython" in name}
    assert f"_static/{engine}/lib/averages.py" in one.site.files
    assert one.find("//body/script/@src") == [f"../_static/{engine}/lib/explorer/page.js"]


def test_widget_without_a_picture_is_refused(page):
    one = widget_page(page, picture="")
    with pytest.raises(ValueError, match=r"chapters/one.html: a widget without a picture"):
        widgets.mount(one)


def test_page_that_sends_on_becomes_the_other(page, tmp_path):
    page("<p>the book</p>", name="intro.html")
    (tmp_path / "html" / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=intro.html">')
    found = {one.name: one.find("//p/text()") for one in pages.read(Site(tmp_path / "html"))}
    assert found == {"index.html": ["the book"], "intro.html": ["the book"]}


def test_unknown_handler_is_refused(page):
    with pytest.raises(KeyError, match="elsewhere"):
        pages.tidy(page('<button onclick="elsewhere()">a</button>'))


def test_a_notebook_is_downloaded_however_it_is_sent(page):
    one = page('<a href="../_sources/a.ipynb" target="_blank">a</a>', **{"_sources/a.ipynb": b"{}"})
    pages.tidy(one)
    assert dict(one.find("//a")[0].attrib) == {"href": "../_sources/a.ipynb", "download": ""}
    assert one.site.files == {"_sources/a.ipynb": b"{}"}


GLOSSARY = PAGE.format(
    head="",
    body="""<dl class="simple glossary">
    <dt id="term-step">step<a class="headerlink" href="#term-step">#</a></dt>
    <dt id="term-stride">stride</dt>
    <dd><p>What a <a href="#term-rule"><span class="xref std std-term">rule</span></a> <em>adds</em>.</p>
    <p>Lesson: <a href="chapters/one.html">one</a>.</p></dd>
    <dt id="term-rule">rule</dt><dd><p>What makes a <a href="#term-step">step</a>.</p></dd></dl>""",
)


def explained(page, body):
    one = page(body, **{"glossary.html": GLOSSARY})
    book = [one, Page(one.site, "glossary.html")]
    known = terms.meanings(book)
    for each in book:
        terms.explain(each, known)
    return book


def test_a_term_has_its_meaning_beside_it(page):
    links = [f'<a href="../glossary.html#term-{term}">{term}</a>' for term in ("stride", "step")]
    one, _ = explained(page, f"<p>A {links[0]}, or {links[1]}.</p>")
    (paragraph,) = one.find("//p")
    assert paragraph.text_content() == "A strideWhat a rule adds., or stepWhat a rule adds.."
    places = one.find("//p/span[@class='explained']")
    notes = [place.find("span") for place in places]
    assert [note.get("role") for note in notes] == ["tooltip", "tooltip"]
    assert [place.find("a").get("aria-describedby") for place in places] == [note.get("id") for note in notes]
    assert len({note.get("id") for note in notes}) == 2
    assert [len(note.xpath(".//a | .//span")) for note in notes] == [0, 0]
    assert notes[0].find("em").text == "adds"


def test_a_glossary_explains_its_own_terms_once(page):
    _, glossary = explained(page, "<p></p>")
    meanings = [note.text_content() for note in glossary.find("//*[@role='tooltip']")]
    assert meanings == ["What makes a step.", "What a rule adds."]
    assert glossary.find("//dt/a[@class='headerlink']/@aria-describedby") == []


@pytest.mark.parametrize(
    "url", ["one.html#term-step", "#term-step", "../glossary.html", "https://x.org/glossary.html#term-step"]
)
def test_no_other_link_is_explained(page, url):
    one, _ = explained(page, f'<p><a href="{url}">step</a></p>')
    assert one.find("//*[@role='tooltip']") == []


@pytest.fixture
def finished(page, tmp_path):
    """`finished(body, head)` makes the site of one page; returns its folder."""

    def build(body, head="", **files):
        source = page(body, head, **files).site.source
        make(source, tmp_path / "site", tmp_path / "cache")
        return tmp_path / "site"

    return build


def test_finished_site_passes_and_is_the_same_again(finished, tmp_path):
    body = (
        '<h1 style="top: 1px">A</h1><img src="../_images/f.png" alt="a"><pre>a</pre><a href="https://x.org">x</a>'
        '<button onclick="window.print()">print</button>'
    )
    head = (
        '<link rel="stylesheet" href="../_static/a.css"><link rel="icon" href="../_static/i.svg">'
        "<noscript><style>p {}</style></noscript><script>let a = 1;</script>"
    )
    files = {
        "_images/f.png": png(np.zeros((20, 30, 3))),
        "_static/a.css": '@import "b.css"; h1 { color: red } h6 { color: blue }',
        "_static/b.css": "pre { background: url(i.svg) }",
        "_static/i.svg": "<svg/>",
    }
    site = finished(body, head, **files)
    assert list(gate.problems(site)) == []
    (sheet,) = site.rglob("*.css")
    assert sheet.read_text().startswith("pre{background:url(i.") and "h6" not in sheet.read_text()
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    shutil.rmtree(tmp_path / "cache")
    finished(body, head, **files)
    assert before == {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}


GOOD = PAGE.format(
    head=f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    '<link rel="stylesheet" href="a.css"><script src="a.js"></script>',
    body='<img src="f.webp" alt="a path" loading="lazy"><a href="https://example.org/">there</a>'
    '<div data-module="a.js"><svg role="img"><title>A bowl</title></svg></div>',
)
BAD = {
    "no policy": (POLICY, "default-src *", "the policy is"),
    "inline script": ("<article>", "<script>1</script><article>", "an inline script"),
    "inline module": ("<article>", '<script type="module">1</script><article>', "an inline script"),
    "style element": ("<article>", "<style>p {}</style><article>", "a style element"),
    "style attribute": ("<article>", '<article style="top: 1px">', "the attribute style"),
    "handler": ("<article>", '<article onclick="1">', "the attribute onclick"),
    "code as address": ("https://example.org/", "javascript:1", "code as an address"),
    "foreign picture": ("f.webp", "https://example.org/f.webp", "asks another origin"),
    "foreign script": ('src="a.js"', 'src="//example.org/a.js"', "asks another origin"),
    "foreign style": ('href="a.css"', 'href="http://example.org/a.css"', "asks another origin"),
    "foreign frame": (
        "<article>",
        '<iframe src="https://example.org/"></iframe><article>',
        "asks another origin",
    ),
    "foreign form": (
        "<article>",
        '<form action="https://example.org/"></form><article>',
        "asks another origin",
    ),
    "dead link": ("https://example.org/", "nowhere.html", "leads nowhere"),
    "dead link to a place": ("https://example.org/", "nowhere.html#here", "leads nowhere"),
    "lost place": ("https://example.org/", "#nowhere", "leads nowhere: #nowhere"),
    "lost place of a page": ("https://example.org/", "page.html#nowhere", "leads nowhere: page.html#nowhere"),
    "lost picture": ("f.webp", "g.webp", "leads nowhere"),
    "no alternative": (' alt="a path"', "", "without a text alternative"),
    "empty alternative": ('alt="a path"', 'alt=" "', "without a text alternative"),
    "picture without title": ("A bowl", "", "a widget's picture without a title"),
}


@pytest.fixture
def built(tmp_path):
    """`built(old, new)`: a finished site with one page, in which `old` is replaced."""

    def write(old="", new="", sheet="p{top:0}", script="1"):
        assert old in GOOD
        (tmp_path / "page.html").write_text(GOOD.replace(old, new) if old else GOOD)
        (tmp_path / "a.css").write_text(sheet)
        (tmp_path / "a.js").write_text(script)
        (tmp_path / "f.webp").write_bytes(b"picture")
        return list(gate.problems(tmp_path))

    return write


def test_gate_lets_a_good_page_pass(built):
    assert built() == []


@pytest.mark.parametrize(
    "url", ["#", "#top", "#a%20b", "page.html#a%20b", "page.html?q=1", "f.webp#xywh=1,1"]
)
def test_gate_knows_places(built, url):
    assert built('<a href="https://example.org/">', f'<a id="a b" href="{url}">') == []


@pytest.mark.parametrize("case", BAD)
def test_gate_names_what_is_wrong(built, case):
    old, new, problem = BAD[case]
    found = built(old, new)
    assert len(found) == 1 and found[0].startswith("page.html: ") and problem in found[0]


@pytest.mark.parametrize("sheet", ["p{background:url(https://example.org/a.png)}", "p{src:url(lost.woff2)}"])
def test_gate_reads_style_sheets(built, sheet):
    (found,) = built(sheet=sheet)
    assert found.startswith("a.css: a resource that is not of the site")
    (found,) = built(sheet='@import "b.css";')
    assert found == "a.css: a resource that is not of the site: b.css"


def test_gate_weighs(built):
    noise = "".join(map(chr, np.random.default_rng(0).integers(33, 127, 300_000)))
    (found,) = built(script=f"// {noise}")
    assert "before the first interaction, more than 200" in found


@pytest.fixture(scope="module")
def katex():
    spec = importlib.util.spec_from_file_location("katex_extension", ROOT / "_ext" / "katex.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    module.katex.close()


def test_formula_is_drawn_and_can_be_read_out(katex):
    drawn = lxml.html.fragment_fromstring(katex.katex.render(r"\sqrt{\hat v_t} + \varepsilon", display=False))
    assert drawn.xpath("//math//msqrt") and drawn.xpath("//*[@class='katex-html'][@aria-hidden='true']")
    assert "katex-display" in katex.katex.render("x", display=True)


@pytest.mark.parametrize("tex", [r"\frac{1}", r"\unknown", "x & y", r"\href{https://example.org}{x}"])
def test_wrong_formula_is_an_error_and_the_next_is_drawn(katex, tex):
    with pytest.raises(ValueError, match="KaTeX"):
        katex.katex.render(tex, display=False)
    assert "katex" in katex.katex.render("x", display=False)


@pytest.mark.parametrize(
    ("nowrap", "tex", "drawn"),
    [
        (False, r"a = b", r"a = b"),
        (False, r"a &= b \\ &= c", r"\begin{split}a &= b \\ &= c\end{split}"),
        (False, r"\begin{aligned} a \\ b \end{aligned}", r"\begin{aligned} a \\ b \end{aligned}"),
        (True, r"\begin{align} a \end{align}", r"\begin{align*} a \end{align*}"),
        (True, r"\begin{gather*} a \end{gather*}", r"\begin{gather*} a \end{gather*}"),
    ],
)
def test_display_formulas_leave_numbers_to_sphinx(katex, nowrap, tex, drawn):
    node = katex.nodes.math_block(tex, tex, nowrap=nowrap)
    assert katex.display_tex(node) == drawn
    assert "katex-display" in katex.katex.render(drawn, display=True)
