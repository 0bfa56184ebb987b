"""``schedsync jobs``: what is live."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from schedsync.cli import spec_text
from schedsync.cli.exits import Exit
from schedsync.cli.lists import say_age, say_page
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import complain, say, say_json, say_table
from schedsync.cli.painting import Line, Painted, words
from schedsync.cli.source import JobsWanted, Source, source
from schedsync.cli.tables import fields, table
from schedsync.cli.times import shown
from schedsync.specs.wording import AT_BOOT

if TYPE_CHECKING:
    from schedsync.status.views import JobDetail, JobView, PauseView, RunView

_STATES = ("active", "paused", "suspended", "finished")
_KEYS = ("id", "next_fire_at", "last_run_at", "state")
_ORDERS = [*_KEYS, *(f"-{key}" for key in _KEYS)]
_SORT = f"{', '.join(_KEYS[:-1])} or {_KEYS[-1]}; with - in front the last one first. [default: id]"
_HEADING = ("ID", "STATE", "NEXT FIRE", "LAST RUN", "SCHEDULE", "FILE")


@command("jobs", remote=True)
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="The most jobs to list.")
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--tag", metavar="TAG", help="Only those with this tag.")
@click.option("--owner", metavar="TEXT", help="Only those of this owner.")
@click.option("--group", metavar="NAME", help="Only those of this group.")
@click.option("--q", metavar="TEXT", help="Only those with TEXT in their id, description, owner or tags.")
@click.option("--stale", is_flag=True, default=None, help="Only those whose files are broken.")
@click.option("--sort", type=click.Choice(_ORDERS), default="id", metavar="KEY", help=_SORT)
def jobs(options: Options, *, job_id: str | None, limit: int, **filters: Any) -> int:
    """List the live jobs, or show one with its spec."""
    chosen: dict[str, Any] = {name: value or None for name, value in filters.items()}
    wanted = JobsWanted(limit, **chosen)
    if job_id is not None and wanted != JobsWanted(limit):
        raise click.UsageError("Leave out ID or the filters: of one job there is nothing to choose.")
    with source(options) as asked:
        if job_id is not None:
            _show_one(options, asked.job(job_id))
        else:
            _show_all(options, asked, wanted)
    return Exit.OK


def pause_text(pause: "PauseView") -> str:
    """Return who paused, since when, until when and why."""
    until = f" until {shown(pause.until)}" if pause.until else ""
    reason = f": {pause.reason}" if pause.reason else ""
    return f"by {pause.by} since {shown(pause.since)}{until}{reason}"


def _show_all(options: Options, asked: Source, wanted: JobsWanted) -> None:
    page = asked.jobs(wanted)
    if options.as_json:
        say_page(page)
        return
    say_table(table(_HEADING, map(_row, page.jobs)))
    say_age(page)
    if page.next_cursor is not None:
        complain(f"there are {page.total} jobs; --limit shows more")


def _show_one(options: Options, job: "JobDetail") -> None:
    if options.as_json:
        say_json(job.model_dump(mode="json"))
    else:
        say(_details(job))


def _row(job: "JobView") -> tuple[Line | None, ...]:
    return job.id, _state(job), _next_fire(job), last_run(job.last_run), job.schedule, job.source.file


def _state(job: "JobView") -> Painted:
    more = {"stale": job.stale, "overdue": job.overdue_since is not None}
    return words(job.state, *(word for word, is_so in more.items() if is_so))


def _next_fire(job: "JobView") -> str | None:
    return shown(job.next_fire_at) or (AT_BOOT if job.at_boot and job.state == "active" else None)


def _behind_next(job: "JobDetail") -> list[str]:
    """Return the slots after the next one, if that is known."""
    following = [slot for slot in job.next_slots if job.next_fire_at is not None and slot > job.next_fire_at]
    return [str(shown(slot)) for slot in following[:3]]


def last_run(run: "RunView | None") -> Line | None:
    """Return how a run ended, and when it was."""
    return None if run is None else words(run.state) + f" {shown(run.started_at or run.scheduled_at)}"


def _details(job: "JobDetail") -> Iterator[Line]:
    yield from fields(
        (
            ("id", job.id),
            ("description", job.description),
            ("owner", job.owner),
            ("tags", ", ".join(job.tags)),
            ("state", _state(job)),
            ("paused", None if job.pause is None else pause_text(job.pause)),
            ("overdue since", shown(job.overdue_since)),
            ("next fire", _next_fire(job)),
            ("then", ", ".join(_behind_next(job))),
            ("last run", last_run(job.last_run)),
            ("file", f"{job.source.file}:{job.source.line}"),
            ("revision", job.revision),
        )
    )
    yield ""
    if job.spec is None:
        yield "The stored spec cannot be read."
    else:
        yield from spec_text.lines(_without_defaults(job.spec))


def _without_defaults(spec: dict[str, Any]) -> dict[str, Any]:
    """Return *spec* as its author may have written it; whole, if it is that of a newer version."""
    from pydantic import ValidationError  # noqa: PLC0415 - a command that only completes words does without

    from schedsync.specs.job import JobSpec  # noqa: PLC0415 - likewise

    try:
        return JobSpec.model_validate(spec).model_dump(mode="json", exclude_defaults=True)
    except ValidationError:
        return spec
