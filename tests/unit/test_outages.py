"""An outage is two lines of the log, however long it is; an unexpected error is told once."""

import logging

import pytest

from schedsync.outages import Faults, Outage

log = logging.getLogger(__name__)


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records]


def test_an_outage_is_said_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    seconds = iter([10.0, 25.04])
    outage = Outage(log, "it is away", "it is back", monotonic=lambda: next(seconds))
    outage.succeeded()
    assert not outage.lasts
    for _ in range(1_000):
        outage.failed("no answer")
    assert outage.lasts
    outage.succeeded(results=3)
    outage.succeeded(results=4)
    assert _said(caplog) == [("WARNING", "it is away"), ("INFO", "it is back")]
    first, last = caplog.records
    assert (first.error, last.after_seconds, last.results) == ("no answer", 15.0, 3)


def test_tries_in_between_are_said_to_those_who_ask(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outage = Outage(log, "it is away", "it is back", level=logging.ERROR)
    outage.failed("no answer")
    outage.failed("no answer")
    assert _said(caplog) == [("ERROR", "it is away"), ("DEBUG", "it is away")]


def _fault(number: int) -> Exception:
    try:
        raise ValueError(f"run {number} is odd") if number % 2 else KeyError(number)
    except (ValueError, KeyError) as error:
        return error


def test_an_unexpected_error_is_told_with_its_traceback_once_until_it_is_another_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    faults = Faults(log, "it failed", "it goes on", first=1, longest=8)
    faults.none()
    assert [faults.met(_fault(number)) for number in (1, 3, 5, 7, 9)] == [1, 2, 4, 8, 8]
    faults.met(_fault(2))
    faults.none()
    faults.none()
    assert faults.met(_fault(1)) == 1
    said = ["it failed", "it failed", "it goes on", "it failed"]
    assert [record.message for record in caplog.records] == said
    assert [bool(record.exc_info) for record in caplog.records] == [True, True, False, True]
