"""Under pytest a failed check is an error; the report ends with the tasks passed."""

import os
import re

import pytest

os.environ["HOMEWORK_RAISE"] = "1"  # kernels inherit it; lib/homework reads it

CHECK = re.compile(r'check\("(\d\d\.\d)"')


def pytest_itemcollected(item):
    if hasattr(item, "cell") and not item.parent.compare_outputs:
        item.cell.outputs = []  # what a student's notebook has stored says nothing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    found = CHECK.match(item.cell.source) if hasattr(item, "cell") else None
    if found and call.when == "call":
        report.user_properties.append(("task", found[1]))
    return report


def pytest_terminal_summary(terminalreporter):
    lines = [
        f"{report.fspath} {dict(report.user_properties)['task']} {outcome}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if "task" in dict(report.user_properties)
    ]
    if lines:
        terminalreporter.section("homework")
        terminalreporter.write("\n".join(sorted(lines)) + "\n")
