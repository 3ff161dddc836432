"""The bubblewrap of the grader's tests: `python -m tools.bubblewrap` brings it if the machine has none."""

import shutil
import sys

from lib.homework import sandbox
from tools import debian


def main():
    if not shutil.which("bwrap"):
        debian.install("bubblewrap")
    try:
        sandbox.check_isolation()
    except sandbox.Unisolated as error:
        return f"no sandbox for the grader's tests: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
