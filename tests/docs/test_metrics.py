"""The reference of metrics says what is exported."""

import re
from pathlib import Path

from tests.scrape import full, kinds, labels

REFERENCE = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| \S.* \|$", REFERENCE, re.MULTILINE)


def test_each_metric_is_in_the_reference_with_its_type_and_no_other() -> None:
    assert {name: kind for name, kind, _ in ROWS} == kinds(full())
    assert len({name for name, _, _ in ROWS}) == len(ROWS)


def test_the_labels_of_each_metric_are_in_the_reference() -> None:
    exported = labels(full())
    said = {name: set(re.findall(r"`(\w+)`", written)) for name, _, written in ROWS}
    found = {name: exported[name if name in exported else f"{name}_bucket"] - {"le"} for name in said}
    assert said == found
