"""The bubblewrap of the grader's tests: `python -m tools.bubblewrap` brings it if the machine has none.

Where it cannot be installed, it comes into `_build/bubblewrap`, whose `usr/bin` the Makefile has in the PATH.
"""

import shutil
import sys
from pathlib import Path

from lib.homework import sandbox
from tools import debian

UNPACKED = Path("_build/bubblewrap").resolve()


def main():
    if not shutil.which("bwrap") and not debian.install("bubblewrap"):
        debian.unpack("bubblewrap", UNPACKED)
    try:
        sandbox.check_isolation()
    except sandbox.Unisolated as error:
        return f"no sandbox for the grader's tests: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
