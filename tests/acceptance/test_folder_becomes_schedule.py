"""A person drops, edits and deletes files; the schedule follows."""

import shutil
import threading

from tests.acceptance.harness import REPOSITORY, Folder, Service, eventually

HOURLY = "schedule: {every: 1h}\nrun: {shell: echo hello}\n"


def test_the_sample_jobs_run_within_ten_seconds_and_their_output_is_readable(service: Service) -> None:
    service.jobs = REPOSITORY / "jobs.d"
    service.start()
    assert eventually(lambda: service.ask("/health")[0] == 200, within=5)
    jobs = {job["id"]: job for job in eventually(lambda: service.get("/api/jobs")["jobs"], within=5)}
    assert {"hello", "disk-report", "nightly.vacuum", "nightly.report"} <= jobs.keys()
    assert all(job["next_fire_at"] for job in jobs.values() if job["state"] == "active")
    run = eventually(lambda: service.ended("hello", "succeeded"), within=10)[0]
    assert service.get(f"/api/runs/{run['id']}/log").startswith("hello from hello, slot ")


def test_a_new_file_is_live_within_a_second(service: Service, folder: Folder) -> None:
    folder.write("first.yaml", HOURLY)
    service.start()
    eventually(lambda: service.job_ids() == {"first"})
    folder.write("second.yaml", HOURLY)
    eventually(lambda: service.job_ids() == {"first", "second"}, within=1)


def test_an_edited_schedule_moves_the_next_fire_time_and_an_edited_description_does_not(
    service: Service, folder: Folder
) -> None:
    folder.write("job.yaml", HOURLY)
    service.start()
    eventually(lambda: service.job_ids() == {"job"})
    before = service.job("job")["next_fire_at"]
    folder.write("job.yaml", f"description: said better\n{HOURLY}")
    eventually(lambda: service.job("job")["description"] == "said better", within=1)
    assert service.job("job")["next_fire_at"] == before
    folder.write("job.yaml", HOURLY.replace("1h", "2h"))
    eventually(lambda: service.job("job")["next_fire_at"] != before, within=1)


def test_a_deleted_file_removes_its_job_but_not_its_history(service: Service, folder: Folder) -> None:
    folder.write("stays.yaml", HOURLY)
    doomed = folder.shell("doomed", "echo here I was")
    service.start()
    eventually(lambda: service.ended("doomed", "succeeded"))
    doomed.unlink()
    eventually(lambda: service.job_ids() == {"stays"}, within=1)
    assert service.ask("/api/jobs/doomed")[0] == 404
    assert service.ended("doomed", "succeeded")


def test_a_folder_that_is_changed_all_the_time_gains_jobs_and_loses_them_when_it_is_quiet(
    service: Service, folder: Folder
) -> None:
    folder.write("stays.yaml", HOURLY)
    service.start()
    quiet = threading.Event()

    def stir() -> None:
        while not quiet.wait(0.01):
            folder.write("stays.yaml", HOURLY)

    def held_or_gone() -> list[str]:
        held = [entry["why"] for entry in service.get("/api/status")["held"]]
        return held or ["gone"] * ("doomed" not in service.job_ids())

    def removed() -> list[str]:
        """Return why the job is not removed, or that it is: on a slow machine even this folder may seem quiet."""
        doomed = folder.write("doomed.yaml", HOURLY)
        eventually(lambda: "doomed" in service.job_ids())
        doomed.unlink()
        return eventually(held_or_gone)

    stirring = threading.Thread(target=stir)
    stirring.start()
    try:
        eventually(lambda: removed() == ["the folder is being changed: nothing is removed meanwhile"])
    finally:
        quiet.set()
        stirring.join()
    eventually(lambda: service.job_ids() == {"stays"})


def test_plan_says_what_is_pending_and_apply_makes_it_live(service: Service, folder: Folder) -> None:
    folder.write("job.yaml", HOURLY)
    assert service.cli("plan").returncode == 2
    assert service.cli("apply").returncode == 0
    assert service.cli("plan").returncode == 0
    service.start()
    eventually(lambda: service.job_ids() == {"job"})


def test_a_moved_file_keeps_history_and_next_fire_time(service: Service, folder: Folder) -> None:
    path = folder.shell("job", "true")
    folder.write("other.yaml", HOURLY)
    service.start()
    eventually(lambda: service.ended("job", "succeeded"))
    (folder.path / "sub").mkdir()
    shutil.move(path, folder.path / "sub" / "renamed.yaml")
    eventually(lambda: service.job("job")["source"]["file"] == "sub/renamed.yaml", within=2)
    assert service.ended("job", "succeeded")
