"""``/runs/ID``: one run, and what it prints."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import backend
from schedsync.api.following import whole
from schedsync.errors import DatabaseUnavailableError
from schedsync.pages.shown.run import run_page
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.runs.waiting import Waiting
from schedsync.status.knowledge import Knowledge
from schedsync.status.output import Stretch
from schedsync.status.queue import queue_in_rows

blueprint = Blueprint("run", __name__, url_prefix="/runs")


@dataclass(frozen=True, slots=True)
class _Known:
    run: Run
    attempts: list[Run]
    followers: list[Run]
    waits: Waiting | None


@blueprint.get("/<run_id>")
def show(run_id: str) -> str:
    """Show a run."""
    # What it printed is looked at first: when it ends in between, its page says that it goes on, and asks for the rest.
    output = _output(run_id)
    known = remembered(lambda known: _known(known, run_id))
    page = run_page(
        known.run,
        now=backend().clock(),
        attempts=known.attempts,
        followers=known.followers,
        waits=known.waits,
        output=output,
    )
    return render_template("run.html", page=page)


def _output(run_id: str) -> Stretch | None:
    try:
        return whole(run_id).stretch
    except DatabaseUnavailableError:  # the run itself may be remembered
        return None


def _known(known: Knowledge, run_id: str) -> _Known:
    run = known.run(run_id)
    return _Known(
        run=run,
        attempts=known.attempts(run),
        followers=known.followers(run) if run.state not in UNSETTLED else [],
        waits=_waits(known, run) if run.state is RunState.QUEUED else None,
    )


def _waits(known: Knowledge, run: Run) -> Waiting | None:
    parts = backend()
    told = parts.waiting()
    if told is None:
        told = queue_in_rows(known, parts.groups, parts.clock())
    return next((each for each in told if each.run.id == run.id), None)
