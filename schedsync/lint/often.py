"""Expressions that fire more often than their authors think: each minute of an hour, each second."""

import re
from collections.abc import Iterator

from schedsync.lint.expression import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, Written
from schedsync.lint.finding import Finding, Looked, Rule
from schedsync.specs.words import cron_in_words

_ALL = {"*", "*/1"}
"""Who means each one writes ``0-59``."""
_CHOICES = {SECOND: "0-59", MINUTE: "0-59", HOUR: "0-23", DAY: "1-28", MONTH: "1-12", WEEKDAY: "0-6"}
"""What ``H/1`` goes through. It is not ``*``, which follows the clock where that is changed."""
_CHOICE = re.compile(r"H\((.*)\)", re.IGNORECASE)
_MEANT = 'if it is meant, write "0-59" for the "*"'


def each_second(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find a ``*`` for seconds, of which a sixth field was one too many."""
    word = cron.words[SECOND]
    if not cron.has_seconds or word.text not in _ALL:
        return
    expected = " ".join(each.text for each in cron.words[MINUTE:])
    words = cron_in_words(expected, job_id=looked.spec.id)
    yield looked.finding(
        Rule.EVERY_SECOND,
        "cron",
        f'with six fields the first one is for seconds, so this fires each second; write "{expected}", which is'
        f" {words}; {_MEANT}",
        found=word.text,
        expected=expected,
        offset=word.offset,
    )


def each_minute(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find a ``*`` for minutes beside hours that are not all: ``* 2 * * *`` in the place of ``0 2 * * *``."""
    word, hours = cron.words[MINUTE], cron.fields.hours
    if word.text not in _ALL or len(hours) == 24 or cron.words[SECOND].text in _ALL:
        return
    expected = cron.with_word(MINUTE, "0")
    times = f"60 times from {hours[0]:02}:00 to {hours[0]:02}:59" if len(hours) == 1 else "60 times in each such hour"
    words = cron_in_words(expected, job_id=looked.spec.id)
    yield looked.finding(
        Rule.EVERY_MINUTE,
        "cron",
        f'"{word.text} {cron.words[HOUR].text}" fires each minute, {times}; write "{expected}", which is {words};'
        f" {_MEANT}",
        found=word.text,
        expected=expected,
        offset=word.offset,
    )


def step_of_one(looked: Looked, cron: Written) -> Iterator[Finding]:
    """Find steps that leave nothing out: ``*/1``."""
    for field, word in enumerate(cron.words):
        for place, item in enumerate(word.items):
            span, slash, step = item.text.partition("/")
            if slash and step.isdigit() and int(step) == 1:
                span = _CHOICES[field] if span.upper() == "H" else _CHOICE.sub(r"\1", span)
                expected = cron.with_item(field, place, span)
                yield looked.finding(
                    Rule.STEP_OF_ONE,
                    "cron",
                    f'"{item.text}" is the same as "{span}": a step of one skips nothing; write "{expected}", or the'
                    " step that is meant",
                    found=item.text,
                    expected=expected,
                    offset=item.offset,
                )
