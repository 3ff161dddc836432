"""Set the address of the repository, the one place that links and notebooks take it from.

    python -m tools.repository [https://github.com/OWNER/REPOSITORY]

writes the address, if one is given, to _config.yml, and the links of that address into README.md.
`make repository URL=...` does so and then brings it into every notebook.
"""

import argparse
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SPELLINGS = re.compile(
    r"(?:https?://(?:[^@/]+@)?(?:www\.)?github\.com/|(?:ssh://)?git@(?:ssh\.)?github\.com(?::\d+/|[:/]))"
    r"([\w-]+/[\w.-]+?)(?:\.git)?/?"
)
SETTING = re.compile(r"(?<=^repository:\n  url: ).*$", re.MULTILINE)
LINKS = re.compile(r"(?<=<!-- links -->\n).*?(?=<!-- /links -->)", re.DOTALL)


def clean(url: str) -> str | None:
    """The address on the web of a repository on GitHub, however git spells it; None for any other."""
    match = SPELLINGS.fullmatch(url.strip())
    return f"https://github.com/{match[1]}" if match else None


def stated(root: Path = ROOT) -> tuple[str, str]:
    """The address that _config.yml states, empty if it states none, and the branch."""
    setting = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    url = setting["url"] or ""
    address = clean(url)
    if url and address is None:
        raise ValueError(f"_config.yml: no repository on GitHub: {url}")
    return address or "", setting["branch"]


def state(url: str, root: Path = ROOT) -> None:
    """Write the address into _config.yml."""
    address = clean(url)
    if address is None:
        raise ValueError(f"no repository on GitHub: {url}")
    config = root / "_config.yml"
    config.write_text(SETTING.sub(f'"{address}"', config.read_text(encoding="utf-8")), encoding="utf-8")


def colab(address: str, branch: str, path: str) -> str:
    """Where a notebook runs on Colab."""
    return f"{address.replace('github.com', 'colab.research.google.com/github')}/blob/{branch}/{path}"


def binder(address: str, branch: str, path: str) -> str:
    """Where a notebook runs on Binder, in JupyterLab."""
    repository = address.removeprefix("https://github.com/")
    return f"https://mybinder.org/v2/gh/{repository}/{branch}?urlpath=lab/tree/{path}"


def links(address: str, branch: str) -> str:
    """What README says of a repository with this address."""
    if not address:
        return ""
    owner, name = address.removeprefix("https://github.com/").split("/")
    first = "chapters/01_gradient_descent.ipynb"
    tests = f"{address}/actions/workflows/ci.yml"
    site = f"https://{owner.lower()}.github.io/"
    if name.lower() != f"{owner.lower()}.github.io":
        site += f"{name}/"
    return (
        f"[Read it]({site}), or run its first lesson on [Colab]({colab(address, branch, first)})\n"
        f"or [Binder]({binder(address, branch, first)}). [![tests]({tests}/badge.svg)]({tests})\n"
    )


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", help="the address of the repository on GitHub")
    url = parser.parse_args(arguments).url
    try:
        if url:
            state(url, root)
        page = (root / "README.md").read_text(encoding="utf-8")
        page = LINKS.sub(lambda _: links(*stated(root)), page)
        (root / "README.md").write_text(page, encoding="utf-8")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
