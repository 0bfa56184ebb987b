"""Triggers that will not fire any more."""

from collections.abc import Iterator
from datetime import datetime

from schedsync.clock import rfc3339
from schedsync.lint.finding import Finding, Looked, Rule
from schedsync.specs.trigger import Trigger
from schedsync.specs.triggers import AtTrigger


def over(looked: Looked) -> Iterator[Finding]:
    """Find an ``at`` or an ``end`` in the past, and calendars that list no day any more."""
    trigger = looked.trigger
    if looked.next_after(looked.now) is not None or _starts_again(trigger, looked.now):
        return
    remove = "remove the job" if len(looked.spec.schedule) == 1 else "remove this trigger"
    if isinstance(trigger, AtTrigger):
        message = f"this was at {rfc3339(trigger.instant)} and will not fire again; {remove}, or write a later time"
        yield looked.finding(Rule.OVER, "at", message)
    elif trigger.end is not None:
        message = f"there is no slot left until its end, {trigger.end}: it will not fire again"
        yield looked.finding(Rule.OVER, "end", f"{message}; {remove}, or write a later end")
    else:
        field = "only" if trigger.only else "exclude"
        message = "no day is left that its calendars allow: it will not fire again"
        yield looked.finding(Rule.OVER, field, f"{message}; {remove}, or add days to the calendars")


def _starts_again(trigger: Trigger, now: datetime) -> bool:
    """Whether a start of the service may still fire it."""
    return trigger.fires_at_boot and now <= trigger.bounds[1]
