"""What a cell prints, in one piece: myst-nb ends every piece it gets with a line break, even in mid-line."""

from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams


def join(outputs):
    """The outputs with the pieces of each stream put together as they came."""
    streams, joined = {}, []
    for output in outputs:
        if output["output_type"] != "stream":
            joined.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = output
            joined.append(output)
    return coalesce_streams(joined)


def setup(app):
    render.coalesce_streams = join
    return {"parallel_read_safe": True, "version": "1"}
