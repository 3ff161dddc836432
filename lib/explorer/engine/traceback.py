"""Python's `traceback`, as far as the explorer needs it. MicroPython keeps no chain of errors."""

import io
import sys


def format_exception(error, chain=True):
    text = io.StringIO()
    sys.print_exception(error, text)
    return text.getvalue().splitlines(True)
