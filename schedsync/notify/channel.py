"""A channel, and what it is told of a notice. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schedsync.clock import rfc3339
from schedsync.notify import template
from schedsync.notify.request import FAILURE, SUCCESS, WARNING, WEBHOOK, Request, kind_of
from schedsync.runs.notices import Notice
from schedsync.runs.run import Run
from schedsync.specs.notify import Event

WORDS = {
    Event.FAILED: "failed",
    Event.RECOVERED: "works again",
    Event.LATE: "is late",
    Event.LOST: "was lost: nobody knows how it ended",
    Event.GAVE_UP: "failed, and no further attempt follows",
}
"""What happened to a job, as the rest of a sentence."""
SEVERITIES = {Event.RECOVERED: SUCCESS, Event.LATE: WARNING}
"""How grave an event is; all others are failures."""
SHOWN = 4_000
"""How many characters of an output are shown: the last ones."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where notices go."""

    name: str
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    title: str = template.TITLE
    body: str = template.BODY
    seconds: float = 10.0

    @property
    def kind(self) -> str:
        """Who delivers: ``webhook`` or ``service``."""
        return kind_of(self.url)

    @property
    def shown(self) -> str:
        """The URL as people may see it: most of it may be a token."""
        return f"{self.url.partition('://')[0]}://***"

    def request(self, values: Mapping[str, str]) -> Request:
        """Return the request that tells *values*, which are those of the placeholders."""
        title, body = (template.fill(text, values) for text in (self.title, self.body))
        fields = values if self.kind == WEBHOOK else {}
        severity = SEVERITIES.get(Event(values["event"]), FAILURE)
        title = title.replace("\n", " ")
        return Request(self.kind, self.url, title, body, fields, self.secret, severity, self.seconds)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known besides a notice."""

    run: Run | None = None
    """None when it is about no run, or the run is not kept any more."""
    output: str = ""
    owner: str | None = None
    public_url: str | None = None


def values_of(notice: Notice, known: Surroundings) -> dict[str, str]:
    """Return the values of all placeholders for *notice*; what is not known is empty."""
    run = known.run
    facts: dict[str, object] = {
        "job": notice.job_id,
        "what": WORDS[notice.event],
        "event": notice.event.value,
        "owner": known.owner,
        "slot": None if notice.scheduled_at is None else rfc3339(notice.scheduled_at),
        "reason": notice.reason,
        "run": notice.run_id,
        "output": known.output[-SHOWN:],
    }
    if run is not None:
        facts |= {"state": run.state.value, "attempt": run.attempt, "exit_code": run.exit_code}
        facts |= {"node": run.node, "revision": run.revision, "reason": notice.reason or run.reason}
    if known.public_url is not None and notice.run_id is not None:
        facts["url"] = f"{known.public_url}/api/runs/{notice.run_id}"
    return {name: "" if facts.get(name) is None else str(facts[name]) for name in template.PLACEHOLDERS}
