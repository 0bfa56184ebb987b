"""What people are told to write instead, by findings and by refusals: it is itself accepted."""

import re
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from schedsync.lint.expression import DAY, WEEKDAY
from schedsync.lint.finding import Finding, Rule
from schedsync.lint.folder import of_job
from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.fields import read
from tests.builders import spec
from tests.unit.specs.strategies import REPRODUCIBLE

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
LIMITS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
NAMES = [["0"], ["0"], ["0"], ["L", "LW", "15W", "L-2"], ["jan", "jul-sep"], ["fri", "mon-fri", "fri#2", "satL"]]
QUOTED = re.compile(r'"([^"]+)"')
TRIGGER = re.compile(r"(every: \w+|calendar: \{[^}.]*\})")


@st.composite
def _items(draw: st.DrawFn, field: int) -> str:
    low, high = LIMITS[field]
    number, step = st.integers(low, high), st.integers(1, 2 * high)
    top = 28 if field == DAY else min(high, 59 if field < WEEKDAY else 6)
    choice = st.tuples(st.integers(low, top), st.integers(low, top)).map(sorted)
    items = st.one_of(
        number.map(str),
        step.map("*/{}".format),
        step.map("H/{}".format),
        st.tuples(choice, step).map(lambda drawn: "H({}-{})/{}".format(*drawn[0], drawn[1])),
        st.tuples(number, number, step).map(lambda drawn: "{}-{}/{}".format(*drawn)),
        st.sampled_from(["*", "*/1", "H/1", "H", *NAMES[field]]),
    )
    item: str = draw(items)
    return item


def _words(field: int) -> st.SearchStrategy[str]:
    return st.just("*") | st.lists(_items(field), min_size=1, max_size=3).map(",".join)


expressions = st.booleans().flatmap(
    lambda seconds: st.tuples(*(_words(field) for field in range(0 if seconds else 1, 6))).map(" ".join)
)


@settings(REPRODUCIBLE, max_examples=300)
@example("*/10,*/1 * * * *", "a")
@example("0 0 31 2 fri", "a")
@given(expressions, st.sampled_from(["a", "b", "erp.dump"]))
def test_what_a_finding_says_to_write_is_accepted(cron: str, job_id: str) -> None:
    assume(_refusal(cron) is None)  # such as of the 30th of February
    for finding in of_job(spec(id=job_id, schedule={"cron": cron}), NOW):
        if finding.path[-1] == "cron":
            _check(finding, cron)


def _check(finding: Finding, cron: str) -> None:
    _, _, advice = finding.message.partition("; write ")
    for text in QUOTED.findall(advice):
        if " " in text:
            assert _refusal(text) is None
        elif text != "*":  # which stands for what is replaced
            assert any(_refusal(each) is None for each in _replaced(cron, text, finding.offset)), finding
    for text in TRIGGER.findall(advice):
        _ = spec(schedule={**yaml.safe_load(text), "start": "2026-01-01"})


def _replaced(cron: str, text: str, offset: int) -> list[str]:
    """Return the expression with *text* in the place of the item, or of the whole field, that has *offset*."""
    begin, end = cron.rfind(" ", 0, offset) + 1, cron.find(" ", offset) % (len(cron) + 1)
    first, last = cron.rfind(",", begin, offset) + 1 or begin, cron.find(",", offset, end) % (len(cron) + 1)
    return [cron[:begin] + text + cron[end:], cron[:first] + text + cron[min(last, end) :]]


def _refusal(cron: str) -> CronError | None:
    try:
        read(cron, job_id="a")
    except CronError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("*/10,*/1 * * * *", "*/10,* * * * *"),
        ("*/1,*/10 * * * *", "*,*/10 * * * *"),
        ("H/1 4 * * *", "0-59 4 * * *"),
        ("0 4 H/1 * *", "0 4 1-28 * *"),
        ("0 4 * * H(mon-fri)/1", "0 4 * * mon-fri"),
    ],
)
def test_a_step_of_one_is_left_out_of_its_own_item(cron: str, expected: str) -> None:
    (finding,) = (each for each in of_job(spec(schedule={"cron": cron}), NOW) if each.rule is Rule.STEP_OF_ONE)
    assert finding.expected == expected
    assert read(expected, job_id="a").minutes == read(cron, job_id="a").minutes
    assert read(expected, job_id="a").days == read(cron, job_id="a").days


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("H/7 * * * *", 'begins again with its first minute, and the distance until then is another one; write "H/6"'),
        ("H/7 * * * *", '"H/6" or "H/10", which divide evenly, or every: 7m'),
        ("0 0 H/2 * *", "begins again with each month, and the distance until then is another one"),
    ],
)
def test_a_choice_that_does_not_divide_stays_a_choice(cron: str, says: str) -> None:
    (finding,) = (each for each in of_job(spec(schedule={"cron": cron}), NOW) if each.rule is Rule.UNEVEN_STEP)
    assert says in finding.message


def test_a_day_that_the_months_lack_is_not_advised_by_itself() -> None:
    finding, _ = of_job(spec(schedule={"cron": "0 0 31 2,4 fri"}), NOW)
    assert (finding.rule, finding.expected) == (Rule.EITHER_DAY, "0 0 * 2,4 fri")
    assert finding.message == (
        '"31" and "fri" both say on which days, and none of the months has "31"; write "0 0 * 2,4 fri", which fires at'
        " the same times"
    )


WRONG = ["{0}/2", "H({0}-{1}", "H({1}-{0}", "?", "{0}?", "{0}-{1}/x", "*/0", "*/x", "*/0x", "*5", "H/0", "H/x", "L"]
WRONG += ["l", "LL", "{0}/x", "{1}/0", "H({0}-{1})/x", "{0}-{1}/2x", "{0}L", "{0}#9", "{0}#x", "", "{0}-{1}/0"]
WRONG += ["H({0}-{1})/0"]


@pytest.mark.parametrize("beside", ["{}", "{},1-5", "3,{}", "3,{},*"])
@pytest.mark.parametrize("field", range(6))
@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_refusal_says_to_write_is_accepted(wrong: str, field: int, beside: str) -> None:
    word = beside.format(wrong.format(LIMITS[field][0], LIMITS[field][1]))
    cron = " ".join(word if place == field else "*" for place in range(6))
    refusal = _refusal(cron)
    _, _, advice = str(refusal).partition("; write ")
    for text in QUOTED.findall(advice):
        assert refusal is not None
        assert any(_refusal(each) is None for each in _replaced(cron, text, refusal.offset)), (cron, text)
