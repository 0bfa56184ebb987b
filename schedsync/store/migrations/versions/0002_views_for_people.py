"""Views that show instants as timestamps, and an index for a job's own history.

Revision ID: 0002
Revises: 0001
"""

from schedsync.store.migrations.steps import create_index, create_view, timestamp

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    create_index("ix_schedsync_runs_job", "schedsync_runs", ["job_id", "scheduled_at", "id", "state"])
    create_view("schedsync_jobs_v", _jobs(), _JOBS)
    create_view("schedsync_runs_v", _runs(), "schedsync_runs r")


_JOBS = (
    "schedsync_jobs j\nLEFT JOIN schedsync_pauses p ON p.job_id = j.id\nLEFT JOIN schedsync_pauses e ON e.job_id = '*'"
)
"""The job, its own pause, and the pause of everything."""


def _jobs() -> dict[str, str]:
    return {
        **_as_they_are("j", "id"),
        "next_fire_utc": timestamp("j.next_fire_at"),
        "is_suspended": _yes_or_no("j.suspended"),
        "is_stale": _yes_or_no("j.stale"),
        "paused_by": _in_force("paused_by"),
        "pause_reason": _in_force("reason"),
        "paused_since_utc": timestamp(_in_force("since_at")),
        "paused_until_utc": timestamp(_in_force("until_at")),
        **_as_they_are("j", "source_file", "source_line", "prune_policy", "generation", "revision"),
        "created_utc": timestamp("j.created_at"),
        "updated_utc": timestamp("j.updated_at"),
    }


def _runs() -> dict[str, str]:
    times = ("due", "claimed", "started", "finished")
    return {
        **_as_they_are("r", "id", "job_id"),
        "scheduled_utc": timestamp("r.scheduled_at"),
        **_as_they_are("r", "attempt", "cause", "state", "reason"),
        **{f"{name}_utc": timestamp(f"r.{name}_at") for name in times},
        "run_seconds": "(r.finished_at - r.started_at) / 1000000.0",
        **_as_they_are("r", "exit_code", "node", "owner", "pid", "generation", "revision"),
    }


def _as_they_are(table: str, *names: str) -> dict[str, str]:
    return {name: f"{table}.{name}" for name in names}


def _yes_or_no(flag: str) -> str:
    return f"CASE {flag} WHEN 1 THEN 'yes' ELSE 'no' END"


def _in_force(column: str) -> str:
    """Return a column of the job's own pause, else of the pause of everything."""
    return f"CASE WHEN p.job_id IS NULL THEN e.{column} ELSE p.{column} END"
