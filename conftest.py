"""What the notebook tests (nbval) compare, and what they demand of a figure and of a whole notebook.

Stored notebooks hold text, no pictures (tools/notebooks.py). nbval skips PNG by itself and SVG when told.
"""

import psutil
import pytest

# Of processor time, which does not depend on what else the machine does; TensorFlow's import is in it.
SECONDS = 60


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("image/svg+xml",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    compared = getattr(item.parent, "compare_outputs", False)  # not with --nbval-lax
    for output in (item.test_outputs or []) if compared else []:
        data = output.get("data", {})
        if any(mime.startswith("image/") for mime in data):
            stored = item.cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
            assert stored == data.get("text/plain"), "a figure without its text alternative (make notebooks)"
    if hasattr(item, "cell"):
        times = psutil.Process(item.parent.kernel.km.provisioner.pid).cpu_times()
        assert times.user + times.system < SECONDS, f"the notebook has taken more than {SECONDS} seconds"
    return result
