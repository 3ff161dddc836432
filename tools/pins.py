"""Bring the versions in tests/colab/requirements.in to those that Colab has today: `python -m tools.pins`."""

import re
import urllib.request
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "tests/colab/requirements.in"
LIST = "https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.txt"
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def key(name: str) -> str:
    """The name of a package however it is spelled; TensorFlow for CPU is TensorFlow."""
    return re.sub(r"[-_.]+", "-", name).lower().removesuffix("-cpu")


def update(requirements: str, listed: str) -> str:
    """The requirements with the versions of a list; a KeyError names a package that is not on it."""
    versions = {key(name): version for name, version in PIN.findall(listed)}
    return PIN.sub(lambda pin: f"{pin[1]}=={versions[key(pin[1])]}", requirements)


def main() -> None:
    with urllib.request.urlopen(LIST, timeout=60) as answer:
        listed = answer.read().decode("utf-8")
    REQUIREMENTS.write_text(update(REQUIREMENTS.read_text(encoding="utf-8"), listed), encoding="utf-8")


if __name__ == "__main__":
    main()
