"""Valid job documents, for hypothesis: as YAML gives them, so with text where people write text."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from schedsync.specs.durations import format_duration
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


@st.composite
def triggers(draw: st.DrawFn) -> dict[str, Any]:
    trigger: dict[str, Any] = {"timezone": draw(st.sampled_from(ZONES)), **draw(_bounds())}
    kind = draw(st.sampled_from(["cron", "every", "at"]))
    if kind == "cron":
        return trigger | {"cron": draw(st.sampled_from(CRONS)), "jitter": draw(durations(0, 7_200))}
    if kind == "at":
        moment = draw(st.datetimes(datetime(2021, 1, 1), datetime(2059, 1, 1)))  # noqa: DTZ001 - read off a clock
        return trigger | {"at": moment.isoformat() + draw(st.sampled_from(["", "Z", "+05:30"]))}
    every = draw(st.integers(1, 40_000))
    jitter = draw(durations(0, min(every - 1, 86_400)))
    return trigger | {"every": f"{every}s", "jitter": jitter}


environments = st.dictionaries(st.from_regex(r"\A[A-Z_][A-Z0-9_]{0,8}\Z"), words, max_size=3)
processes = st.fixed_dictionaries({}, optional={"env": environments, "cwd": words}).flatmap(
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
actions = processes | database_actions

documents = st.fixed_dictionaries(
    {"id": ids, "schedule": triggers() | st.lists(triggers(), min_size=1, max_size=3), "run": actions},
    optional={
        "description": words,
        "tags": st.lists(words, max_size=3),
        "owner": words,
        "timeout": durations(1),
        "kill_grace": durations(),
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
).filter(lambda job: "group" not in job or job.get("overlap") != Overlap.ALLOW)
