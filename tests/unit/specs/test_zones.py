"""Zones: names, and times that a clock shows never or twice."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from schedsync.specs.zones import check_zone, resolve_local


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "US/Eastern"])
def test_iana_names_are_zones(name: str) -> None:
    assert check_zone(name) == name


ANY = 'write an IANA name such as "Europe/Berlin" or "UTC"'


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ("europe/berlin", 'did you mean "Europe/Berlin"?'),
        ("Berlin", 'did you mean "Europe/Berlin"?'),
        ("New York", 'did you mean "America/New_York"?'),
        ("Mars", ANY),
        ("", ANY),
        ("x" * 10_000, ANY),
        ("localtime", ANY),
        pytest.param("+02:00", ANY, id="an offset"),
        pytest.param("UTC+2", ANY, id="an offset from UTC"),
        pytest.param("GMT+1", ANY, id="an offset whose namesake is its opposite"),
    ],
)
def test_other_names_are_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone; ") as refused:
        check_zone(name)
    assert str(refused.value).endswith(hint)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("wall", "zone", "instant"),
    [
        pytest.param("2026-07-01T12:00", "Europe/Berlin", "2026-07-01T10:00Z", id="an ordinary time"),
        pytest.param("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00Z", id="skipped: right after the gap"),
        pytest.param("2026-03-29T02:00", "Europe/Berlin", "2026-03-29T01:00Z", id="the first skipped time"),
        pytest.param("2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00Z", id="the first time after the gap"),
        pytest.param("2026-03-29T02:30:00.5", "Europe/Berlin", "2026-03-29T01:00Z", id="skipped, with a fraction"),
        pytest.param("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30Z", id="twice: the first"),
        pytest.param("2026-10-25T03:00", "Europe/Berlin", "2026-10-25T02:00Z", id="the first time after the fold"),
        pytest.param("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:30Z", id="a gap of half an hour"),
        pytest.param("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00Z", id="a day that did not exist"),
        pytest.param("2026-03-08T00:30", "America/Havana", "2026-03-08T05:00Z", id="a gap at midnight"),
    ],
)
def test_a_time_on_a_clock_is_an_instant(wall: str, zone: str, instant: str) -> None:
    assert resolve_local(datetime.fromisoformat(wall), ZoneInfo(zone)) == datetime.fromisoformat(instant)
