"""Schedules in words."""

from typing import Any

import pytest

from schedsync.specs.words import cron_in_words, in_words
from tests.builders import spec

CRON = (
    ("* * * * *", "every minute"),
    ("*/5 * * * *", "every 5 minutes"),
    ("*/5 9-17 * * mon-fri", "every 5 minutes from 09:00 to 17:59, Monday to Friday"),
    ("* 3 * * *", "every minute from 03:00 to 03:59"),
    ("*/15 0,12 * * *", "every 15 minutes of the hours 0 and 12"),
    ("@hourly", "each hour at :00"),
    ("10,40 * * * *", "each hour at :10 and :40"),
    ("5 */2 * * *", "every 2 hours at :05"),
    ("0 */12 * * *", "at 00:00 and 12:00 each day"),
    ("30 2 * * mon-fri", "at 02:30, Monday to Friday"),
    ("30 2 * * *", "at 02:30 each day"),
    ("@daily", "at 00:00 each day"),
    ("0 6,18 * * sat,sun", "at 06:00 and 18:00, Saturday and Sunday"),
    ("0 6 * * 7", "at 06:00, Sunday"),
    ("0 6 * * sun,mon,tue", "at 06:00, Monday, Tuesday and Sunday"),
    ("@monthly", "at 00:00, on day 1 of the month"),
    ("0 4 1-7,15 * *", "at 04:00, on days 1 to 7 and 15 of the month"),
    ("0 4 */10 * *", "at 04:00, on every 10th day of the month from the 1st"),
    ("0 4 1 * mon", "at 04:00, on day 1 of the month and each Monday"),
    ("0 4 */10 * mon", "at 04:00, on every 10th day of the month from the 1st if that is Monday"),
    ("@yearly", "at 00:00, on day 1 of the month, in January"),
    ("0 0 1 1-3,7 *", "at 00:00, on day 1 of the month, in January to March and July"),
    ("0,10,20,30 8-18 * * *", "at :00, :10, :20 and :30 from 08:00 to 18:59 each day"),
    ("0 6 L * *", "at 06:00, on the last day of the month"),
    (
        "0 6 1,L-1 * *",
        "at 06:00, on day 1 of the month and 1 day before the last day of the month",
    ),
    (
        "0 6 L-3,LW * *",
        "at 06:00, 3 days before the last day of the month and on the last day from Monday to Friday of the month",
    ),
    ("0 6 * * fri#2", "at 06:00, on the 2nd Friday of the month"),
    ("0 6 * * friL,mon", "at 06:00, on Monday and the last Friday of the month"),
    ("0 6 LW * fri", "at 06:00, on the last day from Monday to Friday of the month and each Friday"),
    ("0 6 1 * fri#1", "at 06:00, on day 1 of the month and on the 1st Friday of the month"),
    ("0 6 */2 * fri#1", "at 06:00, on every 2nd day of the month from the 1st if that is the 1st Friday of the month"),
    ("0 6 1-31 * mon", "at 06:00 each day"),
    ("0 6 1 * 1,*", "at 06:00 each day"),
    ("0 22-1 * * sat-sun", "at 00:00, 01:00, 22:00 and 23:00, Saturday and Sunday"),
    ("* * * * * *", "each second"),
    ("*/10 * * * * *", "every 10 seconds"),
    ("*/10 */5 3 * * *", "every 10 seconds, every 5 minutes from 03:00 to 03:59"),
    ("30 15 2 * * mon-fri", "at 02:15:30, Monday to Friday"),
    ("0 15 2 * * *", "at 02:15 each day"),
    ("15,45 0 * * * *", "each hour at :00, 15 s and 45 s past the minute"),
    ("59 23 31 12 5", "at 23:59, on day 31 of the month and each Friday, in December"),
)
SCHEDULES: tuple[tuple[Any, str], ...] = (
    ({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "at 02:30 each day (Europe/Berlin)"),
    ({"every": "90m"}, "every 1h30m"),
    ({"every": "1h", "jitter": "30s"}, "every 1h, up to 30s later"),
    ({"every": "1h", "start": "2027-01-01", "end": "2027-12-31"}, "every 1h, from 2027-01-01, until 2027-12-31"),
    ({"at": "2027-01-31T12:00:00", "timezone": "Europe/Berlin"}, "once, 2027-01-31 11:00 UTC"),
    ({"every": "1h", "start": "2027-01-01T00:20:00Z"}, "every 1h, from 2027-01-01 00:20 UTC"),
    ({"every": "1h", "start": "2027-01-01T00:20:05+02:00"}, "every 1h, from 2027-01-01 00:20:05 +0200"),
    ({"every": "1h", "end": "2027-01-01T00:20:00"}, "every 1h, until 2027-01-01 00:20"),
    (
        {"calendar": {"months": 1, "day": "last", "time": "06:00"}, "timezone": "Europe/Berlin"},
        "each month on the last day at 06:00 (Europe/Berlin)",
    ),
    (
        {"calendar": {"months": 3, "day": 15}, "start": "2026-12-01"},
        "every 3 months on day 15 at 00:00 (UTC), from 2026-12-01",
    ),
    ({"calendar": {"weeks": 2, "day": "sun", "time": "23:59:30"}}, "every 2 weeks on Sunday at 23:59:30 (UTC)"),
    ({"calendar": {"days": 1, "time": "7:05"}}, "each day at 07:05 (UTC)"),
    ({"cron": "H 2 * * *"}, "at 02:29 each day (UTC)"),
    ([{"every": "1h"}, {"cron": "@daily"}], "every 1h; or at 00:00 each day (UTC)"),
)


@pytest.mark.parametrize(("text", "words"), CRON, ids=[text for text, _ in CRON])
def test_a_cron_expression_in_words(text: str, words: str) -> None:
    assert cron_in_words(text) == words


@pytest.mark.parametrize(("schedule", "words"), SCHEDULES, ids=[words for _, words in SCHEDULES])
def test_a_schedule_in_words(schedule: Any, words: str) -> None:
    assert in_words(spec(schedule=schedule)) == words


def test_a_job_that_runs_after_others_says_after_which() -> None:
    job = spec(after={"a": "succeeded", "b": ["failed", "lost"]})
    assert in_words(job) == "after a succeeded, or b failed or lost"
