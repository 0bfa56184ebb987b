"""The jobs folder -> a snapshot of what it says. Reading it never raises for what people do to folders.

What cannot be known now is said to be unknown, so that the diff removes nothing for it: an unreadable file, a
sub-folder, all that is below broken defaults, or the folder as a whole.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schedsync.clock import Clock, utc_now
from schedsync.plan.state import Located, Snapshot, UnknownPath
from schedsync.sources.calendars import NO_CALENDARS, ReadCalendars, read_calendars
from schedsync.sources.defaults import Chain, Defaults, read_defaults
from schedsync.sources.job_file import ParsedFile, parse_job_file
from schedsync.sources.listing import FoundFile, Listing, identity_of, list_context, list_folder
from schedsync.sources.reading import UnreadableError, reason
from schedsync.sources.remembering import Memory, Said
from schedsync.sources.revision import checkout_lock, git_outage, marks_of, revision_of
from schedsync.specs.problem import Problem

Told = Callable[[int, int], None]
"""Takes how many files of a look have been read, and how many there are."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a job file says, and what it leaves unknown."""

    parsed: ParsedFile
    unknown: UnknownPath | None


@dataclass(slots=True)
class _Scan:
    """What one look at the folder found; two of them are equal if nothing has changed."""

    meanings: list[_Meaning] = field(default_factory=list)
    contents: list[tuple[str, str]] = field(default_factory=list)
    """Path and digest of each file, the defaults included."""
    problems: list[Problem] = field(default_factory=list)
    unknown: list[UnknownPath] = field(default_factory=list)
    unavailable: str | None = None
    empty: bool = False

    def give_up(self, path: str, problems: Iterable[Problem], text: str | None = None) -> None:
        """Note that nothing is known of *path*, for certain or, without *text*, at all."""
        self.problems += problems
        self.unknown.append(UnknownPath(path, text))


class JobsFolder:
    """A folder of job files."""

    def __init__(
        self,
        path: Path,
        *,
        timezone: str = "UTC",
        max_file_size: int = 1 << 20,
        clock: Clock = utc_now,
        told: Told = lambda _done, _total: None,
    ) -> None:
        """Make a reader; the folder need not be there yet.

        Args:
            path: the folder.
            timezone: IANA zone of schedules for which neither file nor defaults name one.
            max_file_size: bytes; a longer file is not read.
            clock: tells how old a file is.
            told: is called for each file that has been read, for those who wait; not for defaults.
        """
        self._told = told
        self._path, self._shown, self._timezone = path.absolute(), path, timezone
        self._max_file_size, self._clock = max_file_size, clock
        self._files: Memory[_Meaning] = Memory(max_file_size, clock)
        self._defaults: Memory[Defaults | tuple[Problem, ...]] = Memory(max_file_size, clock)
        self._calendar_files: Memory[bytes] = Memory(max_file_size, clock)
        self._calendars: tuple[object, ReadCalendars] = (None, NO_CALENDARS)
        self._git = git_outage(path)
        self._last: tuple[_Scan, tuple[object, ...], Snapshot] | None = None

    def read(self) -> Snapshot:
        """Return what the folder says now; the same object as last time if nothing has changed."""
        marks: tuple[object, ...] = ()
        for _ in range(_TRIES):
            marks = marks_of(self._path)
            scan = self._scan()
            if scan is None or marks_of(self._path) != marks:
                continue  # Git may have begun and ended meanwhile, so that its lock was never seen
            snapshot = self._said(scan, marks)
            if marks_of(self._path) == marks:  # or what was read would go by the name of what came after it
                return snapshot
        never_rests = f"the folder {self._shown} changes each time that it is read: nothing is removed"
        return self._said(_Scan(unavailable=never_rests), marks)

    def judge(self, data: bytes, file: str) -> ParsedFile:
        """Return what a file of these bytes would say at the place *file*, under the defaults that are there.

        Problems of another file are those of the defaults. Safe from any thread.
        """
        scan, folder = _Scan(), file.rpartition("/")[0]
        memory: Memory[Defaults | tuple[Problem, ...]] = Memory(self._max_file_size, self._clock)
        listing = list_context(os.path.realpath(self._path), folder)
        calendars = read_calendars(_meanings(_contents(Memory(self._max_file_size, self._clock), listing)))
        chain = _Chains(memory, self._timezone, listing, scan, calendars).of(folder).chain
        if chain is None:
            return ParsedFile(problems=tuple(scan.problems))
        return parse_job_file(data, file, chain=chain, timezone=self._timezone, calendars=calendars)

    def _said(self, scan: _Scan, marks: tuple[object, ...]) -> Snapshot:
        """Return what *scan* says; the same object as last time if nothing has changed."""
        last = self._last[2] if self._last is not None and self._last[:2] == (scan, marks) else None
        if last is not None and not self._git.lasts:
            return last
        revision = self._revision(scan)
        if last is not None and last.revision == revision:
            return last
        snapshot = _snapshot(scan, revision)
        self._last = (scan, marks, snapshot)
        return snapshot

    def _revision(self, scan: _Scan) -> str:
        if not scan.contents and not scan.problems:
            return ""
        text = "".join(f"{path}\0{digest}\n" for path, digest in scan.contents)
        return revision_of(self._path, self._git) or f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def _scan(self) -> _Scan | None:
        """Look once; None if something was exchanged meanwhile: half an old folder and half a new one is neither."""
        lock = checkout_lock(self._path)
        root = os.path.realpath(self._path)
        identity = identity_of(root)
        try:
            listing = list_folder(root)
        except OSError as error:
            return _Scan(unavailable=f"{self._why_unlisted(error)}: nothing is removed until it is back")
        scan = self._read(listing)
        if (os.path.realpath(self._path), identity_of(root)) != (root, identity) or listing.has_moved():
            return None
        self._judge(scan, lock or checkout_lock(self._path))
        return scan

    def _why_unlisted(self, error: OSError) -> str:
        if isinstance(error, FileNotFoundError):
            return f"the folder {self._shown} is missing"
        if isinstance(error, NotADirectoryError):
            return f"{self._shown} is not a folder"
        return f"the folder {self._shown} cannot be read ({reason(error)})"

    def _judge(self, scan: _Scan, lock: Path | None) -> None:
        """Say why nothing may be removed for *scan*, if so; it has been read as a whole."""
        if lock is not None:
            scan.unavailable = f"Git is at work in the folder: nothing is removed while {lock} is there"
            scan.empty = False
        elif scan.empty:
            until = "until it has job files again, or `schedsync apply --allow-prune` is run"
            scan.unavailable = f"the folder {self._shown} is empty: nothing is removed {until}"

    # --- reading what was listed ---

    def _read(self, listing: Listing) -> _Scan:
        scan = _Scan(problems=list(listing.problems), unknown=list(listing.unknown))
        scan.empty = not listing.files
        calendars = self._read_calendars(listing, scan)
        chains = _Chains(self._defaults, self._timezone, listing, scan, calendars)
        for count, found in enumerate(listing.files, 1):
            self._read_one(found, chains.of(found.folder), calendars, scan)
            self._told(count, len(listing.files))
        self._files.keep_only({found.relative for found in listing.files})
        self._defaults.keep_only({found.relative for files in listing.defaults.values() for found in files})
        return scan

    def _read_calendars(self, listing: Listing, scan: _Scan) -> ReadCalendars:
        """Return the calendars; the same object as last time if none has changed."""
        files = _contents(self._calendar_files, listing)
        key = {path: said if isinstance(said, str) else said.digest for path, said in files.items()}
        scan.contents += key.items()
        self._calendar_files.keep_only(files.keys())
        if self._calendars[0] != key:
            self._calendars = (key, read_calendars(_meanings(files)))
        scan.problems += self._calendars[1].problems
        return self._calendars[1]

    def _read_one(self, found: FoundFile, known: "_Known", calendars: ReadCalendars, scan: _Scan) -> None:
        def means_the_same(meaning: _Meaning) -> bool:
            looked_up = meaning.parsed.calendars
            return all(calendars.digest(name) == digest for name, digest in looked_up.items())

        def parse(data: bytes) -> _Meaning:
            return self._parse(found.relative, data, known.chain, calendars)

        try:
            said = self._files.ask(found, known.context, parse, means_the_same)
        except UnreadableError as error:
            scan.give_up(found.relative, [Problem(found.relative, None, None, str(error))])
            return
        scan.contents.append((found.relative, said.digest))
        scan.meanings.append(said.meaning)

    def _parse(self, file: str, data: bytes, chain: Chain | None, calendars: ReadCalendars) -> _Meaning:
        # Of a file that says nothing for certain the text is kept: a job that it mentions may have moved there.
        text = data.decode("utf-8", "replace")
        if chain is None:
            return _Meaning(ParsedFile(), UnknownPath(file, text))
        parsed = parse_job_file(data, file, chain=chain, timezone=self._timezone, calendars=calendars)
        return _Meaning(parsed, UnknownPath(file, text) if parsed.problems else None)


@dataclass(frozen=True, slots=True)
class _Known:
    """The defaults that apply in a folder."""

    chain: Chain | None
    """The nearest first; None if one of them is broken."""
    context: tuple[str, ...] | None
    """Tells whether they have changed."""


class _Chains:
    """The defaults of each folder in one scan; each file is read once, and complained of once."""

    def __init__(
        self,
        memory: Memory[Defaults | tuple[Problem, ...]],
        timezone: str,
        listing: Listing,
        scan: _Scan,
        calendars: ReadCalendars,
    ) -> None:
        self._memory, self._timezone, self._scan, self._calendars = memory, timezone, scan, calendars
        self._files = listing.defaults
        self._known: dict[str, _Known] = {}
        for folder in sorted(listing.defaults):
            self.of(folder)  # also where there is no job: a mistake in defaults is one anyway

    def of(self, folder: str) -> _Known:
        """Return what applies to the files in *folder*."""
        known = self._known.get(folder)
        if known is None:
            above = self.of(folder.rpartition("/")[0]) if folder else _Known((), ())
            known = self._known[folder] = self._extended(above, folder)
        return known

    def _extended(self, above: _Known, folder: str) -> _Known:
        files = self._files.get(folder, [])
        if above.chain is None or not files:
            return above
        said = self._ask(files, above.chain, above.context)
        if not isinstance(said, Said):
            return self._broken(folder, said)
        self._scan.contents.append((files[0].relative, said.digest))
        if not isinstance(said.meaning, Defaults):
            return self._broken(folder, said.meaning)
        return _Known((said.meaning, *above.chain), (files[0].relative, said.digest, *(above.context or ())))

    def _ask(
        self, files: list[FoundFile], outer: Chain, context: object
    ) -> Said[Defaults | tuple[Problem, ...]] | tuple[Problem, ...]:
        found = files[0]
        if len(files) > 1:
            message = f"{found.relative} is there too; keep one of them"
            return (Problem(files[1].relative, None, None, message),)
        try:
            return self._memory.ask(
                found,
                (context, self._calendars.digests),
                lambda data: read_defaults(
                    data,
                    found.relative,
                    outer=outer,
                    timezone=self._timezone,
                    calendars=self._calendars.calendars,
                ),
            )
        except UnreadableError as error:
            return (Problem(found.relative, None, None, str(error)),)

    def _broken(self, folder: str, problems: Iterable[Problem]) -> _Known:
        self._scan.give_up(folder or ".", problems, text="")  # what the files below say is kept with each of them
        return _Known(None, None)


def _contents(memory: Memory[bytes], listing: Listing) -> dict[str, Said[bytes] | str]:
    """Return what the files of calendars hold, or why they cannot be read."""
    found: dict[str, Said[bytes] | str] = {}
    for each in listing.calendars:
        try:
            found[each.relative] = memory.ask(each, None, bytes)
        except UnreadableError as error:
            found[each.relative] = str(error)
    return found


def _meanings(files: Mapping[str, Said[bytes] | str]) -> dict[str, bytes | str]:
    return {path: said if isinstance(said, str) else said.meaning for path, said in files.items()}


def _snapshot(scan: _Scan, revision: str) -> Snapshot:
    jobs: dict[str, tuple[Located, ...]] = {}
    for meaning in scan.meanings:
        for job in meaning.parsed.jobs:
            jobs[job.spec.id] = (*jobs.get(job.spec.id, ()), job)
    problems = [*scan.problems, *(problem for meaning in scan.meanings for problem in meaning.parsed.problems)]
    unknown = [*scan.unknown, *(meaning.unknown for meaning in scan.meanings if meaning.unknown is not None)]
    return Snapshot(
        jobs=jobs,
        problems=tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line or 0, p.column or 0))),
        unknown=tuple(unknown),
        revision=revision,
        unavailable=scan.unavailable,
        empty=scan.empty,
    )
