"""What reading costs while much runs: ``python -m tests.benchmarks.status_side`` prints a table.

10,000 jobs fire each 50 seconds, one each 5 ms, so 200 start in a second. Spells without requests take turns with
spells in which 50 a second ask for pages of jobs: so both are of the same minutes of the same machine. Requests are due
one each 20 ms whatever became of those before them, and a latency counts from when a request was due.
"""

import argparse
import http.client
import itertools
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.acceptance.harness import Folder, Service, eventually

JOBS, IN_A_FILE = 10_000, 100
STARTS = 200
"""In a second."""
RATE = 50
"""Requests in a second."""
ANSWERED = 0.05
"""Seconds within which 99 of 100 requests are answered, from when they were due."""
LATER = 1.2
"""How many times later starts may be while there are requests."""
CONNECTIONS = 8
PAGE = "/api/jobs?limit=100"
_JOB = (
    "- {{id: side.{0:05}, tags: [t{1}], owner: team-{1},"
    ' schedule: {{every: {2}s, start: "{3}"}}, run: {{command: ["true"]}}}}'
)
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Figures:
    """Seconds, as measured."""

    latencies: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    """How late starts were while nobody asked."""
    asked: list[float] = field(default_factory=list)
    """How late they were meanwhile."""

    @property
    def ratio(self) -> float:
        """How much later the late starts are with requests."""
        return percentile(self.asked, 99) / percentile(self.quiet, 99)

    def table(self) -> str:
        """Return a line for each kind, in milliseconds."""
        kinds = {"latency": self.latencies, "lateness, quiet": self.quiet, "lateness, asked": self.asked}
        lines = [f"{'':16} {'count':>6} {'p50':>8} {'p99':>8} {'max':>8}  ms"]
        for name, values in kinds.items():
            shown = " ".join(f"{1000 * percentile(values, share):8.1f}" for share in (50, 99, 100))
            lines.append(f"{name:16} {len(values):6} {shown}")
        return "\n".join([*lines, f"p99 of lateness with requests to without: {self.ratio:.2f}"])


def percentile(values: Sequence[float], share: float) -> float:
    """Return what *share* percent of *values* do not exceed."""
    return sorted(values)[min(int(len(values) * share / 100), len(values) - 1)]


def write_jobs(folder: Folder, starts: int = STARTS) -> None:
    """Write the files of all jobs, so many of which start in a second."""
    every = JOBS // starts
    for first in range(0, JOBS, IN_A_FILE):
        lines = [
            _JOB.format(number, number % 7, every, (_BEGIN + number * timedelta(seconds=1) / starts).isoformat())
            for number in range(first, first + IN_A_FILE)
        ]
        folder.write(f"side-{first:05}.yaml", "jobs:\n" + "\n".join(lines) + "\n")


def measure(service: Service, database: Path, *, spells: int, spell: float) -> Figures:
    """Return what *service*, which runs on *database*, takes for requests and starts.

    Args:
        service: whose jobs are those of ``write_jobs``, live by now.
        database: its SQLite file.
        spells: how many there are of each kind.
        spell: the seconds that one lasts.
    """
    figures, paths = Figures(), [path for page in _pages(service) for path in (PAGE, page)]
    times: list[tuple[list[float], float, float]] = []
    for _ in range(spells):
        for lateness, asking in ((figures.quiet, False), (figures.asked, True)):
            begin = time.time()
            if asking:
                figures.latencies += ask(service.url, itertools.cycle(paths), int(spell * RATE))
            else:
                time.sleep(spell)  # the spell is what is measured
            times.append((lateness, begin, time.time()))
    for lateness, begin, end in times:
        lateness.extend(_late(database, begin, end))
    return figures


def _pages(service: Service) -> list[str]:
    paths, cursor = [PAGE], service.get(PAGE)["next_cursor"]
    while cursor is not None:
        paths.append(f"{PAGE}&cursor={cursor}")
        cursor = service.get(paths[-1])["next_cursor"]
    return paths


def ask(url: str, paths: Iterator[str], count: int) -> list[float]:
    """Ask for *count* of *paths*, RATE in a second; return for each the seconds from when it was due to its answer."""
    due = iter([(time.monotonic() + number / RATE, path) for number, path in zip(range(count), paths, strict=False)])
    lock, took, failed = threading.Lock(), list[float](), list[BaseException]()

    def visitor() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        try:
            while (request := _next(due, lock)) is not None:
                took.append(_asked(connection, *request))
        except BaseException as error:  # told by the thread that waits
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=visitor) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return took


def _next(due: Iterator[tuple[float, str]], lock: threading.Lock) -> tuple[float, str] | None:
    with lock:
        return next(due, None)


def _asked(connection: http.client.HTTPConnection, due: float, path: str) -> float:
    time.sleep(max(0.0, due - time.monotonic()))  # until it is due
    connection.request("GET", path)
    with connection.getresponse() as response:
        body = response.read()
    took = time.monotonic() - due
    assert response.status == 200, body
    return took


def _late(database: Path, begin: float, end: float) -> list[float]:
    """Return how late those started whose slots lie between two times, when the last one has; not what was skipped."""
    span = [int(moment * 1_000_000) for moment in (begin, end)]
    statement = (
        "SELECT started_at - scheduled_at FROM schedsync_runs"
        " WHERE scheduled_at >= ? AND scheduled_at < ? AND state <> 'skipped'"
    )
    with sqlite3.connect(database) as connection:
        rows = eventually(lambda: _complete(connection.execute(statement, span).fetchall()), within=30)
    connection.close()
    return [late / 1_000_000 for (late,) in rows]


def _complete(rows: list[tuple[int | None]]) -> list[tuple[int]]:
    return [] if any(late is None for (late,) in rows) else [(late or 0,) for (late,) in rows]


def warm(service: Service) -> None:
    """Wait until all jobs are live, and until what was due before that has started."""
    eventually(lambda: service.get("/api/status")["counts"]["jobs"] == JOBS, within=90)
    eventually(lambda: service.get("/api/status")["counts"]["queued"] == 0, within=90)
    time.sleep(5)  # what fell due meanwhile is a burst of its own


def main() -> int:
    """Measure a service of its own, and print the table; return 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spells", type=int, default=3, help="how many of each kind")
    parser.add_argument("--spell", type=float, default=10.0, help="seconds")
    parser.add_argument("--starts", type=int, default=STARTS, help="in a second; fewer on a machine that is shared")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        database = Path(home) / "state.db"
        service = Service(Path(home), Path(home) / "jobs.d", f"sqlite:///{database}")
        write_jobs(Folder(service.jobs), arguments.starts)
        service.start()
        try:
            warm(service)
            print(f"measuring process {service.pid}", flush=True)  # noqa: T201 - a profiler may want to know
            figures = measure(service, database, spells=arguments.spells, spell=arguments.spell)
        finally:
            service.close()
    print(figures.table())  # noqa: T201 - the table is what this is for
    kept = percentile(figures.latencies, 99) < ANSWERED and figures.ratio <= LATER
    print(f"the limits, {1000 * ANSWERED:g} ms and {LATER:g}, are {'' if kept else 'not '}kept")  # noqa: T201 - likewise
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
