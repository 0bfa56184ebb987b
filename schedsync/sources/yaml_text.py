"""YAML text -> nodes -> values, and back to places in the text. No I/O.

Plain words mean what editors show (nearly YAML 1.2): ``on``, ``no``, ``12:30``, ``0755`` and dates are text.
`yaml_errors` words what the parser refuses; `job_file` and `defaults` make jobs of the values. Nodes are kept only as
long as their file is being read: they are what positions are looked up in.
"""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml
from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schedsync.sources.yaml_errors import TOO_DEEP, word_error
from schedsync.specs.problem import Problem

_MOST_REPEATED = 100_000
"""Nodes that aliases may repeat in one job: a bomb has billions."""
_DEEPEST = 50
"""Levels; `yaml_errors.TOO_DEEP` names the number."""
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"

Pairs = dict[str, tuple[Node, Node]]
"""Key -> the nodes of the key and of its value."""
FieldPath = tuple[str | int, ...]
"""Keys and indexes, as in `schedsync.specs.messages.FieldError`."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # without libyaml: slow, but the same
    """Resolves fewer words than YAML 1.1 does, and stops before nesting costs the process its stack."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - where PyYAML looks for them

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    # Both parsers call these two around each node, for resolvers by path, which nobody uses here.

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST and parent is not None:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


PLAIN_WORDS = tuple(
    (_TAG + name, re.compile(rf"(?:{pattern})\Z"), list(first))
    for name, pattern, first in (
        ("bool", r"true|false", "tf"),
        ("int", r"0|-?[1-9][0-9]*", "-0123456789"),
        ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-0123456789"),
        ("null", r"null|~|", ["n", "~", ""]),
        ("merge", r"<<", "<"),
    )
)
"""Tag, pattern and first characters of the words that are no text unless they are quoted."""
for _word in PLAIN_WORDS:
    _Loader.add_implicit_resolver(*_word)


class RefusedError(Exception):
    """Text that is YAML, but means nothing to us: where, and the sentence for its author."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.line, self.column = _place(node.start_mark)

    def problem(self, file: str) -> Problem:
        """Return the error as a problem of *file*."""
        return Problem(file, self.line, self.column, self.message)


def compose(text: str, file: str) -> list[Node] | Problem:
    """Return a node for each document of *text* that is not empty, or what the parser refuses.

    With a syntax error nothing is returned: it may as well be that the document before it goes on here.
    """
    try:
        loader = _Loader(text)
        try:
            nodes = list(iter(lambda: loader.get_node() if loader.check_node() else None, None))
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        return word_error(error, text, file)
    return [node for node in nodes if not _is_empty(node)]


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == f"{_TAG}null"


def build(node: Node) -> Any:
    """Return the value of *node*: text, numbers, true, false, None, lists, and mappings with text as keys.

    Raises:
        RefusedError: a key stands twice, a tag is unknown, aliases repeat too much, or *node* is nested too deep.
    """
    return _Builder().value(node, 0)


def pairs(node: MappingNode) -> Pairs:
    """Return the entries of *node*, those that it merges (``<<``) included.

    Raises:
        RefusedError: a key stands twice or is no text, or the merging is wrong.
    """
    return _Builder().pairs(node, 0)


# --- values --------------------------------------------------------------------------------------


class _Builder:
    """Builds one value; counts what aliases repeat."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeated = 0

    def value(self, node: Node, depth: int) -> Any:
        if isinstance(node, ScalarNode):
            return _scalar(node)
        self._enter(node, depth)
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            entries = self.pairs(node, depth)
            return {key: self.value(value, depth + 1) for key, (_, value) in entries.items()}
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(item, depth + 1) for item in node.value]
        raise _unknown_tag(node)

    def pairs(self, node: MappingNode, depth: int) -> Pairs:
        own: Pairs = {}
        merging: str | None = None
        for key_node, value_node in node.value:
            key = _key(node, key_node)
            if key in own:
                raise _duplicate(key, own[key][0], key_node)
            own[key] = (key_node, value_node)
            merging = key if key_node.tag == _MERGE else merging
        return own if merging is None else self._merged(own.pop(merging)[1], depth + 1) | own

    def _merged(self, node: Node, depth: int) -> Pairs:
        merged: Pairs = {}
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                raise RefusedError(source, '"<<" merges mappings only; write "<<: *name" or "<<: [*one, *other]"')
            self._enter(source, depth)
            merged = self.pairs(source, depth) | merged
        return merged

    def _enter(self, node: Node, depth: int) -> None:
        if depth > _DEEPEST:
            raise RefusedError(node, TOO_DEEP)
        if id(node) in self._seen:
            self._repeated += 1 + len(node.value)
            if self._repeated > _MOST_REPEATED:
                most = f"{_MOST_REPEATED:,}"
                raise RefusedError(node, f"aliases repeat this until there are more than {most} values; use fewer")
        self._seen.add(id(node))


def _scalar(node: ScalarNode) -> Any:
    convert = _SCALARS.get(node.tag)
    if convert is None:
        raise _unknown_tag(node)
    try:
        return convert(node.value)
    except (ValueError, KeyError):
        kind = node.tag.removeprefix(_TAG)
        raise RefusedError(node, f"this cannot be read as {kind}; put it in quotes if it is text") from None


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _text(text: str) -> str:
    # Half of a character, e.g. "\ud83d" in quotes; libyaml refuses these itself, PyYAML's own parser does not.
    text.encode()
    return text


_SCALARS: dict[str, Callable[[str], Any]] = {
    f"{_TAG}str": str if yaml.__with_libyaml__ else _text,
    f"{_TAG}int": int,
    f"{_TAG}float": _float,
    f"{_TAG}bool": {"true": True, "false": False}.__getitem__,
    f"{_TAG}null": lambda _: None,
    _MERGE: str,
}


def _key(mapping: Node, node: Node) -> str:
    if isinstance(node, ScalarNode):
        if node.tag not in _SCALARS:
            raise _unknown_tag(node)
        return str(node.value)
    if isinstance(node, MappingNode) and node.flow_style:
        raise RefusedError(mapping, '"{{" is not filled in by schedsync; put the whole value in quotes')
    raise RefusedError(node, 'a key must be text; write "key: value"')


def _unknown_tag(node: Node) -> RefusedError:
    tag = str(node.tag)[:80]
    shown = f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
    return RefusedError(node, f'"{shown}" is a YAML tag, and schedsync knows none; remove it, or quote the value')


def _duplicate(key: str, first: Node, second: Node) -> RefusedError:
    places = [":".join(map(str, _place(node.start_mark))) for node in (first, second)]
    return RefusedError(second, f'the key "{key}" stands twice, at {places[0]} and at {places[1]}; keep one of them')


# --- places --------------------------------------------------------------------------------------


class Found(NamedTuple):
    """How far a path leads into a node."""

    key: Node | None
    """The last key on the way."""
    node: Node
    whole: bool
    """Whether the path is there to its end."""


def find(node: Node, path: FieldPath) -> Found:
    """Follow *path* from *node*; an index into what is written without a list stays where it is."""
    key: Node | None = None
    for part in path:
        if isinstance(node, MappingNode) and isinstance(part, str):
            pair = pairs(node).get(part)
            if pair is None:
                return Found(key, node, whole=False)
            key, node = pair
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            key, node = None, node.value[part]
        elif not (isinstance(node, MappingNode) and isinstance(part, int)):
            return Found(key, node, whole=False)
    return Found(key, node, whole=True)


def locate(node: Node, path: FieldPath, *, at_key: bool = False, offset: int = 0) -> tuple[int, int]:
    """Return line and column (from 1) of what *path* leads to, or of the last thing on the way that is there.

    Args:
        node: where *path* begins.
        path: keys and indexes; an index into what is written without a list is passed over.
        at_key: ask for the key instead of its value.
        offset: characters into the value, which count if it is written on one line without escapes.
    """
    found = find(node, path)
    nothing_written = _width(found.node) == 0
    if found.key is not None and ((at_key and found.whole) or nothing_written):
        return _place(found.key.start_mark)
    line, column = _place(found.node.start_mark)
    return line, column + (_shift(found.node, offset) if found.whole else 0)


def _shift(node: Node, offset: int) -> int:
    """Return how far right of its start the character of *node*'s value at *offset* is."""
    if not isinstance(node, ScalarNode) or node.style not in {None, "", "'", '"'}:
        return 0
    quotes = 1 if node.style else 0
    return offset + quotes if _width(node) == len(node.value) + 2 * quotes else 0


def _width(node: Node) -> int | None:
    start, end = node.start_mark, node.end_mark
    return end.column - start.column if start.line == end.line else None


def _place(mark: Mark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1
