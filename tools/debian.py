"""Debian's packages, for what the tests need and no Python package brings."""

import os
import shutil
import subprocess


def install(*packages):
    """Install packages with apt-get, if the machine has it and may; whether it did."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    subprocess.run(["apt-get", "update", "--quiet"])
    return subprocess.run(["apt-get", "install", "--yes", *packages]).returncode == 0
