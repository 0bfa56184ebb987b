"""What expressions in PromQL are about."""

import re
from functools import cache

from tests.scrape import full, labels

OF_PROMETHEUS = {"job", "instance", "le", "alertstate", "alertname"}
_METRIC = re.compile(r"\b((?:schedsync|process)_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|on|without|ignoring) \(([^)]*)\)")


@cache
def exported() -> dict[str, set[str]]:
    """The names in a scrape, with their labels."""
    return labels(full())


def check_expression(expression: str) -> None:
    """Fail if *expression* is about a metric or a label that no scrape has."""
    metrics = _METRIC.findall(expression)
    assert metrics or "up{" in expression, expression
    known = set(OF_PROMETHEUS)
    for name, matchers in metrics:
        assert name in exported(), f"{name} is not exported"
        known |= exported()[name]
        unknown = set(_MATCHER.findall(matchers)) - exported()[name] - OF_PROMETHEUS
        assert not unknown, f"{name} has no {unknown}"
    grouped = {label.strip() for group in _GROUPED.findall(expression) for label in group.split(",")}
    assert grouped <= known, grouped - known
