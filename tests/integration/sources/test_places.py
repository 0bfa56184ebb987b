"""Where something stands that is said of a valid job, also when its file has changed meanwhile."""

from pathlib import Path

from schedsync.plan.state import Located
from schedsync.sources.folder import JobsFolder
from schedsync.sources.origins import Files
from schedsync.sources.places import Remark, placed
from schedsync.specs.messages import FieldError

TWO = """\
jobs:
- {id: x, timeout: 1h, schedule: {every: 1h}, run: {shell: a}}
- {id: y, schedule: {every: 2h}, run: {shell: a}}
"""


def remark(job: Located, *path: str | int) -> Remark:
    return job, FieldError(path, at_key=False, message=f"about {job.spec.id}")


def jobs(root: Path) -> dict[str, Located]:
    return {job_id: one[0] for job_id, one in JobsFolder(root).read().jobs.items()}


def places(root: Path, *remarks: Remark) -> list[str]:
    return [str(problem) for problem in placed(remarks, Files(root))]


def test_each_is_at_its_value_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TWO)
    (tmp_path / "b.yaml").write_text("id: z\nschedule:\n- every: 3h\nrun: {shell: a}\n")
    found = jobs(tmp_path)
    remarks = [
        remark(found["y"], "schedule", 0, "every"),
        remark(found["z"], "schedule", 0, "every"),
        remark(found["x"], "timeout"),
    ]
    assert places(tmp_path, *remarks) == ["a.yaml:3:29: about y", "b.yaml:3:10: about z", "a.yaml:2:20: about x"]


def test_where_the_file_says_something_else_by_now_it_is_the_line_of_the_job(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TWO)
    found = jobs(tmp_path)
    for text in (TWO.replace("2h", "3h"), "x: [", "\0", None):
        if text is None:
            (tmp_path / "a.yaml").unlink()
        else:
            (tmp_path / "a.yaml").write_text(text)
        assert places(tmp_path, remark(found["y"], "schedule", 0, "every")) == ["a.yaml:3: about y"]


def test_without_remarks_no_file_is_read(tmp_path: Path) -> None:
    assert placed([], Files(tmp_path / "missing")) == []
