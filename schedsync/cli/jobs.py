"""``schedsync jobs``: what is live."""

from collections.abc import Iterator

import click

from schedsync.cli import spec_text
from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import complain, say, say_json, say_table
from schedsync.cli.schedules import in_short
from schedsync.cli.stores import current
from schedsync.cli.tables import fields, table
from schedsync.cli.times import shown
from schedsync.clock import utc_now
from schedsync.errors import JobNotFoundError
from schedsync.specs.job import JobSpec
from schedsync.status.knowledge import FromStore
from schedsync.status.views import JobDetail, JobView, PauseView, RunView, job_detail, jobs_page, overdue_since
from schedsync.store.jobs import StoredJob
from schedsync.store.store import Store

_HEADING = ("ID", "STATE", "NEXT FIRE", "LAST RUN", "SCHEDULE", "FILE")


@command("jobs")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="The most jobs to list.")
def jobs(options: Options, *, job_id: str | None, limit: int) -> int:
    """List the live jobs, or show one with its spec."""
    with current(options.settings()) as store:
        if job_id is not None:
            _show_one(options, store, job_id)
        else:
            _show_all(options, store, limit)
    return Exit.OK


def detail(store: Store, job_id: str) -> tuple[StoredJob, JobDetail]:
    """Return a live job, and how it is shown.

    Raises:
        JobNotFoundError: there is none of this id.
    """
    job = store.jobs.load([job_id]).get(job_id)
    if job is None:
        raise JobNotFoundError(job_id)
    last, overdue = store.runs.last_of([job_id]).get(job_id), overdue_since(FromStore(store), [job]).get(job_id)
    return job, job_detail(job, store.pauses.in_force(utc_now()), last, overdue)


def pause_text(pause: PauseView) -> str:
    """Return who paused, since when, until when and why."""
    until = f" until {shown(pause.until)}" if pause.until else ""
    reason = f": {pause.reason}" if pause.reason else ""
    return f"by {pause.by} since {shown(pause.since)}{until}{reason}"


def _show_all(options: Options, store: Store, limit: int) -> None:
    views, more = jobs_page(FromStore(store), after="", limit=limit, now=utc_now())
    if options.as_json:
        cursor = None if more is None else _cursor(more)
        say_json({"jobs": [view.model_dump(mode="json") for view in views], "next_cursor": cursor})
        return
    specs = store.jobs.load([view.id for view in views])
    say_table(table(_HEADING, [_row(view, specs[view.id].spec if view.id in specs else None) for view in views]))
    if more is not None:
        complain(f"there are more than {limit} jobs; --limit shows more")


def _cursor(job_id: str) -> str:
    from schedsync.api.paging import job_cursor  # noqa: PLC0415 - Flask is heavy, and a further page is rare

    return job_cursor(job_id)


def _show_one(options: Options, store: Store, job_id: str) -> None:
    job, view = detail(store, job_id)
    if options.as_json:
        say_json(view.model_dump(mode="json"))
    else:
        say(_details(view, job.spec))


def _row(view: JobView, spec: JobSpec | None) -> tuple[str | None, ...]:
    schedule = None if spec is None else in_short(spec)
    return view.id, _state(view), shown(view.next_fire_at), _last_run(view.last_run), schedule, view.source.file


def _state(view: JobView) -> str:
    more = {"stale": view.stale, "overdue": view.overdue_since is not None}
    return ", ".join([view.state, *(word for word, is_so in more.items() if is_so)])


def _last_run(run: RunView | None) -> str | None:
    return None if run is None else f"{run.state} {shown(run.started_at or run.scheduled_at)}"


def _details(view: JobDetail, spec: JobSpec | None) -> Iterator[Line]:
    yield from fields(
        (
            ("id", view.id),
            ("description", view.description),
            ("owner", view.owner),
            ("tags", ", ".join(view.tags)),
            ("state", _state(view)),
            ("paused", None if view.pause is None else pause_text(view.pause)),
            ("overdue since", shown(view.overdue_since)),
            ("next fire", shown(view.next_fire_at)),
            ("last run", _last_run(view.last_run)),
            ("file", f"{view.source.file}:{view.source.line}"),
            ("revision", view.revision),
        )
    )
    yield ""
    if spec is None:
        yield "The stored spec cannot be read."
    else:
        yield from spec_text.lines(spec.model_dump(mode="json", exclude_defaults=True))
