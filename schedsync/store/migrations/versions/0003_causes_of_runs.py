"""Why a run exists: who asked for it, or which run it follows; and which jobs follow others.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa

from schedsync.store.migrations.steps import add_column, replace_view, timestamp

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and show those of runs to people."""
    add_column("schedsync_jobs", sa.Column("follows", sa.SmallInteger, server_default=sa.text("0"), nullable=False))
    add_column("schedsync_runs", sa.Column("asked_by", sa.String(200)))
    add_column("schedsync_runs", sa.Column("ask_reason", sa.String(1000)))
    add_column("schedsync_runs", sa.Column("upstream_job_id", sa.String(200)))
    add_column("schedsync_runs", sa.Column("upstream_run_id", sa.String(32)))
    add_column("schedsync_runs", sa.Column("upstream_state", sa.String(16)))
    replace_view("schedsync_runs_v", _runs(), "schedsync_runs r")


def _runs() -> dict[str, str]:
    times = ("due", "claimed", "started", "finished")
    return {
        **_as_they_are("id", "job_id"),
        "scheduled_utc": timestamp("r.scheduled_at"),
        **_as_they_are("attempt", "cause", "state", "reason"),
        **{f"{name}_utc": timestamp(f"r.{name}_at") for name in times},
        "run_seconds": "(r.finished_at - r.started_at) / 1000000.0",
        **_as_they_are("exit_code", "node", "owner", "pid", "generation", "revision"),
        # Behind the others: where a view is replaced, the columns that it has keep their places.
        **_as_they_are("asked_by", "ask_reason", "upstream_job_id", "upstream_run_id", "upstream_state"),
    }


def _as_they_are(*names: str) -> dict[str, str]:
    return {name: f"r.{name}" for name in names}
