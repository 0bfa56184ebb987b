"""The first tables.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa

from schedsync.store.migrations.steps import create_index, create_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID, DIGEST, PATH, REASON = sa.String(200), sa.String(64), sa.String(1000), sa.String(1000)


def upgrade() -> None:
    """Create everything."""
    _create_jobs()
    _create_runs()
    _create_logs()


def _create_jobs() -> None:
    create_table(
        "schedsync_jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("next_fire_at", sa.BigInteger),
        sa.Column("anchor_at", sa.BigInteger, nullable=False),
        sa.Column("suspended", sa.SmallInteger, nullable=False),
        sa.Column("stale", sa.SmallInteger, nullable=False),
        sa.Column("prune_policy", sa.String(16), nullable=False),
        sa.Column("spec_digest", DIGEST, nullable=False),
        sa.Column("schedule_digest", DIGEST, nullable=False),
        sa.Column("source_file", PATH, nullable=False),
        sa.Column("source_line", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("revision", ID),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedsync_jobs"),
    )
    create_index("ix_schedsync_jobs_next", "schedsync_jobs", ["next_fire_at"])
    create_table(
        "schedsync_specs",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("spec_digest", DIGEST, nullable=False),
        sa.Column("spec_text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_schedsync_specs"),
    )
    create_table(
        "schedsync_pauses",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("paused_by", ID, nullable=False),
        sa.Column("reason", REASON),
        sa.Column("since_at", sa.BigInteger, nullable=False),
        sa.Column("until_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("job_id", name="pk_schedsync_pauses"),
    )


def _create_runs() -> None:
    create_table(
        "schedsync_runs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("scheduled_at", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", REASON),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("claimed_at", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("exit_code", sa.Integer),
        sa.Column("node", ID),
        sa.Column("owner", ID),
        sa.Column("pid", sa.Integer),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("spec_digest", DIGEST, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("revision", ID),
        sa.PrimaryKeyConstraint("id", name="pk_schedsync_runs"),
        sa.UniqueConstraint("job_id", "scheduled_at", "attempt", name="uq_schedsync_runs_slot"),
    )
    create_index("ix_schedsync_runs_state", "schedsync_runs", ["state"])
    create_index("ix_schedsync_runs_time", "schedsync_runs", ["scheduled_at", "id"])
    create_table(
        "schedsync_run_output",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("total_bytes", sa.BigInteger, nullable=False),
        sa.Column("dropped_bytes", sa.BigInteger, nullable=False),
        sa.Column("head_text", sa.Text),
        sa.Column("tail_text", sa.Text),
        sa.PrimaryKeyConstraint("run_id", name="pk_schedsync_run_output"),
    )


def _create_logs() -> None:
    create_table(
        "schedsync_syncs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("node", ID),
        sa.Column("revision", ID),
        sa.Column("complete", sa.SmallInteger, nullable=False),
        sa.Column("summary_text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedsync_syncs"),
    )
    create_table(
        "schedsync_audit",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("actor", ID, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("job_id", ID),
        sa.Column("reason", REASON),
        sa.PrimaryKeyConstraint("id", name="pk_schedsync_audit"),
    )
    create_table(
        "schedsync_leases",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, comment="epoch microseconds by the database's clock"),
        sa.PrimaryKeyConstraint("name", name="pk_schedsync_leases"),
    )
