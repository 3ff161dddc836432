"""Figures: as small as they can be without a visible difference, loaded when the reader comes near."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lxml import etree
from PIL import Image

from tools.site.files import digest, is_local

# As light and as like the original as speed 4 at quality 34, in two thirds of the time; more threads would
# cut a picture into tiles, which are larger.
AVIF = {"quality": 36, "speed": 5, "max_threads": 1, "autotiling": False}


def pack_all(book, cache):
    """Pack the figures of all pages side by side, for `prepare` to find."""
    names = {page.site.read(name): name for page in book for _, name in figures(page)}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda data: lighter(names[data], data, cache), names))


def figures(page):
    """The local images of a page, each with the name of its file."""
    for image in page.find("//img[@src]"):
        if is_local(image.get("src")):
            yield image, page.target(image.get("src"))


def prepare(page, cache):
    for image, old in list(figures(page)):
        name, data = lighter(old, page.site.read(old), cache)
        image.set("src", page.link(page.site.add(name, data)))
        for link in page.find("//a[@href]"):
            if is_local(link.get("href")) and page.target(link.get("href")) == old:
                link.set("href", image.get("src"))
        if image.xpath("ancestor::article"):
            width, height = size(name, data)
            image.attrib.update(
                {"width": str(width), "height": str(height), "loading": "lazy", "decoding": "async"}
            )


def lighter(name, data, cache):
    """A PNG as the smaller of an exact WebP, best for lines, and an AVIF, best for shades."""
    if not name.endswith(".png"):
        return name, data
    key = digest(Path(__file__).read_bytes() + data)  # a new recipe is a new picture
    known = list(cache.glob(f"{key}.*"))
    if not known:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        packed = {
            "webp": pack(picture, "webp", lossless=True, method=6),
            "avif": pack(picture, "avif", **AVIF),
        }
        kind = min(packed, key=lambda kind: len(packed[kind]))
        known = [cache / f"{key}.{kind}"]
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = cache / f"unfinished-{known[0].name}"  # half a picture would stay for good
        unfinished.write_bytes(packed[kind])
        unfinished.replace(known[0])
    return f"_images/figure{known[0].suffix}", known[0].read_bytes()


def pack(picture, kind, **options):
    packed = io.BytesIO()
    picture.save(packed, kind, **options)
    return packed.getvalue()


def size(name, data):
    """Width and height in the pixels of a page."""
    if name.endswith(".svg"):
        drawing = etree.fromstring(data)
        return [round(pixels(drawing.get(side))) for side in ("width", "height")]
    return Image.open(io.BytesIO(data)).size


def pixels(length):
    if length.endswith("pt"):
        return float(length[:-2]) * 4 / 3
    return float(length.removesuffix("px"))
