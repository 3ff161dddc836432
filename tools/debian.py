"""Debian's packages, for what the tests need and no Python package brings."""

import os
import shutil
import subprocess


def install(*packages):
    """Install packages with apt-get, as root or as who may be; whether that worked."""
    if not shutil.which("apt-get"):
        return False
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if as_root and not shutil.which("sudo"):
        return False
    subprocess.run([*as_root, "apt-get", "update", "--quiet"])
    return subprocess.run([*as_root, "apt-get", "install", "--yes", *packages]).returncode == 0


def unpack(package, folder):
    """Unpack a package into a folder, which anybody may; whether that worked."""
    if not shutil.which("apt-get"):
        return False
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "--quiet", "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}"]
    for command in ([*apt, "update"], [*apt, "download", package]):
        if subprocess.run(command, cwd=folder).returncode != 0:
            return False
    (found,) = folder.glob(f"{package}_*.deb")
    return subprocess.run(["dpkg", "--extract", found, folder]).returncode == 0
