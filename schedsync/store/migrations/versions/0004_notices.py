"""Notices that wait for their channels, alarms that last, and when a run is late.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa

from schedsync.store.migrations.steps import add_column, create_index, create_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID, REASON = sa.String(200), sa.String(1000)


def upgrade() -> None:
    """Add them."""
    add_column("schedsync_runs", sa.Column("late_at", sa.BigInteger))
    create_table(
        "schedsync_notices",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("run_id", sa.String(32)),
        sa.Column("scheduled_at", sa.BigInteger),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("reason", REASON),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.BigInteger),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("error", REASON),
        sa.PrimaryKeyConstraint("id", name="pk_schedsync_notices"),
    )
    create_index("ix_schedsync_notices_state", "schedsync_notices", ["state", "happened_at"])
    create_table(
        "schedsync_alarms",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("since_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "kind", name="pk_schedsync_alarms"),
    )
