"""``schedsync`` alone: how things are, and what to do next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options
from schedsync.cli.output import counted, say, say_json, say_table
from schedsync.cli.painting import Line, Paint, painted, words
from schedsync.cli.runs import duration
from schedsync.cli.source import JobsWanted, RunsWanted, Source, source
from schedsync.cli.status import facts, problem_lines
from schedsync.cli.tables import table
from schedsync.cli.times import shown
from schedsync.clock import utc_now

if TYPE_CHECKING:
    from schedsync.settings import Settings
    from schedsync.status.views import JobView, RunView, StatusView

MOST = 5
"""So many entries of a kind are shown."""
LATELY = timedelta(days=1)
"""How long ago a failure is worth a line."""
_FAILED = ("failed", "timed_out", "lost")
EXAMPLE = """\
description: Says hello
schedule: {every: 1m}
run:
  shell: echo "hello from $SCHEDSYNC_JOB_ID"
"""
"""A job to begin with."""


@dataclass(frozen=True, slots=True)
class _Summary:
    """What is worth knowing at first sight."""

    status: "StatusView"
    running: "list[RunView]"
    failed: "list[RunView]"
    """Lately, newest first."""
    coming: "list[JobView]"
    """By their next slots."""


def summarise(options: Options) -> int:
    """Say how things are and what to do next; where nothing is yet, how to begin."""
    if options.remote is None:
        settings = options.settings()
        if _is_new(settings):
            _begin(options, settings)
            return Exit.OK
    with source(options) as asked:
        found = _look(asked)
    if options.as_json:
        say_json(
            {
                "status": found.status.model_dump(mode="json"),
                "running": [run.model_dump(mode="json") for run in found.running],
                "failed": [run.model_dump(mode="json") for run in found.failed],
                "next": [job.model_dump(mode="json") for job in found.coming],
            }
        )
    else:
        _tell(found)
    return Exit.OK


def _look(asked: Source) -> _Summary:
    since = utc_now() - LATELY
    failed = [run for state in _FAILED for run in asked.runs(None, RunsWanted(MOST, state=state, since=since)).runs]
    failed.sort(key=lambda run: run.scheduled_at, reverse=True)
    coming = asked.jobs(JobsWanted(MOST, sort="next_fire_at")).jobs
    return _Summary(
        status=asked.status(),
        running=asked.runs(None, RunsWanted(MOST, state="running")).runs,
        failed=failed[:MOST],
        coming=[job for job in coming if job.next_fire_at is not None],
    )


def _tell(found: _Summary) -> None:
    say(facts(found.status))
    _section("Problems", problem_lines(found.status, MOST))
    _section("Running", table(("JOB", "RUN", "FOR"), [(run.job_id, run.id, duration(run)) for run in found.running]))
    _section("Failed in the last 24 hours", table(("JOB", "STATE", "SCHEDULED", "REASON"), map(_failure, found.failed)))
    _section("Next", table(("JOB", "AT", "SCHEDULE"), map(_slot, found.coming)))
    say(["", *_hints(found)])


def _section(title: str, lines: Iterable[Line]) -> None:
    """Print *lines* below a title, if there are more of them than the heading of a table."""
    shown_lines = list(lines)
    if len(shown_lines) > (title != "Problems"):
        say(["", painted(title, Paint.STRONG)])
        say_table(shown_lines)


def _slot(job: "JobView") -> tuple[Line | None, ...]:
    return job.id, shown(job.next_fire_at), job.schedule


def _failure(run: "RunView") -> tuple[Line | None, ...]:
    return run.job_id, words(run.state), shown(run.scheduled_at), run.reason


def _hints(found: _Summary) -> Iterator[Line]:
    if found.status.leader is None:
        yield from _hint("schedsync run", "start the service")
    if found.status.problems:
        yield from _hint("schedsync validate", "see each mistake with its line")
    if found.status.held:
        yield from _hint("schedsync plan", "see what is held back, and why")
    if found.failed:
        yield from _hint(f"schedsync logs {found.failed[0].job_id}", "see what it printed")
    if found.status.counts.queued:
        yield from _hint("schedsync queue", "see what waits, and what for")
    yield from _hint("schedsync jobs", "list the jobs")
    yield from _hint("schedsync --help", "list all commands")


def _hint(command: str, what: str) -> Iterator[Line]:
    yield painted(f"{command:<28}", Paint.BUSY) + f"  {what}"


# --- where nothing is yet ---


def _is_new(settings: "Settings") -> bool:
    """Whether the database is not there, or has no tables; none is made by asking."""
    from schedsync.cli.stores import opened  # noqa: PLC0415 - it takes longer than asking a service

    with opened(settings) as store:
        return store.is_new


def _begin(options: Options, settings: "Settings") -> None:
    files = _job_files(settings)
    if options.as_json:
        say_json({"status": None, "running": [], "failed": [], "next": []})
    elif files:
        is_live = "it is not live yet" if files == 1 else "nothing of them is live yet"
        say([f"{settings.jobs.path} has {counted(files, 'job file')}, and {is_live}: no service has run here.", ""])
        say(_hint("schedsync validate", "see whether they are right"))
        say(_hint("schedsync next", "see when they will run"))
        say(_hint("schedsync run", "start the service"))
    else:
        say(_how_to_begin(settings))


def _job_files(settings: "Settings") -> int:
    from schedsync.sources.listing import list_folder  # noqa: PLC0415 - likewise

    try:
        return len(list_folder(str(settings.jobs.path)).files)
    except OSError:
        return 0


def _how_to_begin(settings: "Settings") -> Iterator[Line]:
    file = settings.jobs.path / "hello.yaml"
    yield f"There are no job files in {settings.jobs.path} yet, and no service has run here. To begin, write {file}:"
    yield ""
    yield from (f"    {line}" for line in EXAMPLE.splitlines())
    yield ""
    yield from _hint("schedsync validate", "see whether it is right")
    yield from _hint("schedsync run", "start the service")
    yield from _hint("schedsync --help", "list all commands")
