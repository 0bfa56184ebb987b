"""Where the values of a job come from."""

from pathlib import Path

import pytest

from schedsync.sources.folder import JobsFolder
from schedsync.sources.origins import Files, Kind, Origin, Origins


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs.d"
    (folder / "erp").mkdir(parents=True)
    (folder / "_defaults.yaml").write_text("owner: ops\ntimeout: 30m\nschedule:\n  jitter: 5s\n")
    (folder / "erp" / "_defaults.yaml").write_text("# erp\ntimeout: 10m\nrun: {cwd: /srv/erp, env: {A: far, B: far}}\n")
    (folder / "erp" / "dump.yaml").write_text(
        "description: dump\nschedule:\n  cron: '@daily'\nrun:\n  shell: 'true'\n  env:\n    A: near\n"
        "retry: {attempts: 3}\n"
    )
    return folder


def _origins(root: Path, job_id: str = "erp.dump") -> Origins:
    job = JobsFolder(root).read().jobs[job_id][0]
    found = Files(root).origins(job_id, job.source.file, job.digest)
    assert found is not None
    return found


def test_each_value_says_which_file_and_line_it_comes_from(root: Path) -> None:
    found = _origins(root)
    job, near, far = "erp/dump.yaml", "erp/_defaults.yaml", "_defaults.yaml"
    assert found["description",] == Origin(Kind.JOB, job, 1)
    assert found["schedule", 0, "cron"] == Origin(Kind.JOB, job, 3)
    assert found["run", "shell"] == Origin(Kind.JOB, job, 5)
    assert found["run", "env", "A"] == Origin(Kind.JOB, job, 7)
    assert found["retry", "attempts"] == Origin(Kind.JOB, job, 8)
    assert found["timeout",] == Origin(Kind.DEFAULTS, near, 2)
    assert found["run", "env", "B"] == Origin(Kind.DEFAULTS, near, 3)
    assert found["owner",] == Origin(Kind.DEFAULTS, far, 1)
    assert found["schedule", 0, "jitter"] == Origin(Kind.DEFAULTS, far, 4)


def test_what_no_file_says_is_of_the_settings_the_name_or_built_in(root: Path) -> None:
    found = _origins(root)
    assert found["id",] == Origin(Kind.NAME)
    assert found["schedule", 0, "timezone"] == Origin(Kind.SETTINGS)
    assert found["retry", "backoff"] == found["overlap",] == Origin(Kind.BUILT_IN)


def test_of_several_jobs_in_a_file_the_right_one_is_told(root: Path) -> None:
    one = "{id: %s, schedule: {every: 1h}, run: {shell: 'true'}%s}"
    (root / "two.yaml").write_text(f"jobs:\n- {one % ('a', '')}\n- {one % ('b', ', suspend: true')}\n")
    assert _origins(root, "a")["suspend",] == Origin(Kind.BUILT_IN)
    assert _origins(root, "b")["suspend",] == Origin(Kind.JOB, "two.yaml", 3)


def test_a_default_that_does_not_fit_the_job_is_not_named(root: Path) -> None:
    (root / "erp" / "_defaults.yaml").write_text("success_exit_codes: [0, 3]\n")
    (root / "erp" / "ask.yaml").write_text("schedule: {every: 1h}\nrun: {http: {url: 'https://example.com'}}\n")
    assert _origins(root, "erp.ask")["success_exit_codes",] == Origin(Kind.BUILT_IN)


def test_of_two_jobs_on_one_line_nothing_is_claimed(root: Path) -> None:
    one = "{id: %s, schedule: {every: 1h}, run: {shell: 'true'}}"
    (root / "two.yaml").write_text(f"jobs: [{one % 'a'}, {one % 'b'}]\n")
    job = JobsFolder(root).read().jobs["a"][0]
    assert Files(root).origins("a", "two.yaml", job.digest) is None


@pytest.mark.parametrize("text", [None, "", "run: [", "schedule: {every: 2h}\nrun: {shell: 'true'}\n"])
def test_of_a_file_that_says_something_else_by_now_nothing_is_claimed(root: Path, text: str | None) -> None:
    job = JobsFolder(root).read().jobs["erp.dump"][0]
    file = root / "erp" / "dump.yaml"
    file.unlink() if text is None else file.write_text(text)
    assert Files(root).origins("erp.dump", "erp/dump.yaml", job.digest) is None


def test_broken_defaults_leave_nothing_to_claim(root: Path) -> None:
    job = JobsFolder(root).read().jobs["erp.dump"][0]
    (root / "_defaults.yaml").write_text("timeout: [")
    assert Files(root).origins("erp.dump", "erp/dump.yaml", job.digest) is None
