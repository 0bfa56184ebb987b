"""``schedsync pause`` and ``schedsync resume``: what an operator decides, through `control`."""

from datetime import datetime

import click

from schedsync.cli.exits import Exit
from schedsync.cli.jobs import detail, pause_text
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import say, say_json
from schedsync.cli.stores import current
from schedsync.cli.times import MOMENT
from schedsync.cli.who import who
from schedsync.clock import utc_now
from schedsync.control import Control
from schedsync.runs.pause import EVERYTHING
from schedsync.status.views import PauseView, pause_view
from schedsync.store.store import Store


@command("pause")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="Pause all jobs.")
@click.option(
    "--until", type=MOMENT, metavar="T", help="When it resumes by itself: 2027-01-31T23:59:59Z, or 2h from now."
)
@click.option("--reason", metavar="TEXT", help="Why, for others.")
def pause(options: Options, *, job_id: str | None, every: bool, until: datetime | None, reason: str | None) -> int:
    """Pause a job, or all jobs; edits and restarts leave it paused.

    Pausing again replaces the reason and the end.
    """
    target = _target(job_id, every=every)
    with current(options.settings()) as store:
        Control(store).pause(target, by=who(), reason=reason, until=until)
        _show(options, store, target)
    return Exit.OK


@command("resume")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option(
    "--all", "every", is_flag=True, help="End the pause of all jobs; jobs that are paused themselves stay so."
)
@click.option("--reason", metavar="TEXT", help="Why, for others.")
def resume(options: Options, *, job_id: str | None, every: bool, reason: str | None) -> int:
    """Resume a job, or all jobs."""
    target = _target(job_id, every=every)
    with current(options.settings()) as store:
        Control(store).resume(target, by=who(), reason=reason)
        _show(options, store, target)
    return Exit.OK


def _target(job_id: str | None, *, every: bool) -> str | None:
    if (job_id is None) is not every:
        raise click.UsageError("Name one job, or say --all.")
    return job_id


def _show(options: Options, store: Store, job_id: str | None) -> None:
    """Print what is in force now."""
    pauses = store.pauses.in_force(utc_now())
    everything = pause_view(pauses.get(EVERYTHING))
    if not options.as_json:
        say([_sentence(job_id, None if job_id is None else pause_view(pauses.get(job_id)), everything)])
    elif job_id is None:
        say_json({"paused": None if everything is None else everything.model_dump(mode="json")})
    else:
        say_json(detail(store, job_id)[1].model_dump(mode="json"))


def _sentence(job_id: str | None, own: PauseView | None, everything: PauseView | None) -> str:
    if own is not None:
        return f"{job_id} is paused {pause_text(own)}"
    if everything is not None:
        besides = "" if job_id is None else f"{job_id} is not paused itself, but "
        return f"{besides}all jobs are paused {pause_text(everything)}"
    return "jobs are not paused as a whole" if job_id is None else f"{job_id} is not paused"
