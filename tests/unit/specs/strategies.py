"""Valid job documents, for hypothesis: as YAML gives them, so with text where people write text."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from schedsync.specs.durations import format_duration
from schedsync.specs.following import End
from schedsync.specs.limits import format_size
from schedsync.specs.policy import MisfirePolicy, Overlap, Prune, RetryOn

REPRODUCIBLE = settings(deadline=None, derandomize=True, max_examples=100)

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
CRONS = ("* * * * *", "*/5 * * * *", "30 2 * * mon-fri", "0 0 1,15 * fri", "@daily", "59 23 31 12 *", "0 */2 * * *")

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
ids = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


def seconds(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda number: timedelta(seconds=number))


def durations(least: int = 0, most: int = 3_000_000) -> st.SearchStrategy[str]:
    return seconds(least, most).map(format_duration)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


# Days on which none of the zones changes its clocks, so that texts can be compared with what a clock shows.
@st.composite
def _bounds(draw: st.DrawFn) -> dict[str, str]:
    kind = st.sampled_from(["day", "time", "none"])
    first, last = draw(st.integers(1970, 2020)), draw(st.integers(2060, 9999))
    given = {"start": (draw(kind), date(first, 5, 17)), "end": (draw(kind), date(last, 3, 20))}
    text = {"day": "{0}", "time": "{0}T02:30:15.5", "none": ""}
    return {name: text[kind].format(day) for name, (kind, day) in given.items() if kind != "none"}


_times = st.times().map(lambda time: f"{time:%H:%M:%S}") | st.sampled_from(["06:00", "7:05"])
recurrences = st.one_of(
    st.fixed_dictionaries(
        {"months": st.integers(1, 7), "day": st.integers(1, 28) | st.just("last")}, optional={"time": _times}
    ),
    st.fixed_dictionaries(
        {"weeks": st.integers(1, 9), "day": st.sampled_from(["mon", "Sun", "wed"])}, optional={"time": _times}
    ),
    st.fixed_dictionaries({"days": st.integers(1, 40)}, optional={"time": _times}),
)


_named = st.fixed_dictionaries(
    {"yearly": st.lists(st.sampled_from(["12-25", "02-29", "7-4"]), min_size=1, max_size=2)},
    optional={
        "name": st.sampled_from(["holidays", "closed"]),
        "dates": st.lists(st.sampled_from(["2026-04-03", "2027-03-26"]), max_size=2),
        "ranges": st.just([{"from": "2026-12-24", "to": "2027-01-02"}]),
        "include": st.just([{"weekdays": ["sun"], "exclude": [{"dates": ["2026-12-20"]}]}]),
    },
)
_days = st.fixed_dictionaries({}, optional={"exclude": _named | st.lists(_named, max_size=2)})
"""Some days on which a schedule does not fire, but never all on which it could."""


@st.composite
def triggers(draw: st.DrawFn) -> dict[str, Any]:
    trigger: dict[str, Any] = {"timezone": draw(st.sampled_from(ZONES)), **draw(_bounds())}
    kind = draw(st.sampled_from(["cron", "every", "at", "calendar"]))
    if kind == "calendar":
        return {
            "start": "2019-05-17",
            **trigger,
            "calendar": draw(recurrences),
            "jitter": draw(durations(0, 7_200)),
            **draw(_days),
        }
    if kind == "cron":
        return trigger | {"cron": draw(st.sampled_from(CRONS)), "jitter": draw(durations(0, 3_600)), **draw(_days)}
    if kind == "at":
        moment = draw(st.datetimes(datetime(2021, 1, 1), datetime(2059, 1, 1)))  # noqa: DTZ001 - read off a clock
        return trigger | {"at": moment.isoformat() + draw(st.sampled_from(["", "Z", "+05:30"]))}
    every = draw(st.integers(1, 40_000))
    jitter = draw(durations(0, min(every - 1, 86_400)))
    return trigger | {"every": f"{every}s", "jitter": jitter, **draw(_days)}


variables = st.from_regex(r"\A[A-Z_][A-Z0-9_]{0,8}\Z")
references = st.fixed_dictionaries({"file": words}) | st.fixed_dictionaries({"env": variables})
environments = st.dictionaries(variables, words | references, max_size=3)
sizes = st.integers(0, 1 << 40).map(format_size)
limits = st.fixed_dictionaries(
    {},
    optional={
        "memory": st.integers(16 << 20, 1 << 40).map(format_size),
        "cpu": durations(1),
        "files": st.integers(16, 9_999),
        "processes": st.integers(1, 9_999),
        "file_size": sizes,
        "core": sizes,
    },
)
confinement = {
    "user": st.sampled_from(["oracle", "oracle:dba", "1000:100"]),
    "umask": st.sampled_from(["027", "0077"]),
    "nice": st.integers(-20, 19),
    "limits": limits,
}
processes = st.fixed_dictionaries({}, optional={"env": environments, "cwd": words, **confinement}).flatmap(
    lambda shared: st.one_of(
        st.fixed_dictionaries({"command": st.lists(words, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"shell": words}),
        st.fixed_dictionaries({"script": words}, optional={"args": st.lists(words, max_size=3)}),
        st.fixed_dictionaries(
            {"python": st.just("package.module:function")},
            optional={
                "args": st.lists(json_values, max_size=3),
                "kwargs": st.dictionaries(words, json_values, max_size=3),
            },
        ),
    ).map(lambda action: {**shared, **action})
)
binds = st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z"), scalars, max_size=3)
statements = st.one_of(words, st.fixed_dictionaries({"file": words}))
database_actions = st.one_of(
    st.fixed_dictionaries({"connection": words, "sql": statements}, optional={"binds": binds}),
    st.fixed_dictionaries(
        {"connection": words, "plsql": statements},
        optional={
            "binds": binds,
            "out": st.dictionaries(ids.map(lambda i: f"o{len(i)}"), st.sampled_from(["string", "number"])),
        },
    ),
)
ascii_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


def _with_body(request: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "method" not in request:
        return st.just(request)
    bodies = st.fixed_dictionaries({"body": words | st.fixed_dictionaries({"file": words})})
    values = st.fixed_dictionaries({"json": json_values})
    return (bodies | values | st.just({})).map(lambda body: request | body)


references = st.one_of(
    st.fixed_dictionaries({"file": words}),
    st.fixed_dictionaries({"env": st.from_regex(r"\A[A-R][A-Z0-9_]{0,8}\Z")}),
)
requests = st.fixed_dictionaries(
    {
        "http": st.fixed_dictionaries(
            {"url": st.sampled_from(["https://erp.example.com/close?month=1", "https://[::1]:8443"])},
            optional={
                "method": st.sampled_from(["PUT", "post"]),
                "headers": st.dictionaries(st.from_regex(r"\AX-[a-z]{1,6}\Z"), ascii_texts | references, max_size=3),
                "expect": st.fixed_dictionaries(
                    {},
                    optional={
                        "status": st.sampled_from(["200-299", 200, [201, "300-399"]]),
                        "body": words.map(re.escape),
                    },
                ),
                "tls": st.fixed_dictionaries({}, optional={"ca": words, "cert": words}),
                "proxy": st.just("http://proxy:3128"),
                "follow_redirects": st.booleans(),
            },
        ).flatmap(_with_body)
    }
)
actions = processes | database_actions | requests


def _sound(job: dict[str, Any]) -> bool:
    with_codes = "success_exit_codes" not in job or not ({"connection", "http"} & job["run"].keys())
    return with_codes and ("group" not in job or job.get("overlap") != Overlap.ALLOW)


ends = st.sampled_from([*End, "any"]) | st.lists(st.sampled_from(list(End)), min_size=1)
when = st.one_of(
    st.fixed_dictionaries({"schedule": triggers() | st.lists(triggers(), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"after": st.dictionaries(ids, ends, min_size=1, max_size=3)}),
)

_documents = st.fixed_dictionaries(
    {"id": ids, "run": actions},
    optional={
        "description": words,
        "tags": st.lists(words, max_size=3),
        "owner": words,
        "timeout": durations(1),
        "kill_grace": durations(),
        "success_exit_codes": st.lists(st.integers(0, 255), min_size=1, max_size=3),
        "fail_on_output": st.just(r"ORA-\d{5}"),
        "retry": st.fixed_dictionaries(
            {},
            optional={
                "attempts": st.integers(1, 100),
                "delay": durations(),
                "backoff": st.floats(1, 100) | st.integers(1, 100),
                "max_delay": durations(),
                "jitter": durations(),
                "on": st.lists(st.sampled_from([state.value for state in RetryOn])),
            },
        ),
        "overlap": st.sampled_from([overlap.value for overlap in Overlap]),
        "misfire": st.fixed_dictionaries(
            {},
            optional={
                "policy": st.sampled_from([p.value for p in MisfirePolicy]),
                "grace": durations(1),
                "limit": st.integers(1, 1_000),
            },
        ),
        "group": st.from_regex(r"\A[a-z][a-z0-9-]{0,8}\Z"),
        "max_queued": st.integers(1, 10_000),
        "prune": st.sampled_from([prune.value for prune in Prune]),
        "renamed_from": st.just("an-earlier-id-that-is-longer-than-any"),
        "suspend": st.booleans(),
        "history": st.fixed_dictionaries(
            {}, optional={"keep": st.integers(1, 100_000), "days": st.integers(1, 36_500)}
        ),
    },
).filter(_sound)
documents = st.builds(lambda document, trigger: {**document, **trigger}, _documents, when)
