"""`--server`: the same commands, at a service elsewhere."""

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from schedsync.cli import client
from schedsync.cli.exits import Exit
from schedsync.clock import utc_now
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.status.mirror import Mirror
from schedsync.status.vitals import Vitals
from schedsync.store.runs import RunChanges
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine
from tests.integration.cli.serving import app_of, serving
from tests.integration.cli.test_trigger import leader

TOKEN = "sst_1_" + "x" * 43


@pytest.fixture
def server(cli: CommandLine) -> Iterator[str]:
    """A service whose database has two jobs and two runs."""
    cli.applied(a=f"description: First\ntags: [erp]\n{HOURLY}", b=HOURLY)
    ended = {"started_at": SLOT, "finished_at": SLOT}
    cli.ran("a", RunState.FAILED, exit_code=3, reason="exit code 3", output=Output(b"hello\n", b"", 6), **ended)
    cli.ran("b", RunState.QUEUED)
    with cli.store() as store, serving(app_of(cli, store)) as url:
        yield url


@contextmanager
def answering(
    status: int, headers: dict[str, str], body: bytes, context: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Give the address of a server that answers everything alike, and what it was asked: paths with headers."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, dict(self.headers)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as stand_in:
        if context is not None:
            stand_in.socket = context.wrap_socket(stand_in.socket, server_side=True)
        thread = threading.Thread(target=stand_in.serve_forever, args=(0.01,))
        thread.start()
        yield f"{'http' if context is None else 'https'}://localhost:{stand_in.server_port}", asked
        stand_in.shutdown()
        thread.join()


def problem(status: int, detail: str) -> tuple[int, dict[str, str], bytes]:
    document = {"type": "about:blank", "title": "x", "status": status, "detail": detail}
    return status, {"Content-Type": "application/problem+json"}, json.dumps(document).encode()


@pytest.mark.parametrize(
    "command",
    [
        ["jobs"],
        ["jobs", "--json"],
        ["jobs", "--limit", "1"],
        ["jobs", "--tag", "erp", "--json"],
        ["jobs", "--q", "FIRST"],
        ["jobs", "--stale", "--sort", "-next_fire_at"],
        ["jobs", "--sort", "-id", "--limit", "1", "--json"],
        ["jobs", "a"],
        ["jobs", "a", "--json"],
        ["jobs", "c"],
        ["runs"],
        ["runs", "a"],
        ["runs", "--json"],
        ["runs", "-n", "1", "--json"],
        ["runs", "c"],
        ["runs", "--state", "failed", "--cause", "schedule"],
        ["runs", "--since", "2026-11-24T02:30:00Z", "--until", "2026-11-24T02:30:01Z"],
        ["runs", "a", "--node", "elsewhere", "--json"],
        ["logs", "a"],
        ["logs", "a", "--json"],
        ["logs", "c"],
        ["logs", "a", "-f"],
        ["syncs"],
        ["syncs", "--json"],
        ["audit"],
        ["audit", "--job", "a", "--json"],
        ["logs", "b"],
        ["resume", "--all"],
        ["resume", "a"],
        ["resume", "a", "--json"],
        ["resume", "c"],
        ["pause", "a", "--until", "2020-01-01T00:00:00Z"],
    ],
    ids=" ".join,
)
def test_the_same_is_said_as_on_the_machine_itself(cli: CommandLine, server: str, command: list[str]) -> None:
    here, there = cli(*command), cli.as_is(*command, "--server", server)
    assert (there.code, _timeless(there.out)) == (here.code, _timeless(here.out))
    at = server.removeprefix("http://")
    assert _timeless(there.err.replace(f"{at}: ", "")) == _timeless(here.err)


def _timeless(text: str) -> str:
    return re.sub(r"it is 20[^Z]*Z", "it is now", text)


def test_pauses_are_decided_there_and_signed_by_the_service(cli: CommandLine, server: str) -> None:
    paused = cli.as_is("pause", "a", "--reason", "close of books", "--until", "2h", "--server", server)
    assert paused.code == Exit.OK
    assert paused.out.startswith("a is paused by api:127.0.0.1 since ")
    assert cli("jobs", "a", "--json").json["state"] == "paused"
    cli.as_is("pause", "--all", "--server", server)
    resumed = cli.as_is("resume", "a", "--server", server)
    assert resumed.out.startswith("a is resumed; it stays paused with all jobs, by api:127.0.0.1 since ")
    assert cli.as_is("resume", "--all", "--json", "--server", server).json == {"paused": None}
    again = cli.as_is("resume", "--all", "--server", server)
    assert again.out.startswith("there is no pause of all jobs to end")


def test_a_run_is_asked_for_there(cli: CommandLine, server: str) -> None:
    asked = cli.as_is("trigger", "a", "--reason", "mended", "--server", server)
    assert (asked.code, asked.out.split()[-1]) == (Exit.OK, "queued")
    newest = cli("runs", "a", "--json").json["runs"][0]
    assert (newest["id"], newest["ask_reason"], newest["asked_by"]) == (asked.out.split()[1], "mended", "api:127.0.0.1")


def test_the_status_is_that_of_the_service(cli: CommandLine, server: str) -> None:
    told = cli.as_is("status", "--server", server)
    assert told.code == Exit.OK
    assert told.out.startswith("service:   well: there leads, its last tick ")
    assert "jobs:      2: 2 active\n" in told.out


def test_the_queue_is_what_that_instance_says(cli: CommandLine, server: str) -> None:
    assert [row[1] for row in cli.as_is("queue", "--server", server).rows] == ["b"]


def test_a_long_list_comes_in_pages(cli: CommandLine, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedsync.cli.remote.LONGEST", 1)
    assert [row[0] for row in cli.as_is("jobs", "--server", server).rows] == ["a", "b"]
    assert cli.as_is("jobs", "--limit", "2", "--json", "--server", server).json == cli("jobs", "--json").json


def test_a_variable_names_the_service_and_an_option_wins_over_it(
    cli: CommandLine, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDSYNC_SERVER", server)
    assert len(cli.as_is("jobs").rows) == 2
    assert cli.as_is("validate", "--jobs", str(cli.jobs)).code == Exit.OK
    monkeypatch.setenv("SCHEDSYNC_SERVER", "http://127.0.0.1:1")
    assert len(cli.as_is("jobs", "--server", server).rows) == 2
    assert len(cli("jobs").rows) == 2, "--database is for this machine, and an option wins over a variable"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["plan", "--server", "http://localhost"], "plan works with the files and the database of this machine"),
        (["--server", "http://localhost", "db", "check"], "check works with the files"),
        (["validate", "--token", "x"], "validate works with the files"),
        (["jobs", "--server", "http://localhost", "--database", "sqlite:///x"], "--server asks a service"),
        (["jobs", "--server", "http://localhost", "--config", "x"], "--config is for this machine"),
        (["jobs", "--server", "localhost:5000"], '"localhost:5000" is no address of a service; write e.g. https://'),
        (["jobs", "--server", "http://localhost:x"], "that is no URL"),
        (["jobs", "--server", "http://me:secret@localhost"], 'leave out what stands before "@"'),
        (["jobs", "--token", "x"], "A token goes with --server URL"),
        (["jobs", "--server", "http://localhost", "--token", "a b"], "that is no token"),
        (["jobs", "--server", "http://localhost", "--token-file", "missing"], "missing cannot be read: No such file"),
        (["jobs", "--server", "http://localhost", "--token", "x", "--token-file", "y"], "exclude each other"),
    ],
    ids=" ".join,
)
def test_what_contradicts_itself_is_wrong_usage(cli: CommandLine, args: list[str], said: str) -> None:
    refused = cli.as_is(*args)
    assert (refused.code, refused.out) == (Exit.USAGE, "")
    assert said in " ".join(refused.err.split())


@pytest.mark.parametrize("way", ["option", "file", "variable"])
def test_the_token_is_sent_and_never_shown(cli: CommandLine, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.home / "token").write_text(f"{TOKEN}\n")
    given = {"option": ["--token", TOKEN], "file": ["--token-file", "token"], "variable": []}[way]
    if way == "variable":
        monkeypatch.setenv("SCHEDSYNC_TOKEN", TOKEN)
    with answering(*problem(401, "The token is not known.")) as (url, asked):
        refused = cli.as_is("jobs", "--server", f"{url}/prefix/", *given)
    assert asked[0][0].startswith("/prefix/api/jobs?")
    assert asked[0][1]["Authorization"] == f"Bearer {TOKEN}"
    assert refused.code == Exit.FAILURE
    assert (
        "The token is not known. (`schedsync token create NAME --scope read` there makes one; give it with"
        in refused.err
    )
    assert TOKEN not in refused.err


def test_a_service_that_asks_for_tokens_gets_one_and_says_who_decided(cli: CommandLine, server: str) -> None:
    made = cli("token", "create", "night-shift", "--scope", "control")
    (cli.home / "token").write_text(made.out)
    reads = cli("token", "create", "board", "--scope", "read").out.strip()
    nobody = cli.as_is("pause", "a", "--server", server)
    reader = cli.as_is("pause", "a", "--server", server, "--token", reads)
    assert (nobody.code, reader.code) == (Exit.FAILURE, Exit.FAILURE)
    assert "schedsync token create NAME --scope control" in nobody.err
    assert "--token-file FILE or in SCHEDSYNC_TOKEN" in nobody.err
    assert cli("jobs", "a", "--json").json["state"] == "active"
    paused = cli.as_is("pause", "a", "--server", server, "--token-file", "token")
    assert paused.out.startswith("a is paused by token:night-shift since ")
    assert cli.as_is("jobs", "--server", server, "--token", reads).code == Exit.OK


@contextmanager
def following(cli: CommandLine, server: str) -> Iterator[tuple[Run, Path, subprocess.Popen[bytes]]]:
    """Give a run that has printed a bit, its file, and a command that follows it and has printed two bytes."""
    run = cli.ran("a", RunState.RUNNING, slot=SLOT + timedelta(hours=1), started_at=SLOT)
    cli.spool.mkdir()
    file = cli.spool / f"{run.id}.log"
    file.write_bytes("grün, ".encode()[:3])
    command = [sys.executable, "-m", "schedsync", "logs", run.id, "-f", "--server", server]
    with subprocess.Popen(command, cwd=cli.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"gr"
        yield run, file, process
        assert process.stderr is not None
        assert process.stderr.read().decode() == f"schedsync: run {run.id} has ended: succeeded\n"
    assert process.returncode == Exit.OK


def end(cli: CommandLine, run: Run) -> None:
    ended = replace(run, state=RunState.SUCCEEDED, finished_at=SLOT)
    with cli.store() as store:
        store.runs.record(RunChanges(settled=[(ended, Output("grün, done\n".encode(), b"", 12))]), None)


def test_the_output_of_a_run_is_followed_there_to_its_end(cli: CommandLine, server: str) -> None:
    with following(cli, server) as (run, file, process):
        assert process.stdout is not None
        with file.open("ab") as grown:
            grown.write("grün, ".encode()[3:])
        assert process.stdout.read(5) == "ün, ".encode()
        end(cli, run)
        file.unlink()
        assert process.stdout.read() == b"done\n"


def test_who_asks_after_a_run_has_ended_and_before_its_file_is_gone_misses_nothing(
    cli: CommandLine, server: str
) -> None:
    with following(cli, server) as (run, file, process):
        assert process.stdout is not None
        process.send_signal(signal.SIGSTOP)
        with file.open("ab") as grown:
            grown.write("grün, ".encode()[3:])
        end(cli, run)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "ün, done\n".encode()


def test_who_waits_for_a_run_there_is_told_how_its_last_attempt_ended(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    with cli.store() as store, serving(app_of(cli, store)) as url, leader(cli, RunState.FAILED, RunState.SUCCEEDED):
        waited = cli.as_is("trigger", "a", "--wait", "--server", url, "--json")
    assert (waited.code, waited.json["state"], waited.json["attempt"]) == (Exit.OK, "succeeded", 2)


def test_a_redirect_is_not_followed_and_the_token_stays_where_it_was_sent(cli: CommandLine) -> None:
    with answering(200, {}, b"{}") as (other, asked):
        headers = {"Location": f"{other}/api/status"}
        with answering(302, headers, b"") as (url, _):
            refused = cli.as_is("status", "--server", url, "--token", TOKEN)
    assert refused.code == Exit.FAILURE
    assert f"leads on to {other}/api/status; give --server the address itself" in refused.err
    assert asked == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>"), "does not answer as schedsync does: status 200, text/html"),
        ((502, {"Content-Type": "text/html"}, b"<html>"), "does not answer as schedsync does: status 502, text/html"),
        ((200, {"Content-Type": "application/json"}, b"{}"), "the answer is none that this version understands"),
        (problem(503, "the database is away"), "the database is away"),
        (
            problem(403, "This asks for the scope control."),
            "the scope control. (`schedsync token create NAME",
        ),
        (problem(401, "Make one by schedsync token create."), "token create. (give it with --token-file FILE or in"),
    ],
    ids=["page", "gateway", "other JSON", "no database", "no scope", "no token"],
)
def test_what_is_no_answer_is_a_sentence(
    cli: CommandLine, answer: tuple[int, dict[str, str], bytes], said: str
) -> None:
    with answering(*answer) as (url, _):
        failed = cli.as_is("status", "--server", url)
    assert (failed.code, failed.out) == (Exit.FAILURE, "")
    assert said in failed.err
    assert failed.err.count("\n") == 1


def test_who_cannot_be_reached_is_named(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failed = cli.as_is("jobs", "--server", f"http://127.0.0.1:{port}")
    assert failed.code == Exit.FAILURE
    assert failed.err == (
        f"schedsync: cannot connect to 127.0.0.1:{port}: connection refused; does the service listen there?\n"
    )


def test_a_request_is_bounded_as_a_whole_also_where_something_comes_all_the_time(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SECONDS", 0.5)
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not ended.wait(0.05):
                connection.sendall(b"X-Drip: 1\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        failed = cli.as_is("status", "--server", f"http://127.0.0.1:{listener.getsockname()[1]}")
        ended.set()
        thread.join()
    assert failed.code == Exit.FAILURE
    assert failed.err.endswith(" did not answer within 0.5 s\n")


def test_what_a_service_remembers_is_shown_with_its_age(cli: CommandLine) -> None:
    page = {"jobs": [], "total": 0, "next_cursor": None, "as_of": "2026-11-24T02:30:00Z"}
    with answering(200, {"Content-Type": "application/json"}, json.dumps(page).encode()) as (url, _):
        told = cli.as_is("jobs", "--server", url)
        assert cli.as_is("jobs", "--server", url, "--json").json == page
    assert told.code == Exit.OK
    assert told.err.endswith("; this is what it remembers of 2026-11-24 02:30:00Z\n")


def test_of_a_list_from_memory_is_shown_what_there_is_however_much_was_asked_for(cli: CommandLine, server: str) -> None:
    assert len(cli.as_is("runs", "--server", server, "--json").json["runs"]) == 2
    with cli.store() as store:
        mirror, vitals = Mirror(), Vitals()
        (known,) = store.runs.page(job_id=None, before=None, limit=1)
        mirror.see_jobs(store.jobs.observe(), utc_now())
        mirror.learn_run(known)
        vitals.database(utc_now(), error="no route to host")
        with serving(app_of(cli, store, mirror=mirror, vitals=vitals)) as url:
            told = cli.as_is("runs", "-n", "1000", "--server", url, "--json")
    assert told.code == Exit.OK
    assert [run["id"] for run in told.json["runs"]] == [known.id]
    assert told.json["next_cursor"]


def test_a_wish_without_an_answer_may_have_been_granted_and_that_is_said(cli: CommandLine) -> None:
    def hang_up() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):  # to close with something unread would be another failure: a reset
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up)
        thread.start()
        failed = cli.as_is("trigger", "a", "--server", f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert failed.code == Exit.FAILURE
    assert failed.err.endswith("closed the connection without an answer; it may have been done all the same\n")


def test_certificates_are_checked(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    with answering(*problem(503, "away"), context=context) as (url, _):
        refused = cli.as_is("status", "--server", url)
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        trusted = cli.as_is("status", "--server", url)
    assert refused.code == Exit.FAILURE
    assert "is not trusted: " in refused.err
    assert "SSL_CERT_FILE" in refused.err
    assert trusted.err.endswith(": away\n")
