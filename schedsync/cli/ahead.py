"""What the folder's jobs will do, as their files say now: a look ahead, before anything is applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schedsync.cli import diagnostics
from schedsync.cli.folder import Checked, check_folder
from schedsync.cli.output import complain, complain_each
from schedsync.cli.stores import current
from schedsync.clock import EPOCH, from_micros
from schedsync.errors import DatabaseUnavailableError, JobNotFoundError, SchemaError
from schedsync.runs.blackouts import Blackouts, covering
from schedsync.settings import Settings
from schedsync.specs.job import JobSpec
from schedsync.specs.problem import Problem
from schedsync.specs.slots import Slots, slots


@dataclass(frozen=True, slots=True)
class Ahead:
    """Jobs, and what their slots follow from."""

    specs: tuple[JobSpec, ...]
    """By id."""
    anchors: Mapping[str, datetime]
    """Where the ``every`` of each counts from."""
    problems: tuple[Problem, ...]
    """Of the whole folder: what has them is not among the jobs."""
    blackouts: Blackouts

    def within(self, since: datetime, until: datetime) -> dict[str, Slots]:
        """Return the slots from *since* until before *until* (UTC) by job; suspended jobs have none."""
        since = max(since, EPOCH)
        return {
            spec.id: found
            for spec in self.specs
            if not spec.suspend
            and (found := slots(spec.schedule, since, until, job_id=spec.id, anchor=self.anchors[spec.id], exact=True))
        }

    def starts_within(self, since: datetime, until: datetime) -> dict[str, Slots]:
        """Return the same without slots that a blackout skips."""
        found = self.within(since, until)
        for spec in self.specs:
            concerning = self.blackouts.concerning(spec.id, spec.tags)
            if concerning and spec.id in found:
                found[spec.id] = [slot for slot in found[spec.id] if covering(concerning, from_micros(slot)) is None]
        return {job_id: slots for job_id, slots in found.items() if slots}

    def say_what_is_missing(self) -> None:
        """Say on stderr that some files are not looked at, if so."""
        if self.problems:
            complain(f"{diagnostics.tally(self.problems)}; `schedsync validate` shows what is left out here")


def look_ahead(settings: Settings, job_id: str | None, now: datetime) -> Ahead:
    """Return all jobs of the folder, or one.

    Args:
        settings: where the folder and the database are.
        job_id: the job; None: all.
        now: what jobs that are not live yet count from.

    Raises:
        FolderUnavailableError: there is no job to look at.
        JobNotFoundError: not the one that is meant.
    """
    checked = check_folder(settings.jobs)
    specs = chosen(checked, job_id)
    anchors = dict.fromkeys((spec.id for spec in specs), now.replace(microsecond=0)) | anchors_of(settings, specs)
    return Ahead(specs, anchors, checked.problems, settings.blackout_times)


def chosen(checked: Checked, job_id: str | None) -> tuple[JobSpec, ...]:
    """Return the specs of all valid jobs, or of one.

    Raises:
        JobNotFoundError: it is not among them; its mistakes are printed.
    """
    if job_id is None:
        return tuple(checked.jobs[known].spec for known in sorted(checked.jobs))
    if job_id not in checked.jobs:
        complain_each(diagnostics.concise(checked.problems, checked.root))
        raise JobNotFoundError(job_id)
    return (checked.jobs[job_id].spec,)


def anchors_of(settings: Settings, specs: Sequence[JobSpec]) -> dict[str, datetime]:
    """Return where the ``every`` of live jobs counts from, also of those that the folder renames."""
    try:
        with current(settings) as store:
            live = store.jobs.observe().jobs
    except (SchemaError, DatabaseUnavailableError):
        return {}  # nothing is live, or it cannot be known: a preview goes without
    names = {spec.id: spec.id if spec.id in live else spec.renamed_from for spec in specs}
    return {new: live[old].anchor_at for new, old in names.items() if old is not None and old in live}
