"""Blackouts and sync windows in settings: how they are read, and what is refused with which words."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schedsync.errors import SettingsError
from schedsync.plan.windows import Kind
from schedsync.settings import Settings, load
from schedsync.specs.windows import Chosen, Fixed

BERLIN = '[jobs]\ntimezone = "Europe/Berlin"\n'


@pytest.fixture(autouse=True)
def _in_a_folder_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SCHEDSYNC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def loaded(text: str) -> Settings:
    Path("schedsync.toml").write_text(text)
    return load()


def said(text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        loaded(text)
    return str(refused.value)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        pytest.param("from = 2026-12-24\nto = 2026-12-26", "2026-12-23T23:00", "2026-12-26T23:00", id="whole days"),
        pytest.param('from = "2026-12-24"\nto = "2026-12-24"', "2026-12-23T23:00", "2026-12-24T23:00", id="one day"),
        pytest.param(
            "from = 2026-12-24T12:00:00\nto = 2026-12-25T12:00:00Z", "2026-12-24T11:00", "2026-12-25T12:00", id="times"
        ),
        pytest.param(
            'from = 2026-12-24\nto = 2026-12-25\ntimezone = "Asia/Tokyo"',
            "2026-12-23T15:00",
            "2026-12-25T15:00",
            id="in a zone of its own",
        ),
        pytest.param("from = 2027-03-28\nto = 2027-03-28", "2027-03-27T23:00", "2027-03-28T22:00", id="of 23 hours"),
    ],
)
def test_times_and_days_are_those_of_the_zone(times: str, start: str, end: str) -> None:
    (blackout,) = loaded(f"{BERLIN}[blackouts.holidays]\n{times}\n").blackout_times.each
    assert blackout.window == Fixed(utc(start), utc(end))
    assert (blackout.name, blackout.jobs, blackout.reason) == ("holidays", Chosen(), None)


def test_a_recurring_window_follows_the_zone_of_jobs() -> None:
    text = f'{BERLIN}[sync_windows.nights]\nkind = "allow"\ncron = "0 22 * * *"\nduration = "8h"\n'
    (nights,) = loaded(text).sync_times.each
    begins = utc("2026-11-24T21:00")
    assert nights.kind is Kind.ALLOW
    assert nights.window.opens_after(utc("2026-11-24T12:00")) == begins
    assert nights.window.ends_after(begins) == begins + timedelta(hours=8)


def test_a_variable_gives_lists_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "FROM": "2026-12-24",
        "TO": "2026-12-26",
        "JOBS": "erp.*, crm.close",
        "TAGS": "books",
        "REASON": "books are closed",
    }.items():
        monkeypatch.setenv(f"SCHEDSYNC_BLACKOUTS__HOLIDAYS__{name}", value)
    (blackout,) = loaded("").blackout_times.each
    assert blackout.jobs == Chosen(("erp.*", "crm.close"), ("books",))
    assert blackout.said == "blackout holidays: books are closed"


def test_a_misspelt_variable_is_told_the_one_that_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_BLACKOUTS__HOLIDAYS__FORM", "2026-12-24")
    assert said("") == (
        "the variable SCHEDSYNC_BLACKOUTS__HOLIDAYS__FORM is not a setting; did you mean"
        " SCHEDSYNC_BLACKOUTS__HOLIDAYS__FROM?"
    )


NIGHT = 'cron = "0 22 * * *"\nduration = "1h"\n'
WAYS = (
    "give from and to, as in from = 2026-12-24 and to = 2026-12-26, or cron and duration, as in"
    ' cron = "0 22 * * *" and duration = "6h"; found '
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[blackouts.a]\n", f"blackouts.a: {WAYS}none of them"),
        ("[blackouts.a]\nfrom = 2026-12-24\n", f"blackouts.a: {WAYS}from"),
        (f"[blackouts.a]\nto = 2026-12-24\n{NIGHT}", f"blackouts.a: {WAYS}to and cron and duration"),
        ('[blackouts.a]\nduration = "1h"\n', f"blackouts.a: {WAYS}duration"),
        (
            "[blackouts.a]\nfrom = 2026-12-24\nto = 2026-12-23\n",
            "blackouts.a: to (2026-12-23) is not after from (2026-12-24), so it would never be; exchange them",
        ),
        (
            "[sync_windows.a]\nkind = 'deny'\nfrom = 2026-12-24T12:00:00\nto = 2026-12-24T12:00:00\n",
            "sync_windows.a: to (2026-12-24 12:00:00) is not after from (2026-12-24 12:00:00), so it would never be",
        ),
        ('[blackouts.a]\nfrom = "tomorrow"\nto = 2026-12-24\n', 'blackouts.a.from: "tomorrow" is not a time; write it'),
        ('[blackouts.a]\ncron = "0 25 * * *"\nduration = "1h"\n', "blackouts.a.cron: "),
        ('[blackouts.a]\ncron = "0 2 30 2 *"\nduration = "1h"\n', "blackouts.a.cron: "),
        ('[blackouts.a]\ncron = "0 2 * * *"\nduration = 5\n', "blackouts.a.duration: 5 has no unit; write it with"),
        (f'[blackouts.a]\n{NIGHT}timezone = "Mars"\n', 'blackouts.a.timezone: "Mars" is not a time zone'),
        (f'[blackouts.a]\n{NIGHT}jobs = ["erp/*"]\n', 'blackouts.a.jobs: "erp/*" matches no id: write one, or a '),
        (f"[blackouts.a]\n{NIGHT}tags = []\n", "blackouts.a.tags: there is nothing in the list, so this would concern"),
        (f'[blackouts.a]\n{NIGHT}reason = ""\n', "blackouts.a.reason: expected a line of up to 200 characters, found"),
        (f"[blackouts.a]\n{NIGHT}job = ['a']\n", "blackouts.a.job is not a setting; did you mean blackouts.a.jobs?"),
        (f"[blackouts.a]\n{NIGHT}kind = 'deny'\n", "blackouts.a.kind is not a setting"),
        (f'[blackouts."Year End"]\n{NIGHT}', "blackouts.Year End: "),
        (f"[sync_windows.a]\n{NIGHT}", "sync_windows.a.kind: Field required"),
        (
            f"[sync_windows.a]\n{NIGHT}kind = 'forbid'\n",
            "sync_windows.a.kind: Input should be 'allow' or 'deny', found",
        ),
        (
            "[blackouts]\nyear = 2026\n",
            "blackouts.year is a group of settings; write [blackouts.year] and its settings",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_write(text: str, sentence: str) -> None:
    assert said(text).startswith(f"schedsync.toml: {sentence}")
