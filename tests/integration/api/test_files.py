"""Jobs that programs write: each is a file, which the folder's reader finds, and no other file is touched."""

import errno
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from schedsync.access import Scope, new_token
from schedsync.api.problems import Kind
from schedsync.filing import Filing
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.sources.folder import JobsFolder
from schedsync.sources.job_files import JobFiles
from schedsync.sources.yaml_writing import UnwritableValueError, to_yaml
from schedsync.store import tables
from schedsync.store.syncs import SyncReport
from tests.integration.api.conftest import Installation, problem
from tests.needs import bound_by_modes

JOB = {"id": "erp.close", "schedule": {"cron": "30 2 * * *"}, "run": {"shell": "echo on\necho off\n"}}
FILE = "api/erp.close.yaml"


class Writing:
    """An installation that lets programs write."""

    def __init__(self, here: Installation, folder: Path) -> None:
        self.here, self.folder = here, folder
        folder.mkdir()
        self.local: FlaskClient = here.client(filing=Filing(here.store, JobFiles(folder), here.clock))
        """Asks without a token, as any program of this machine may."""
        self.client = self.local.application.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.token(Scope.CONTROL)}"
        self._reconciler = Reconciler(JobsFolder(folder), here.store, PruneGuard(), node="here", clock=here.clock)

    def token(self, scope: Scope) -> str:
        token, text = new_token("erp", scope, by="cli:ann", now=self.here.clock.now)
        self.here.store.tokens.create(token)
        return text

    def schedule(self, status: int, **fields: Any) -> dict[str, Any]:
        response = self.client.post("/api/schedule-job", json=JOB | fields)
        self.here.clock.forward(seconds=1)
        if status >= 400:
            return problem(response, status)
        assert response.status_code == status, response.text
        return dict(response.get_json())

    def remove(self, status: int, job_id: str = "erp.close") -> dict[str, Any]:
        response = self.client.delete(f"/api/remove-job/{job_id}")
        self.here.clock.forward(seconds=1)
        if status >= 400:
            return problem(response, status)
        assert response.status_code == status, response.text
        return dict(response.get_json())

    def step(self) -> SyncReport:
        return self._reconciler.step()

    def text(self, file: str = FILE) -> str:
        return (self.folder / file).read_text()

    def write(self, file: str, text: str) -> Path:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def audit(self) -> list[tuple[str, str | None, str | None]]:
        decisions = self.here.store.audit.page(job_id=None, before=None, limit=99)
        return [(each.action, each.job_id, each.reason) for each in reversed(decisions) if each.job_id is not None]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def writing(here: Installation, tmp_path: Path) -> Writing:
    return Writing(here, tmp_path / "jobs.d")


def test_a_job_becomes_a_file_that_a_person_can_read_and_the_loop_is_woken(writing: Writing) -> None:
    filed = {"job_id": "erp.close", "file": FILE, "created": True, "changed": True, "problems": []}
    assert writing.schedule(201) == filed
    assert writing.text() == (
        "# Written for token:erp at 2026-11-24T02:00:00Z by POST /api/schedule-job, which may replace it.\n"
        "id: erp.close\n"
        "schedule:\n"
        "  cron: 30 2 * * *\n"
        "run:\n"
        "  shell: |\n"
        "    echo on\n"
        "    echo off\n"
    )
    assert (writing.folder / FILE).stat().st_mode & 0o777 == 0o640
    assert writing.files() == [FILE]
    assert writing.here.woken == 1
    writing.step()
    job = writing.client.get("/api/jobs/erp.close").get_json()
    assert (job["source"]["file"], job["spec"]["run"]["shell"]) == (FILE, "echo on\necho off\n")
    assert writing.audit() == [("schedule_job", "erp.close", FILE)]


def test_the_same_job_again_changes_nothing_also_when_it_has_comments_by_hand(writing: Writing) -> None:
    writing.schedule(201)
    path = writing.write(FILE, f"# Ask Ann before you change this.\n{writing.text()}")
    before = path.stat()
    again = writing.schedule(200)
    assert (again["created"], again["changed"]) == (False, False)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert writing.here.woken == 1
    assert len(writing.audit()) == 1


def test_another_version_replaces_the_file_also_when_it_was_edited_by_hand(writing: Writing) -> None:
    writing.schedule(201)
    writing.write(FILE, writing.text().replace("30 2", "45 2"))
    writing.step()
    changed = writing.schedule(200, description="said better")
    assert (changed["created"], changed["changed"]) == (False, True)
    assert "30 2" in writing.text()
    assert "said better" in writing.text()
    assert [action for action, _, _ in writing.audit()] == ["schedule_job", "schedule_job"]


def test_true_and_one_are_not_the_same_to_a_file(writing: Writing) -> None:
    writing.write(FILE, to_yaml({**JOB, "suspend": 1}))
    assert writing.schedule(200, suspend=True)["changed"]


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"schedule": {"cron": "61 * * * *"}}, "schedule.cron", "61"),
        ({"tiemout": "5m"}, "tiemout", 'did you mean "timeout"?'),
        ({"run": {}}, "run", "one of"),
        ({"id": None}, "id", "missing"),
        ({"id": 7}, "id", "expected text"),
        ({"id": "../../etc/passwd"}, "id", "cannot be an id"),
        ({"id": "a/b"}, "id", "cannot be an id"),
        ({"id": ".hidden"}, "id", "cannot be an id"),
        ({"id": "a" * 201}, "id", "cannot be an id"),
        ({"jobs": []}, "body", "cannot stand beside"),
    ],
)
def test_what_is_no_job_is_refused_as_in_a_file_and_nothing_is_written(
    writing: Writing, fields: dict[str, Any], field: str, said: str
) -> None:
    document = writing.schedule(400, **fields)
    (mistake,) = document["errors"]
    assert mistake["field"].replace(".0", "") == field
    assert said in mistake["message"]
    assert writing.files() == []
    assert writing.audit() == []
    assert not writing.here.woken


@pytest.mark.parametrize(
    "body",
    ["[]", "1", "null", "{", '{"id": "a", "x": NaN}', '{"id": "a", "x": 1e999}', f'{{"id": "a", "x": {"9" * 6000}}}'],
)
def test_a_body_that_is_no_mapping_or_that_no_file_can_hold_is_refused(writing: Writing, body: str) -> None:
    problem(writing.client.post("/api/schedule-job", data=body, content_type="application/json"), 400)
    assert writing.files() == []


def test_a_job_that_another_file_has_is_that_files(writing: Writing) -> None:
    writing.write("erp/close.yaml", to_yaml(JOB))
    writing.step()
    for conflict in (writing.schedule(409), writing.remove(409)):
        assert conflict["file"] == "erp/close.yaml"
        assert "erp/close.yaml" in conflict["detail"]
    assert writing.files() == ["erp/close.yaml"]
    assert writing.audit() == []


IN_THE_WAY = {
    "two jobs": (to_yaml(JOB) + "---\n" + to_yaml({**JOB, "id": "other"}), "does not hold erp.close alone"),
    "another job": (to_yaml({**JOB, "id": "other"}), "does not hold erp.close alone"),
    "a list": ("jobs:\n- {id: erp.close}\n- {id: other}\n", "does not hold erp.close alone"),
    "no YAML": ("id: [\n", "the file is broken"),
    "too much": ("#" * (1 << 20) + "\n", "more than 1,048,576 bytes"),
}


@pytest.mark.parametrize(("text", "why"), IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_a_file_that_holds_something_else_is_neither_replaced_nor_removed(
    writing: Writing, text: str, why: str
) -> None:
    path = writing.write(FILE, text)
    for conflict in (writing.schedule(409), writing.remove(409)):
        assert (conflict["file"], why in conflict["detail"]) == (FILE, True)
    assert path.read_text() == text


def test_a_job_of_its_own_that_is_broken_may_be_replaced_or_removed(writing: Writing) -> None:
    writing.write(FILE, "id: erp.close\nschedule: {cron: nonsense}\n")
    assert writing.schedule(200)["changed"]
    writing.write(FILE, "id: erp.close\nschedule: {cron: nonsense}\n")
    assert writing.remove(200)["file"] == FILE


def test_no_link_is_followed(writing: Writing, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere.yaml"
    secret.write_text(to_yaml(JOB))
    (writing.folder / "api").mkdir()
    (writing.folder / FILE).symlink_to(secret)
    assert "is a link" in writing.schedule(409, description="new")["detail"]
    assert "is a link" in writing.remove(409)["detail"]
    assert secret.read_text() == to_yaml(JOB)
    (writing.folder / FILE).unlink()
    os.mkfifo(writing.folder / FILE)
    assert "no regular file" in writing.schedule(409)["detail"]


def test_a_folder_that_is_a_link_is_not_followed(writing: Writing, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (writing.folder / "api").symlink_to(elsewhere)
    assert "no link to one" in writing.schedule(409)["detail"]
    assert list(elsewhere.iterdir()) == []


def test_the_jobs_folder_itself_may_be_a_link(writing: Writing, tmp_path: Path) -> None:
    writing.folder.rename(tmp_path / "checkout")
    writing.folder.symlink_to(tmp_path / "checkout")
    writing.schedule(201)
    assert writing.files() == [FILE]


def test_a_removed_job_goes_with_the_next_step(writing: Writing) -> None:
    writing.schedule(201)
    writing.schedule(201, id="stays")
    writing.step()
    assert writing.remove(200) == {"job_id": "erp.close", "file": FILE}
    assert writing.here.woken == 3
    writing.step()
    assert set(writing.here.store.jobs.observe().jobs) == {"stays"}
    assert writing.audit()[-1] == ("remove_job", "erp.close", FILE)
    assert writing.remove(404)["job_id"] == "erp.close"


def test_a_job_whose_file_is_gone_already_waits_for_its_removal(writing: Writing) -> None:
    writing.schedule(201)
    writing.step()
    (writing.folder / FILE).unlink()
    assert "gone already" in writing.remove(409)["detail"]


def test_what_is_not_there_cannot_be_removed_and_no_folder_is_made_for_it(writing: Writing) -> None:
    assert writing.remove(404, "nobody")["job_id"] == "nobody"
    assert writing.remove(404, "..%2Fsecret")
    assert list(writing.folder.iterdir()) == []


def test_defaults_hold_for_what_is_written_and_broken_ones_are_named(writing: Writing) -> None:
    writing.write("_defaults.yaml", "schedule: {every: 1h}\n")
    writing.write("api/_defaults.yaml", "owner: integration\n")
    job = {"id": "bare", "run": {"shell": "true"}}
    assert writing.client.post("/api/schedule-job", json=job).status_code == 201
    writing.step()
    assert writing.client.get("/api/jobs/bare").get_json()["owner"] == "integration"
    writing.write("api/_defaults.yaml", "onwer: integration\n")
    conflict = problem(writing.client.post("/api/schedule-job", json=job | {"description": "new"}), 409)
    assert conflict["file"] == "api/_defaults.yaml"
    assert "onwer" in conflict["detail"]
    assert writing.remove(200, "bare")


def test_a_job_that_runs_after_one_that_is_not_there_yet_is_written_and_says_so(writing: Writing) -> None:
    job = {"id": "second", "after": {"first": "succeeded"}, "run": {"shell": "true"}}
    response = writing.client.post("/api/schedule-job", json=job)
    assert response.status_code == 201
    (mistake,) = response.get_json()["problems"]
    assert (mistake["field"], mistake["file"]) == ("after.first", "api/second.yaml")
    writing.schedule(201, id="first")
    writing.step()
    again = writing.client.post("/api/schedule-job", json=job)
    assert (again.status_code, again.get_json()["problems"]) == (200, [])


def test_a_folder_that_may_not_be_written_is_said_and_nothing_is_left(writing: Writing) -> None:
    writing.folder.chmod(0o500)
    try:
        with bound_by_modes():
            assert "permission denied" in writing.schedule(503)["detail"]
    finally:
        writing.folder.chmod(0o700)
    assert writing.audit() == []


def test_a_folder_that_is_missing_is_said(writing: Writing) -> None:
    writing.folder.rmdir()
    assert "jobs.d/api: job files cannot be written" in writing.schedule(503)["detail"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing.schedule(201)
    before = writing.text()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert "no space left" in writing.schedule(503, description="new")["detail"].lower()
    assert (writing.text(), writing.files()) == (before, [FILE])


def test_a_reader_never_sees_half_a_file(writing: Writing) -> None:
    versions = {number: "x" * number * 3000 for number in (1, 10)}
    writing.schedule(201, description=versions[1])
    seen: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.update(re.findall(r"description: (x*)", writing.text()) or ["half"])

    reader = threading.Thread(target=read)
    reader.start()
    for number in (10, 1) * 10:
        writing.schedule(200, description=versions[number])
    over.set()
    reader.join()
    assert seen <= set(versions.values())


def test_without_the_setting_nothing_is_written_and_the_answer_names_it(
    here: Installation, client: FlaskClient
) -> None:
    answers: list[Callable[[], Any]] = [
        lambda: client.post("/api/schedule-job", json=JOB),
        lambda: client.delete("/api/remove-job/erp.close"),
    ]
    for ask in answers:
        assert "api.write_files = true" in problem(ask(), 404)["detail"]
    assert not here.woken


@pytest.mark.parametrize("made", [False, True], ids=["no token yet", "a token"])
def test_a_program_of_this_machine_needs_a_token_although_it_needs_none_for_the_rest(
    writing: Writing, made: bool
) -> None:
    if not made:
        with writing.here.store.database.write() as connection:
            connection.execute(delete(tables.tokens))
        assert writing.local.post("/api/pause").status_code == 200
    writing.write(FILE, to_yaml(JOB))
    for answer in (
        writing.local.post("/api/schedule-job", json=JOB | {"description": "new"}),
        writing.local.post("/api/schedule-job", data="{", content_type="application/json"),
        writing.local.delete("/api/remove-job/erp.close"),
    ):
        detail = problem(answer, 401, Kind.NOT_AUTHENTICATED)["detail"]
        assert "schedsync token create NAME --scope control" in detail
        assert (
            made or "also on this machine, since whoever may do it runs anything as the user of the service" in detail
        )
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert writing.text() == to_yaml(JOB)
    assert not writing.here.woken


def test_a_token_that_only_reads_writes_nothing(writing: Writing) -> None:
    headers = {"Authorization": f"Bearer {writing.token(Scope.READ)}"}
    problem(writing.local.post("/api/schedule-job", json=JOB, headers=headers), 403)
    assert writing.files() == []


def test_while_the_database_is_away_nothing_is_written(writing: Writing) -> None:
    assert writing.client.get("/api/jobs").status_code == 200
    writing.here.vitals.database(writing.here.clock.now, error="no route to host")
    writing.schedule(503)
    writing.remove(503)
    assert writing.files() == []


WORDS = ["on", "no", "12:30", "0755", "1.5e3", "1.0e+20", "~", "<<", "null", "true", " x", "x: y", "# x", "", "\t\x07"]


@pytest.mark.parametrize("word", WORDS)
def test_text_that_looks_like_something_else_is_written_as_text(writing: Writing, word: str) -> None:
    writing.schedule(201, description=word)
    assert JobsFolder(writing.folder).read().jobs["erp.close"][0].spec.description == word


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(
        ["on", "no", "12:30", "0755", "1.5e3", "1.0e+20", "~", "<<", "null", "true", " x", "x: y", "# x"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES)
def test_what_is_written_says_what_was_given_or_is_refused(value: Any) -> None:
    try:
        text = to_yaml({"id": "a", "value": value})
    except UnwritableValueError:
        printable = isinstance(value, str) and value.isprintable()
        assert value is not None
        assert not (isinstance(value, bool | int))
        assert not printable
    else:
        assert text.startswith("id: a\nvalue:")
