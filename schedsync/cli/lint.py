"""``schedsync lint``: what is valid in job files, and hardly meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from schedsync.cli import diagnostics
from schedsync.cli.exits import Exit
from schedsync.cli.folder import Checked, check, check_folder
from schedsync.cli.options import Options, command
from schedsync.cli.output import complain, counted, say, say_json
from schedsync.cli.progress import progress
from schedsync.clock import utc_now
from schedsync.lint.finding import Finding, Rule
from schedsync.lint.folder import findings
from schedsync.lint.herd import MANY
from schedsync.settings import JobsSettings
from schedsync.sources.origins import Files
from schedsync.sources.places import placed
from schedsync.specs.problem import Problem

_Placed = tuple[Rule, Problem]


@command("lint")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--herd",
    type=click.IntRange(2),
    default=MANY,
    show_default=True,
    metavar="N",
    help="So many jobs that start in one minute are a herd.",
)
@click.option(
    "--ignore",
    multiple=True,
    type=click.Choice([rule.value for rule in Rule]),
    help="Leave out what this rule finds; repeatable.",
)
def lint(options: Options, *, path: Path | None, herd: int, ignore: tuple[str, ...]) -> int:
    """Find what is valid in job files, and hardly meant.

    PATH is a folder or a file, as for `schedsync validate`; default: the jobs folder. Exit code 1 when something is
    found, and when there are mistakes, which `schedsync validate` shows.
    """
    settings = options.settings().jobs
    with progress("looking at them", quiet=options.as_json) as told:
        checked = check_folder(settings, told) if path is None else check(path, settings, told)
        specs = [checked.jobs[job_id].spec for job_id in sorted(checked.jobs)]
        found = [each for each in findings(specs, utc_now(), many=herd) if each.rule.value not in ignore]
        places = _placed(found, checked, settings)
    if options.as_json:
        each = [_as_json(rule, problem) for rule, problem in places]
        say_json({"findings": each, "jobs": len(specs), "problems": len(checked.problems)})
    else:
        say(diagnostics.warnings(places, checked.root))
        say([f"{counted(len(places), 'finding')} in {counted(len(specs), 'job')}"])
    if checked.problems:
        complain(f"{diagnostics.tally(checked.problems)}; `schedsync validate` shows what is left out here")
    return Exit.FAILURE if places or checked.problems else Exit.OK


def _placed(found: Sequence[Finding], checked: Checked, settings: JobsSettings) -> list[_Placed]:
    """Return what was found in the order of the files; what many jobs have from one file of defaults, once."""
    files = Files(checked.root, settings.timezone, settings.max_file_size)
    problems = placed([(checked.jobs[each.job_id], each.as_error) for each in found], files)
    once: dict[tuple[Rule, str, str | None], _Placed] = {}
    for each, problem in zip(found, problems, strict=True):
        # Without a column the place is a line, on which there may be several jobs.
        once.setdefault((each.rule, problem.place, None if problem.column else each.job_id), (each.rule, problem))
    return sorted(once.values(), key=lambda placed: _in_order(placed[1]))


def _in_order(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line or 0, problem.column or 0


def _as_json(rule: Rule, problem: Problem) -> dict[str, Any]:
    shape = diagnostics.as_json(problem)
    del shape["since"]
    return {"rule": rule.value, **shape}
