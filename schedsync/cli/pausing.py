"""``schedsync pause`` and ``schedsync resume``: what an operator decides."""

from datetime import datetime

import click

from schedsync.cli.exits import Exit
from schedsync.cli.jobs import pause_text
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import say, say_json
from schedsync.cli.source import Standing, source
from schedsync.cli.times import MOMENT


@command("pause", remote=True)
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
    with source(options) as told:
        standing = told.pause(target, until=until, reason=reason)
    _show(options, standing, _paused(standing))
    return Exit.OK


@command("resume", remote=True)
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option(
    "--all", "every", is_flag=True, help="End the pause of all jobs; jobs that are paused themselves stay so."
)
@click.option("--reason", metavar="TEXT", help="Why, for others.")
def resume(options: Options, *, job_id: str | None, every: bool, reason: str | None) -> int:
    """Resume a job, or all jobs."""
    target = _target(job_id, every=every)
    with source(options) as told:
        standing = told.resume(target, reason=reason)
    _show(options, standing, _resumed(standing))
    return Exit.OK


def _target(job_id: str | None, *, every: bool) -> str | None:
    if (job_id is None) is not every:
        raise click.UsageError("Name one job, or say --all.")
    return job_id


def _show(options: Options, standing: Standing, sentence: str) -> None:
    """Print what is in force now."""
    if not options.as_json:
        say([sentence])
    elif standing.job is not None:
        say_json(standing.job.model_dump(mode="json"))
    else:
        everything = standing.everything
        say_json({"paused": None if everything is None else everything.model_dump(mode="json")})


def _paused(standing: Standing) -> str:
    name = "all jobs are" if standing.job is None else f"{standing.job.id} is"
    pause = standing.everything if standing.job is None else standing.own
    return f"{name} not paused any more" if pause is None else f"{name} paused {pause_text(pause)}"


def _resumed(standing: Standing) -> str:
    if standing.job is None:
        return "all jobs are resumed; those that are paused themselves stay so" if standing.ended else _NOTHING_TO_END
    name = standing.job.id
    done = f"{name} is resumed" if standing.ended else f"{name} was not paused itself, so there is nothing to resume"
    if standing.everything is None:
        return done
    return f"{done}; it stays paused with all jobs, {pause_text(standing.everything)}"


_NOTHING_TO_END = "there is no pause of all jobs to end; jobs that are paused themselves stay so"
