"""A real service, as a process of its own, driven through its folder, its API and signals."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
REPOSITORY = Path(__file__).parents[2]


def eventually(ask: Callable[[], T], *, within: float = 15.0) -> T:
    """Ask until the answer is true, and return it; fail with the last answer when the time is over."""
    deadline = time.monotonic() + within
    pause = 0.02
    while True:
        answer = ask()
        if answer or time.monotonic() > deadline:
            assert answer, f"not within {within} s; the last answer was {answer!r}"
            return answer
        time.sleep(pause)  # between two questions, not for luck: the deadline decides
        pause = min(pause * 1.1, 0.08)  # who is asked all the time has less left for what is waited for


class Service:
    """`schedsync run` on a folder, with a database and a spool of its own."""

    def __init__(self, home: Path, jobs: Path, database: str, prefix: tuple[str, ...] = ()) -> None:
        self.home, self.jobs, self.database = home, jobs, database
        self.settings: dict[str, str] = {}
        """What the service and its command line are told besides, e.g. ``{"NODE": "here"}``."""
        self.script: str | None = None
        """What is run in the place of ``schedsync run``, with the same arguments."""
        self.environ: dict[str, str] = {}
        """Further variables, without the prefix of settings."""
        self.token: str | None = None
        """Is sent with what is asked, if it is there."""
        self._prefix = prefix
        self._process: subprocess.Popen[str] | None = None
        self.log: list[str] = []
        self.url = ""

    def start(self, **settings: str) -> "Service":
        ready = threading.Event()
        self.url = ""
        environ = self._environment({"RUNNER__SHUTDOWN_GRACE": "0s"} | settings)
        self._process = subprocess.Popen(
            [*self._prefix, *self.command("run", "--api", "127.0.0.1:0", script=self.script)],
            cwd=self.home,
            env=environ | self.environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        if not ready.wait(20):
            self.close()  # else it would lead on in the database that the next test is given
            raise AssertionError("\n".join(self.log) or "no line of its log within 20 s")
        assert self.url, "\n".join(self.log)
        return self

    def command(self, *args: str, script: str | None = None) -> list[str]:
        program = ["-m", "schedsync"] if script is None else [script]
        return [sys.executable, *program, *args, "--jobs", str(self.jobs)]

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        here = {"DATABASE__URL": self.database} | self.settings
        ours = {f"SCHEDSYNC_{name}": value for name, value in (here | settings).items()}
        return {name: value for name, value in os.environ.items() if not name.startswith("SCHEDSYNC_")} | ours

    def cli(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args),
            env=self._environment({}),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr as stream:
            for line in stream:
                self.log.append(line.rstrip())
                if found := re.search(r"schedsync runs .*api=(\S+)", line):
                    self.url = found.group(1)
                    ready.set()
        ready.set()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def engine(self) -> int:
        """The process that starts runs."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/children")
        pids = [int(pid) for path in threads for pid in path.read_text().split()]
        (pid,) = (pid for pid in pids if b"schedsync.engine" in Path(f"/proc/{pid}/cmdline").read_bytes())
        return pid

    def tell(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.tell(number)
        return self.ended_itself()

    def ended_itself(self, within: float = 30) -> int:
        assert self._process is not None
        code = self._process.wait(within)
        self._process = None
        return code

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def close(self) -> None:
        if self._process is not None:
            self.end(signal.SIGTERM)

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        headers |= {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, _decoded(response.read(), response.headers["Content-Type"])
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read(), error.headers["Content-Type"])

    def get(self, path: str) -> Any:
        status, answer = self.ask(path)
        assert status == 200, (status, answer)
        return answer

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        status, answer = self.ask(path, body or {}, "POST")
        assert status == 200, (status, answer)
        return answer

    def job_ids(self) -> set[str]:
        return {job["id"] for job in self.get("/api/jobs?limit=500")["jobs"]}

    def job(self, job_id: str) -> Any:
        return self.get(f"/api/jobs/{job_id}")

    def runs(self, job_id: str) -> list[Any]:
        status, answer = self.ask(f"/api/jobs/{job_id}/runs?limit=500")
        return list(answer["runs"]) if status == 200 else []

    def ended(self, job_id: str, state: str) -> list[Any]:
        return [run for run in self.runs(job_id) if run["state"] == state]

    def problem_in(self, file: str) -> Any:
        problems = self.get("/api/status")["problems"]
        return next((problem for problem in problems if problem["file"] == file), None)


def _decoded(body: bytes, content_type: str) -> Any:
    return json.loads(body) if "json" in content_type else body.decode()


class Folder:
    """A jobs folder and ways to change it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def write(self, name: str, text: str) -> Path:
        """Put a file there at once, as a person with `mv` does."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.parent / f".{target.name}.new"
        aside.write_text(text)
        return aside.rename(target)

    def shell(self, job_id: str, command: str, *, schedule: str = "{every: 1s}", more: str = "") -> Path:
        """Put a job that runs a line of shell."""
        text = f"id: {job_id}\nschedule: {schedule}\nrun:\n  shell: |\n    {command}\n{more}"
        return self.write(f"{job_id}.yaml", text)
