"""The table of what became of runs whose service was killed: rows are kill points, columns are databases."""

from collections.abc import Iterable, Mapping
from typing import Any

PROPERTY = "fault"
DATABASES = ("sqlite", "postgresql", "oracle")


def fault_table(stats: Mapping[str, Iterable[Any]]) -> str:
    """Return the table of the tests that noted a fault, by the reports that pytest has of them."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for verdict in ("passed", "failed"):
        for report in stats.get(verdict, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY and getattr(report, "when", "") == "call":
                    database, policy, point, *result = value
                    text = "; ".join(result) if verdict == "passed" else f"FAILED: {'; '.join(result)}"
                    found.setdefault((policy, point), {})[database] = text
    lines = [_line(policy, point, by_database) for (policy, point), by_database in sorted(found.items(), key=_in_order)]
    return "\n".join([*lines, "", f"{sum(map(len, found.values()))} cases", ""])


def _in_order(item: tuple[tuple[str, str], object]) -> tuple[str, int]:
    from tests.acceptance.kill_points import POINTS  # noqa: PLC0415 - it loads the product

    policy, point = item[0]
    return policy, list(POINTS).index(point)


def _line(policy: str, point: str, by_database: Mapping[str, str]) -> str:
    """Return one line for all databases where they agree, else one for each."""
    place = f"{policy:<10}{point:<18}"
    results = {by_database[database] for database in by_database}
    if len(results) == 1 and set(by_database) == set(DATABASES):
        return f"{place}{'all three':<12}{results.pop()}"
    return "\n".join(f"{place}{database:<12}{by_database.get(database, 'not tried')}" for database in DATABASES)
