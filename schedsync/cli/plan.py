"""``schedsync plan`` and ``schedsync apply``: the folder held against the store, and made live."""

from dataclasses import asdict
from typing import Any

import click

from schedsync.cli import diagnostics
from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command
from schedsync.cli.output import complain_each, say, say_json
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.progress import Told, progress
from schedsync.cli.stores import opened
from schedsync.clock import rfc3339
from schedsync.parts import reconciler
from schedsync.plan.ops import Plan
from schedsync.plan.render import OldSpecs, to_json, to_text
from schedsync.plan.state import Observed
from schedsync.settings import Settings
from schedsync.store.syncs import SyncReport

_MARKS = {"+": Paint.GOOD, "~": Paint.CARE, "-": Paint.BAD, "!": Paint.CARE, "=": Paint.FAINT}
"""The colours of what a line of a plan begins with."""


@command("plan")
def plan(options: Options) -> int:
    """Show what applying the folder would change.

    Exit code: 0 nothing, 2 changes, held ones too, 1 the folder has problems and nothing changes.
    """
    settings = options.settings()
    with progress("comparing them with the database", quiet=options.as_json) as told:
        found, old = _plan(settings, told)
    if options.as_json:
        problems = [diagnostics.as_json(problem) for problem in found.problems]
        say_json(to_json(found, old) | {"problems": problems})
    else:
        say(map(_marked, to_text(found, old)))
        complain_each(diagnostics.concise(found.problems, settings.jobs.path))
    if found.add or found.update or found.remove or found.hold or found.wait:
        return Exit.CHANGES
    return Exit.FAILURE if found.problems else Exit.OK


@command("apply")
@click.option("--allow-prune", is_flag=True, help="Remove also what is held back for a person.")
@click.option("--ignore-windows", is_flag=True, help="Make live also what waits for a sync window.")
def apply(options: Options, *, allow_prune: bool, ignore_windows: bool) -> int:
    """Make the database equal the folder, once.

    Creates or upgrades the tables first. A service on the same database takes the change up by itself.
    """
    settings = options.settings()
    with opened(settings) as store, progress("making them live", quiet=options.as_json) as told:
        store.upgrade()
        report = reconciler(settings, store, told).step(allow_prune=allow_prune, ignore_windows=ignore_windows)
    if options.as_json:
        say_json(_report_json(report))
    else:
        held = (f"! {held.job_id}  {held.change} held: {held.why}" for held in report.held)
        say([_done(report), *map(_marked, held)])
        complain_each(diagnostics.concise(report.problems, settings.jobs.path))
    return Exit.FAILURE if report.problems else Exit.OK


def _plan(settings: Settings, told: Told) -> tuple[Plan, OldSpecs]:
    """Return the plan, and the live specs of what it updates."""
    with opened(settings) as store:
        planner = reconciler(settings, store, told)
        if store.is_new:
            return planner.plan(observed=Observed()), {}
        store.require_current()
        found = planner.plan()
        return found, planner.old_specs(found)


def _marked(line: str) -> Line:
    return painted(line[:1], _MARKS.get(line[:1])) + line[1:]


def _done(report: SyncReport) -> str:
    counts = [f"{count} {word}" for word, count in report.counts.items() if count]
    revision = f" revision {report.revision}" if report.revision else ""
    return f"Applied{revision}: {', '.join(counts) or 'nothing to do'}."


def _report_json(report: SyncReport) -> dict[str, Any]:
    return asdict(report) | {
        "at": rfc3339(report.at),
        "problems": [diagnostics.as_json(problem) for problem in report.problems],
        "held": [asdict(held) for held in report.held],
    }
