"""``schedsync status``: how the service is, and whether a revision is live yet."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from schedsync.cli.exits import Exit
from schedsync.cli.jobs import pause_text
from schedsync.cli.options import Options, command
from schedsync.cli.output import complain, counted, say, say_json
from schedsync.cli.painting import Line, Paint, joined, painted
from schedsync.cli.source import source
from schedsync.cli.tables import fields
from schedsync.cli.times import PERIOD, ago, elapsed, shown
from schedsync.errors import DatabaseUnavailableError, SchemaError

if TYPE_CHECKING:
    from schedsync.status.views import BlackoutView, CountsView, NoticesView, ProblemView, StatusView

BETWEEN = 0.5
"""Seconds between two looks at a revision that is waited for."""
SETTLED = 2.0
"""Seconds that a failed attempt has to last before it counts: a folder that is being checked out may be read midway."""
SHORTEST = 7
"""So many characters of a revision have to be given at least."""
_LABEL = "sha256:"
"""With it begin the revisions of folders that are in no Git; it tells them apart from nothing."""


class _Revision(click.ParamType[str]):
    """The name of a revision, or how it begins."""

    name = "sha"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value* if it is long enough to name one revision only."""
        if len(value.removeprefix(_LABEL)) < SHORTEST:
            behind = f" behind {_LABEL}" if value.startswith(_LABEL) else ""
            self.fail(
                f'"{value}" may be the beginning of many; give at least {SHORTEST} characters{behind}', param, ctx
            )
        return str(value)


@command("status", remote=True)
@click.option("--wait", is_flag=True, help="Wait until the revision is live.")
@click.option("--revision", type=_Revision(), metavar="SHA", help="With --wait: which one; 7 characters are enough.")
@click.option("--timeout", type=PERIOD, default="60s", show_default=True, metavar="T", help="How long to wait at most.")
def status(options: Options, *, wait: bool, revision: str | None, timeout: timedelta) -> int:
    """Show how the service is, or wait until a revision is live.

    With --wait the exit code is 1 when the time is over, or when the revision has been looked at and not all of it
    could be made live: then the problems are named.
    """
    if wait is not (revision is not None):
        raise click.UsageError("--wait and --revision SHA go together.")
    if revision is not None:
        return _wait(options, revision, timeout)
    with source(options) as asked:
        view = asked.status()
    if options.as_json:
        say_json(view.model_dump(mode="json"))
    else:
        say([*facts(view), *problem_lines(view)])
    return Exit.OK


def facts(view: "StatusView") -> list[Line]:
    """Return what *view* says, without the problems."""
    return fields(
        (
            ("service", _service(view)),
            ("revision", _revision(view)),
            ("database", None if view.database.ok else _away(view)),
            ("paused", None if view.paused is None else painted(f"all jobs, {pause_text(view.paused)}", Paint.CARE)),
            *(("blackout", _blackout(each)) for each in view.blackouts),
            ("jobs", _jobs(view.counts)),
            ("runs", f"{view.counts.running} running, {view.counts.queued} queued"),
            ("notices", _notices(view.notices)),
        )
    )


def _service(view: "StatusView") -> Line:
    if view.leader is None:
        return painted("no instance leads, so nothing is fired", Paint.BAD)
    tick = "" if view.last_tick_at is None else f", its last tick {ago(view.last_tick_at)}"
    return painted("well", Paint.GOOD) + f": {view.leader} leads{tick}"


def _revision(view: "StatusView") -> Line:
    live, attempted = view.revision.live, view.revision.attempted
    when = "" if view.last_sync_at is None else f", last change {ago(view.last_sync_at)}"
    if live is None and attempted is None:
        return "no folder has been applied yet"
    if live == attempted:
        return f"{live or attempted} is live{when}"
    care = painted(f"{attempted} is not wholly live", Paint.CARE)
    return care + f"; the last that was: {live or 'none'}{when}"


def _jobs(counts: "CountsView") -> Line:
    states = ("active", "paused", "suspended", "finished", "stale", "held")
    some = [f"{count} {state}" for state in states if (count := getattr(counts, state))]
    return f"{counts.jobs}" + (f": {', '.join(some)}" if some else "")


def _blackout(blackout: "BlackoutView") -> Line:
    """Return what is in force, until when, why, and for which jobs."""
    until = "" if blackout.until is None else f" until {shown(blackout.until)}"
    which = [*blackout.jobs, *(f"tag {tag}" for tag in blackout.tags)]
    why = f": {blackout.reason}" if blackout.reason else ""
    return painted(f"{blackout.name}{until}", Paint.CARE) + f", {', '.join(which) or 'all jobs'}{why}"


def _notices(notices: "NoticesView") -> Line | None:
    some = [f"{notices.pending} to be sent"] if notices.pending else []
    failed = [painted(f"{notices.failed} given up", Paint.BAD)] if notices.failed else []
    return joined(", ", [*some, *failed]) if some or failed else None


def problem_lines(view: "StatusView", most: int | None = None) -> Iterator[Line]:
    """Yield the problems and the held changes of *view*, or the first few of each."""
    for problem in view.problems[:most]:
        yield painted(f"{_place(problem)}:", Paint.STRONG) + " " + painted(problem.message, Paint.BAD)
    yield from _more(len(view.problems), most, "problem")
    for held in view.held[:most]:
        yield painted("!", Paint.CARE) + f" {held.job_id}  {held.change} held: {held.why}"
    yield from _more(len(view.held), most, "held change")


def _place(problem: "ProblemView") -> str:
    return ":".join(str(part) for part in (problem.file, problem.line, problem.column) if part is not None)


def _more(count: int, most: int | None, noun: str) -> Iterator[Line]:
    if most is not None and count > most:
        yield f"... and {counted(count - most, f'more {noun}')}; `schedsync status` shows them"


def _away(view: "StatusView") -> Line:
    since = "" if view.database.since is None else f" since {shown(view.database.since)}"
    return painted(f"does not answer{since}: {view.database.error}", Paint.BAD)


# --- waiting ---


def _wait(options: Options, revision: str, timeout: timedelta) -> int:
    view, failure = _waited(options, revision, time.monotonic() + timeout.total_seconds())
    live = view is not None and _is(view.revision.live, revision)
    if options.as_json:
        say_json({"live": live, "error": failure, "status": None if view is None else view.model_dump(mode="json")})
    elif live:
        say([f"{revision} is live"])
    elif view is not None:
        say(problem_lines(view))
    if not live:
        complain(_why_not(view, revision, timeout, failure), Paint.BAD)
    return Exit.OK if live else Exit.FAILURE


def _waited(options: Options, revision: str, deadline: float) -> "tuple[StatusView | None, str | None]":
    """Return the status that decides, or the last one in the time; and why there is none, if so.

    A service that is started, and a database that is away, are waited for.
    """
    from schedsync.cli.client import NoAnswerError  # noqa: PLC0415 - only who waits asks it

    view, failure, attempted_since = None, None, None
    while True:
        try:
            with source(options) as asked:
                view, failure = asked.status(), None
        except (DatabaseUnavailableError, SchemaError, NoAnswerError) as error:
            failure = str(error)
        now = time.monotonic()
        attempted_since = (attempted_since or now) if view is not None and _has_failed(view, revision) else None
        settled = attempted_since is not None and now - attempted_since >= SETTLED
        if settled or now >= deadline or (view is not None and _is(view.revision.live, revision)):
            return view, failure
        time.sleep(min(BETWEEN, max(deadline - now, 0)))


def _is(found: str | None, wanted: str) -> bool:
    return found is not None and found.startswith(wanted)


def _has_failed(view: "StatusView", revision: str) -> bool:
    """Whether *revision* has been looked at, and something in it keeps it from being live."""
    about_files = [problem for problem in view.problems if problem.file != "."]
    return _is(view.revision.attempted, revision) and bool(about_files or view.held)


def _why_not(view: "StatusView | None", revision: str, timeout: timedelta, failure: str | None) -> str:
    if view is not None and _has_failed(view, revision):
        what = [counted(len(view.problems), "problem")] if view.problems else []
        what += [counted(len(view.held), "held change")] if view.held else []
        return f"{revision} has been looked at and is not wholly live, for {' and '.join(what)}"
    found = "" if view is None else f"; live is {view.revision.live or 'none'}"
    return f"{revision} is not live after {elapsed(timeout)}{found}" + (f"; {failure}" if failure else "")
