"""The bubblewrap of the grader's tests: `python -m tools.bubblewrap` brings it if the machine has none."""

import os
import shutil
import subprocess
import sys

from lib.homework import sandbox


def install():
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "--quiet"])
        subprocess.run(["apt-get", "install", "--yes", "bubblewrap"])


def main():
    if not shutil.which("bwrap"):
        install()
    try:
        sandbox.check_isolation()
    except sandbox.Unisolated as error:
        return f"no sandbox for the grader's tests: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
