"""A job as a program gives it -> the YAML that a person reads and edits. No I/O."""

from typing import Any

import yaml

from schedsync.sources.yaml_text import PLAIN_WORDS, RefusedError, build, compose
from schedsync.specs.fingerprint import as_json
from schedsync.specs.problem import Problem


class UnwritableValueError(Exception):
    """A value that YAML, as job files are read, does not have."""


class _Dumper(yaml.SafeDumper):
    """Quotes what is another kind of value by YAML 1.1, which editors may show, or by our own reading."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write out what stands twice."""
        del data
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
for _tag, _pattern, _first in PLAIN_WORDS:
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)


def to_yaml(document: dict[str, Any]) -> str:
    """Return a job's mapping as the text of a file that says the same.

    Raises:
        UnwritableValueError: no text does.
    """
    try:
        text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
        nodes = compose(text, "")
        if isinstance(nodes, Problem):
            raise UnwritableValueError(nodes.message)
        same = [as_json(build(node)) for node in nodes] == [as_json(document)]
    except (ValueError, RefusedError):  # infinite numbers, numbers of thousands of digits, halves of characters
        same = False
    if not same:
        raise UnwritableValueError("it has a value that cannot be written in YAML, such as an infinite number")
    return text
