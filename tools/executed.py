"""What nbval executes, the book shows: a pytest plugin, `pytest --nbval -p tools.executed`.

A notebook whose every cell passes goes, with its pictures and the state of its widgets, into the cache where
Sphinx looks before it executes a notebook itself.
"""

import contextlib
import copy

import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbval.plugin import IPyNbCell

from tools import notebooks

CLIENT = pytest.StashKey[NotebookClient]()


@contextlib.contextmanager
def cache(config):
    """The book's cache, whose database is closed in the end."""
    opened = get_cache(config.rootpath / "_build" / ".jupyter_cache")
    try:
        yield opened
    finally:
        opened.db.dispose()


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        with cache(config):  # its database is made here, before two workers make it at once
            pass


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    file = item.parent
    if item.cell_num == 0:
        file.stash[CLIENT] = start(file)
    client, messages, listen = file.stash[CLIENT], [], file.get_kernel_message

    def get_kernel_message(**options):
        messages.append(listen(**options))
        return messages[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "get_kernel_message", get_kernel_message)
        result = yield
    write(client, item.cell_num, messages)
    if client.code_cells_executed == len(notebooks.code_cells(file.nb)):
        client.set_widgets_metadata()
        bundle = CacheBundleIn(client.nb, str(file.path))
        with cache(item.config) as kept:
            kept.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return result


def start(file):
    """An nbclient, which writes the notebook as it does for Sphinx; nbval has the kernel."""
    client = NotebookClient(copy.deepcopy(file.nb), record_timing=False)
    client.reset_execution_trackers()
    about = file.kernel.kc.kernel_info(reply=True)["content"]
    client.nb.metadata.language_info = about["language_info"]
    return client


def write(client, number, messages):
    """Put what the kernel has said into a cell."""
    cell = notebooks.code_cells(client.nb)[number]
    cell.outputs, client.clear_before_next_output = [], False
    *messages, idle = messages
    for message in messages:
        own = message["parent_header"].get("msg_id") == idle["parent_header"]["msg_id"]
        if own and message["msg_type"] != "status":
            client.process_message(message, cell, client.nb.cells.index(cell))
    client.code_cells_executed += 1
