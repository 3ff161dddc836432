"""Style sheets as rules that can be changed and written again."""

from dataclasses import dataclass

import tinycss2
from tinycss2.ast import Node

CONDITIONS = {"media", "supports", "layer", "container"}
FRAMES = {"keyframes", "-webkit-keyframes"}


@dataclass
class Declaration:
    """name: value"""

    name: str
    value: list[Node]
    important: bool

    def __str__(self):
        return f"{self.name}:{text(self.value)}{'!important' * self.important}"


@dataclass
class Rule:
    """@keyword head, head {body}: no keyword if it is no at-rule; the body is rules or declarations."""

    keyword: str
    heads: list[list[Node]]
    body: list

    def __str__(self):
        at = f"@{self.keyword} " if self.keyword else ""
        separator = "" if self.keyword in CONDITIONS | FRAMES else ";"
        return f"{at}{','.join(map(text, self.heads))}{{{separator.join(map(str, self.body))}}}"


def parse(sheet):
    """The rules of a style sheet, with a string where it imports another."""
    parsed = []
    for node in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        keyword = node.lower_at_keyword if node.type == "at-rule" else ""
        if keyword == "import":
            parsed.append(next(token.value for token in node.prelude if token.type in ("string", "url")))
        elif keyword != "charset":
            parsed.append(rule(node))
    return parsed


def rule(node):
    if node.type == "error":
        raise ValueError(f"line {node.source_line} of a style sheet: {node.message}")
    keyword = node.lower_at_keyword if node.type == "at-rule" else ""
    if keyword in CONDITIONS | FRAMES:
        inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
        body = [rule(node) for node in inner]
    else:
        body = declarations(node.content)
    return Rule(keyword, split(node.prelude), body)


def declarations(content):
    """The declarations of a block. What a browser would not understand it would skip, and so does this."""
    nodes = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    if any(node.type.endswith("rule") for node in nodes):
        raise ValueError(
            f"rules within rules, which nothing here expects: {tinycss2.serialize(content)[:80]}"
        )
    return [
        Declaration(node.name, node.value, node.important) for node in nodes if node.type == "declaration"
    ]


def split(tokens):
    """The parts between the commas."""
    parts = [[]]
    for token in tokens:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def text(tokens):
    """The tokens as short as they can be written."""
    for token in tokens:
        if token.type == "whitespace":
            token.value = " "
    return tinycss2.serialize([token for token in tokens if token.type != "comment"]).strip()


def tokens(text):
    return tinycss2.parse_component_value_list(text)


def walk(tokens):
    """Every token, those inside of functions and brackets included."""
    for token in tokens:
        yield token
        if token.type == "function":
            yield from walk(token.arguments)
        elif token.type in ("() block", "[] block", "{} block"):
            yield from walk(token.content)


def words(tokens):
    """The identifiers and strings in a value."""
    return [token.value for token in walk(tokens) if token.type in ("ident", "string")]


def urls(tokens):
    """The tokens that hold the URLs of a value."""
    for token in walk(tokens):
        if token.type == "url":
            yield token
        elif token.type == "function" and token.lower_name == "url":
            yield from token.arguments


def point(token, url):
    """Let a token of `urls` lead elsewhere."""
    token.value = url
    token.representation = f"url({url})" if token.type == "url" else f'"{url}"'


def every_declaration(rules):
    """Every declaration with the rule it stands in."""
    for rule in rules:
        for part in rule.body:
            if isinstance(part, Declaration):
                yield rule, part
            else:
                yield from every_declaration([part])
