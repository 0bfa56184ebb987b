"""The pages that there are: each is looked at by the accessibility engine, and has its picture taken."""

from collections.abc import Callable

from schedsync.runs.run import RunState
from tests.browser.scene import Scene


def _failed(scene: Scene) -> str:
    runs = scene.store.runs.page(job_id="erp.order-import", before=None, limit=500)
    return next(run.id for run in runs if run.state is RunState.FAILED)


PLACES: dict[str, Callable[[Scene], str]] = {
    "overview": lambda _: "/",
    "jobs": lambda _: "/jobs",
    "jobs-none-found": lambda _: "/jobs?q=nothing-is-called-so",
    "job": lambda _: "/jobs/erp.order-import",
    "job-paused": lambda _: "/jobs/backup.mail",
    "job-stale": lambda _: "/jobs/reports.sales",
    "job-long": lambda _: "/jobs/cleanup.move-to-new-storage-with-a-rather-long-name-that-has-to-be-broken",
    "runs": lambda _: "/runs",
    "run": lambda scene: f"/runs/{scene.running('dwh.forecast').id}",
    "run-failed": lambda scene: f"/runs/{_failed(scene)}",
    "run-queued": lambda scene: f"/runs/{scene.running('erp.price-import').id}",
    "syncs": lambda _: "/syncs",
    "day": lambda _: "/day",
    "day-to-come": lambda _: "/day?date=2026-11-26",
    "docs": lambda _: "/docs",
    "login": lambda _: "/login",
    "not-found": lambda _: "/jobs/nobody",
}
"""By the name of the picture."""
SHOWN = {"overview": "light", "jobs": "light", "job": "light", "run": "dark", "day": "light", "syncs": "light"}
"""Those that the documentation shows, and in which colours."""
