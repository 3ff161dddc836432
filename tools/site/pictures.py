"""Figures: as small as they can be without a visible difference, loaded when the reader comes near."""

import io
from pathlib import Path

from lxml import etree
from PIL import Image

from tools.site.files import digest, is_local


def prepare(page, cache):
    for image in page.find("//img[@src]"):
        if not is_local(image.get("src")):
            continue
        old = page.target(image.get("src"))
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
    """A PNG as the smaller of an exact WebP, best for lines, and an AVIF of quality 34, best for shades."""
    if not name.endswith(".png"):
        return name, data
    key = digest(Path(__file__).read_bytes() + data)  # a new recipe is a new picture
    known = list(cache.glob(f"{key}.*"))
    if not known:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        packed = {
            "webp": pack(picture, "webp", lossless=True, method=6),
            "avif": pack(picture, "avif", quality=34, speed=4),
        }
        kind = min(packed, key=lambda kind: len(packed[kind]))
        known = [cache / f"{key}.{kind}"]
        cache.mkdir(parents=True, exist_ok=True)
        known[0].write_bytes(packed[kind])
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
