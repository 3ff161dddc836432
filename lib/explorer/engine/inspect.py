"""Python's `inspect`, as far as the library needs it, for functions at the top level of a file.

MicroPython's functions know neither their parameters nor their source: both are read from the file's text.
"""

import linecache
from collections import OrderedDict


class Parameter:
    class empty:
        pass

    POSITIONAL_OR_KEYWORD, VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD = 1, 2, 3, 4

    def __init__(self, name, kind, default):
        self.name = name
        self.kind = kind
        self.default = default


class Signature:
    def __init__(self, parts, scope):
        self._parts = parts
        self.parameters = OrderedDict()
        kind = Parameter.POSITIONAL_OR_KEYWORD
        for part in parts:
            stars = len(part) - len(part.lstrip("*"))
            name, equals, default = part.lstrip("*").partition("=")
            name = name.partition(":")[0].strip()
            if name:
                this = (kind, Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)[stars]
                value = eval(default.strip(), scope) if equals else Parameter.empty
                self.parameters[name] = Parameter(name, this, value)
            if stars == 1:
                kind = Parameter.KEYWORD_ONLY

    def __str__(self):
        return f"({', '.join(self._parts)})"


# A function and its signature: a rule is asked for it several times in a row.
_last = (None, None)


def signature(function):
    global _last
    if _last[0] is not function:
        _last = (
            function,
            Signature(_parameters(_from(function))[0], function.__globals__),
        )
    return _last[1]


def getsource(function):
    text = _from(function)
    end = _parameters(text)[1]
    lines = text[end:].split("\n")
    body = lines[:1]
    for line in lines[1:]:
        if line.strip() and line[0] not in " \t":
            break
        body.append(line)
    return text[:end] + "\n".join(body).rstrip() + "\n"


def _from(function):
    """The text of the file from the function's definition on."""
    try:
        text = "\n" + "".join(linecache.getlines(function.__globals__["__file__"]))
        return text[text.rindex(f"\ndef {function.__name__}(") + 1 :]
    except (AttributeError, KeyError, OSError, ValueError):
        raise TypeError(
            f"{function!r} is not a function at the top level of a file"
        ) from None


def _parameters(text):
    """What stands between the first parenthesis and its twin, parted at the commas, and where it ends."""
    parts, depth, quote, comment = [""], 0, "", False
    first = text.index("(") + 1
    for position, c in enumerate(text[first:]):
        if comment:
            comment = c != "\n"
            continue
        if quote:
            quote = "" if c == quote else quote
        elif c == "#":
            comment = True
            continue
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < 0:
                return [
                    part.strip() for part in parts if part.strip()
                ], first + position + 1
        elif c == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += c
