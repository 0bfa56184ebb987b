"""What a job runs after: how it may be written, and what is said where it is written otherwise."""

from typing import Any

import pytest
from pydantic import ValidationError

from schedsync.specs.following import End, in_words
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import explain
from tests.builders import document, spec

EVERY_END = tuple(End)


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ("succeeded", (End.SUCCEEDED,)),
        (["lost", "failed", "lost"], (End.FAILED, End.LOST)),
        ("any", EVERY_END),
    ],
)
def test_an_end_is_one_state_or_several_or_any(written: Any, ends: tuple[End, ...]) -> None:
    job = spec(after={"close": written})
    assert job.after == {"close": ends}
    assert job.schedule == ()


def test_it_is_said_in_a_few_words() -> None:
    job = spec(after={"a": "succeeded", "b": ["failed", "timed_out"], "c": "any"})
    assert in_words(job.after or {}) == "a succeeded | b failed or timed_out | c ended"


def test_a_follower_may_be_made_of_what_it_dumps() -> None:
    job = spec(after={"a": "any"})
    assert JobSpec.model_validate(job.model_dump()) == job
    assert JobSpec.model_validate(job.model_dump(mode="json")) == job


@pytest.mark.parametrize(
    ("fields", "path", "sentence"),
    [
        (
            {"after": {"a": "any"}, "schedule": {"every": "1h"}},
            "after",
            "after: a job has a schedule or runs after others, not both; remove one of them",
        ),
        ({"after": "close"}, "after", "write e.g. after: {other-job: succeeded}"),
        ({"after": ["close"]}, "after", "after: expected a mapping of keys to values, found a list"),
        ({"after": {}}, "after", "after: expected at least one entry"),
        ({"after": {"close": []}}, "after.close", 'after: "close": expected at least one entry'),
        (
            {"after": {"close": "success"}},
            "after.close.0",
            'cancelled or lost (did you mean "succeeded"?), found "success"',
        ),
        ({"after": {"close": "ended"}}, "after.close.0", 'after: "close": expected one of any, succeeded'),
        ({"after": {"close": ["any"]}}, "after.close.0", 'cancelled or lost, found "any"; write close: any'),
        ({"after": {"close": ["lost", "any"]}}, "after.close.1", 'after: "close": expected one of succeeded, failed'),
        (
            {"after": {"close": True}},
            "after.close",
            'after: "close": expected a list, found true; write close: succeeded',
        ),
        ({"after": {"clo se": "any"}}, "after.clo se", '"clo se" cannot be an id: use up to 200 letters'),
        (
            {"schedule": {"after": {"close": "any"}}},
            "schedule.0",
            'schedule: "after" stands in the place of schedule, not under it; write e.g. after: {other-job: succeeded}',
        ),
    ],
    ids=str,
)
def test_mistakes(fields: dict[str, Any], path: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate(document(**fields))
    (error,) = explain(caught.value)
    assert ".".join(map(str, error.path)) == path
    assert sentence in error.message
