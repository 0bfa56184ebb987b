"""What a look at this installation finds: the folders on this machine, and the databases."""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from schedsync.cli import diagnostics
from schedsync.cli.folder import check_folder
from schedsync.cli.output import counted
from schedsync.errors import FolderUnavailableError, SettingsError
from schedsync.executors.headroom import shortages
from schedsync.executors.spool_folder import danger_of, open_to_group
from schedsync.notify import services
from schedsync.notify.request import WEBHOOK
from schedsync.settings import Settings
from schedsync.specs.actions import DatabaseAction
from schedsync.specs.job import JobSpec
from schedsync.store.address import Address
from schedsync.store.dialects.session import Session
from schedsync.store.examination import Examination, examine

STORE = "database"
LITTLE_SPACE = 100 << 20
"""Bytes; output of runs that have not ended is kept in the spool folder."""


class Verdict(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    says: tuple[str, ...]
    """Lines."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs."""


def of_jobs(settings: Settings) -> Finding:
    """Look at the jobs folder."""
    subject, path = "jobs folder", settings.jobs.path
    try:
        checked = check_folder(settings.jobs)
    except FolderUnavailableError as error:
        return Finding(subject, Verdict.WRONG, (str(error),), {"path": str(path), "jobs": 0, "problems": 0})
    says = f"{path}: {counted(len(checked.jobs), 'job')}"
    if checked.problems:
        says += f", {diagnostics.tally(checked.problems)}; `schedsync validate` shows them"
    details = {"path": str(path), "jobs": len(checked.jobs), "problems": len(checked.problems)}
    return Finding(subject, Verdict.WRONG if checked.problems else Verdict.OK, (says,), details)


def of_spool(settings: Settings) -> Finding:
    """Look at the folder for output; what the service would create is not created."""
    subject, path = "spool folder", settings.runner.spool
    place = _nearest(path)
    try:
        free = shutil.disk_usage(place).free
        _try_to_write(place)
        danger = danger_of(path) if place == path else None
        group = open_to_group(path) if place == path else None
    except OSError as error:
        says = f"{path}: cannot be written: {error.strerror}; give this user the right, or set runner.spool"
        return Finding(subject, Verdict.WRONG, (says,), {"path": str(path), "free_bytes": None})
    says = f"{path}: {'writable' if place == path else 'can be created'}, {_size(free)} free"
    details = {"path": str(path), "free_bytes": free}
    if danger is not None:
        return Finding(subject, Verdict.WRONG, (says, danger), details)
    if group is not None:
        also = f"the group {group} may write into it; take that right away (chmod g-w) where others are in that group"
        return Finding(subject, Verdict.WARNING, (says, also), details)
    return Finding(subject, Verdict.WARNING if free < LITTLE_SPACE else Verdict.OK, (says,), details)


def of_limits(settings: Settings) -> Finding:
    """Look at what the system lets this user run at once."""
    runs = settings.runner.most_runs
    says = tuple(shortages(runs)) or (f"enough for {runs} runs at once",)
    verdict = Verdict.WARNING if shortages(runs) else Verdict.OK
    return Finding("limits of the system", verdict, says, {"runs": runs})


def of_channels(settings: Settings) -> Finding:
    """Look at the channels, and whether jobs name others. Nobody is told anything."""
    subject, wrong, says = "channels", False, []
    for name, given in settings.channels.items():
        try:
            channel = given.channel(name)
            why_not = None if channel.kind == WEBHOOK else services.why_not(channel.url)
            says.append(f"{name}: {channel.shown}" if why_not is None else f"{name}: {channel.shown}: {why_not}")
            wrong |= why_not is not None
        except SettingsError as error:
            says.append(str(error))
            wrong = True
    unknown = _missing(settings, _channels_of, settings.channels)
    says += _in_vain("channel", unknown)
    details = {"channels": list(settings.channels), "unknown": unknown}
    verdict = Verdict.WRONG if wrong or unknown else Verdict.OK
    return Finding(subject, verdict, tuple(says) or ("none, and no job asks for one",), details)


def of_connections(settings: Settings) -> Finding:
    """Look whether jobs name connections that there are not. None is made."""
    known = list(settings.connections)
    unknown = _missing(settings, _connection_of, known)
    says = [f"{', '.join(known)}; `--connections` looks at each"] if known else []
    says += _in_vain("connection", unknown)
    details = {"connections": known, "unknown": unknown}
    verdict = Verdict.WRONG if unknown else Verdict.OK
    return Finding("connections", verdict, tuple(says) or ("none, and no job asks for one",), details)


def _channels_of(spec: JobSpec) -> Iterable[str]:
    return () if spec.notify is None else spec.notify.to


def _connection_of(spec: JobSpec) -> Iterable[str]:
    return (spec.run.connection,) if isinstance(spec.run, DatabaseAction) else ()


def _missing(
    settings: Settings, names: Callable[[JobSpec], Iterable[str]], known: Collection[str]
) -> dict[str, list[str]]:
    """Return the *names* that jobs give and that are not *known*, each with the jobs that do."""
    try:
        jobs = check_folder(settings.jobs).jobs
    except FolderUnavailableError:  # which is a finding of its own
        return {}
    missing: dict[str, list[str]] = {}
    for job_id, job in sorted(jobs.items()):
        for name in names(job.spec):
            if name not in known:
                missing.setdefault(name, []).append(job_id)
    return missing


def _in_vain(kind: str, unknown: Mapping[str, list[str]]) -> list[str]:
    return [
        f'jobs name a {kind} "{name}" that there is not ({", ".join(jobs[:3])}{", ..." if jobs[3:] else ""});'
        f" write [{kind}s.{name}]"
        for name, jobs in unknown.items()
    ]


def of_store(settings: Settings) -> Finding:
    """Look at the database that keeps the state."""
    try:
        return _of_database(STORE, settings.database.store_address(settings.node), for_tables=True)
    except SettingsError as error:
        return Finding(STORE, Verdict.WRONG, (str(error),))


def of_connection(settings: Settings, name: str) -> Finding:
    """Look at one of the databases that jobs name."""
    subject = f"connections.{name}"
    try:
        address = settings.connections[name].address(subject, client_name=settings.node)
        return _of_database(subject, address, for_tables=False)
    except SettingsError as error:
        return Finding(subject, Verdict.WRONG, (str(error),))


def _nearest(path: Path) -> Path:
    """Return *path*, or what is there of the folders above it."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def _try_to_write(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0")


def _size(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MiB"


def _of_database(subject: str, address: Address, *, for_tables: bool) -> Finding:
    found = examine(address, for_tables=for_tables)
    details = _details(found)
    if found.error is not None:
        return Finding(subject, Verdict.WRONG, (found.error,), details)
    says = (found.tried, *_sentences(found))
    if found.tables is not None and found.tables.fatal:
        return Finding(subject, Verdict.WRONG, says, details)
    return Finding(subject, Verdict.WARNING if found.warnings else Verdict.OK, says, details)


def _sentences(found: Examination) -> list[str]:
    said = [] if found.session is None else _of_session(found.session)
    if found.round_trip is not None and found.clock_ahead is not None:
        said.append(f"round trip {_milliseconds(found.round_trip)}, clock {_signed(found.clock_ahead)}")
    if found.tables is not None:
        said.append(f"tables {found.tables.says}" if found.session is not None else found.tables.says)
    return [*said, *found.warnings]


def _of_session(session: Session) -> list[str]:
    who = [f"user {session.user}"] if session.user else []
    who += [f"schema {session.schema}"] if session.schema else []
    words = {True: "yes", False: "no", None: "not known"}
    rights = [f"{what}: {words[may]}" for what, may in session.rights.items()]
    return [
        f"{session.version} through {session.driver}",
        *([", ".join(who)] if who else []),
        *([f"may {', '.join(rights)}"] if rights else []),
    ]


def _milliseconds(duration: timedelta) -> str:
    return f"{duration.total_seconds() * 1000:.1f} ms"


def _signed(ahead: timedelta) -> str:
    return f"{ahead.total_seconds():+.3f} s against this machine's"


def _details(found: Examination) -> dict[str, Any]:
    session = found.session
    return {
        "tried": found.tried,
        "error": found.error,
        "version": None if session is None else session.version,
        "driver": None if session is None else session.driver,
        "user": None if session is None else session.user,
        "schema": None if session is None else session.schema,
        "rights": {} if session is None else dict(session.rights),
        "round_trip_ms": None if found.round_trip is None else round(found.round_trip / timedelta(milliseconds=1), 3),
        "clock_ahead_ms": None
        if found.clock_ahead is None
        else round(found.clock_ahead / timedelta(milliseconds=1), 3),
        "tables": None if found.tables is None else {"current": found.tables.current, "says": found.tables.says},
        "warnings": list(found.warnings),
    }
