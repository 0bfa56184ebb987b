"""A chain of jobs runs in its order, once for each end, whatever happens to the service meanwhile."""

from collections import Counter

from tests.acceptance.harness import Folder, Service, eventually

YEARLY = "{cron: '0 0 1 1 *'}"


def _after(folder: Folder, job_id: str, after: str, command: str) -> None:
    folder.write(f"{job_id}.yaml", f"id: {job_id}\nafter: {{{after}}}\nrun:\n  shell: |\n    {command}\n")


def test_a_chain_runs_from_its_first_job_to_its_last(service: Service, folder: Folder) -> None:
    folder.shell("export", "true", schedule=YEARLY)
    _after(folder, "load", "export: succeeded", 'echo "after $SCHEDSYNC_UPSTREAM_JOB_ID"; exit 1')
    _after(folder, "alarm", "load: [failed, timed_out]", "true")
    _after(folder, "report", "load: succeeded", "true")
    service.start()
    eventually(lambda: service.job_ids() == {"export", "load", "alarm", "report"})
    assert (service.job("load")["state"], service.job("load")["next_fire_at"]) == ("active", None)
    assert service.cli("trigger", "export", "--wait").returncode == 0
    (alarm,) = eventually(lambda: service.ended("alarm", "succeeded"), within=8.0)
    (load,) = service.runs("load")
    assert (alarm["cause"], alarm["upstream_run_id"], alarm["upstream_state"]) == ("after", load["id"], "failed")
    assert alarm["scheduled_at"] == load["finished_at"]
    assert service.ask(f"/api/runs/{load['id']}/log")[1] == "after export\n"
    assert service.runs("report") == []


def test_each_end_is_followed_once_although_the_service_is_killed_again_and_again(
    service: Service, folder: Folder
) -> None:
    marks = folder.path.parent / "marks"
    folder.shell("first", "sleep 0.2", schedule="{every: 1s}", more="overlap: allow\n")
    _after(folder, "second", "first: any", f"echo $SCHEDSYNC_UPSTREAM_RUN_ID >> {marks}")
    with (folder.path / "second.yaml").open("a") as file:
        file.write("overlap: queue\n")
    service.start()
    for _ in range(4):
        seen = len(service.ended("second", "succeeded"))
        eventually(lambda seen=seen: len(service.ended("second", "succeeded")) > seen + 1)  # type: ignore[misc]
        service.kill()
        service.start()
    folder.write("first.yaml", f"id: first\nschedule: {YEARLY}\nrun: {{shell: 'true'}}\n")
    ended = {"succeeded", "failed", "lost"}
    eventually(lambda: {run["state"] for run in service.runs("first")} <= {*ended, "skipped"})
    eventually(lambda: {run["state"] for run in service.runs("second")} <= {*ended, "skipped"})
    followed = Counter(run["upstream_run_id"] for run in service.runs("second"))
    wanted = {run["id"] for run in service.runs("first") if run["state"] in ended}
    assert wanted == set(followed)
    assert set(followed.values()) == {1}
    assert set(Counter(marks.read_text().split()).values()) == {1}


def test_a_circle_is_a_problem_of_its_files_and_leaves_what_is_live(service: Service, folder: Folder) -> None:
    folder.shell("first", "true", schedule=YEARLY)
    _after(folder, "second", "first: any", "true")
    service.start()
    eventually(lambda: service.job_ids() == {"first", "second"})
    _after(folder, "first", "second: any", "true")
    problem = eventually(lambda: service.problem_in("first.yaml"))
    assert "first -> second -> first" in problem["message"]
    assert (problem["line"], problem["column"]) == (2, 9)
    assert service.job("first")["stale"]
    assert service.cli("trigger", "first", "--wait").returncode == 0
    eventually(lambda: service.ended("second", "succeeded"))
