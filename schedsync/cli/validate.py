"""``schedsync validate``: what is wrong in job files, without a database."""

from pathlib import Path

import click

from schedsync.cli import diagnostics
from schedsync.cli.exits import Exit
from schedsync.cli.folder import check, check_folder
from schedsync.cli.options import Options, command
from schedsync.cli.output import counted, say, say_json
from schedsync.cli.progress import progress


@command("validate")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def validate(options: Options, *, path: Path | None) -> int:
    """Check job files, without a database.

    PATH is a folder or a file; default: the jobs folder. What lies in the jobs folder is checked with the defaults that
    apply there and with the ids of all other jobs.
    """
    settings = options.settings().jobs
    with progress("checking them", quiet=options.as_json) as told:
        checked = check_folder(settings, told) if path is None else check(path, settings, told)
    valid = len(checked.jobs)
    if options.as_json:
        say_json({"problems": [diagnostics.as_json(problem) for problem in checked.problems], "valid": valid})
    else:
        say(diagnostics.full(checked.problems, checked.root))
        summary = f"{counted(valid, 'job')} {'is' if valid == 1 else 'are'} valid"
        say([f"{diagnostics.tally(checked.problems)}; {summary}" if checked.problems else summary])
    return Exit.FAILURE if checked.problems else Exit.OK
