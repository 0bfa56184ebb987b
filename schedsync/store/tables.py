"""The tables. Names are at most 30 bytes and no reserved words of any database; hot rows carry no LOB."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from schedsync.store.types import Flag, Instant, ShortText, Upon

metadata = MetaData()

ID, DIGEST, PATH = 200, 64, 1000

jobs = Table(
    "schedsync_jobs",
    metadata,
    Column("id", String(ID), nullable=False),
    Column("next_fire_at", Instant),
    Column("anchor_at", Instant, nullable=False),
    Column("suspended", Flag, nullable=False),
    Column("stale", Flag, nullable=False),
    Column("prune_policy", String(16), nullable=False),
    Column("spec_digest", String(DIGEST), nullable=False),
    Column("schedule_digest", String(DIGEST), nullable=False),
    Column("source_file", String(PATH), nullable=False),
    Column("source_line", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("revision", ShortText(ID)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("follows", Upon, nullable=False),
    PrimaryKeyConstraint("id", name="pk_schedsync_jobs"),
    Index("ix_schedsync_jobs_next", "next_fire_at"),
)

specs = Table(
    "schedsync_specs",
    metadata,
    Column("job_id", String(ID), nullable=False),
    Column("spec_digest", String(DIGEST), nullable=False),
    Column("spec_text", Text, nullable=False),
    PrimaryKeyConstraint("job_id", name="pk_schedsync_specs"),
)

pauses = Table(
    "schedsync_pauses",
    metadata,
    Column("job_id", String(ID), nullable=False),
    Column("paused_by", ShortText(ID), nullable=False),
    Column("reason", ShortText(1000)),
    Column("since_at", Instant, nullable=False),
    Column("until_at", Instant),
    PrimaryKeyConstraint("job_id", name="pk_schedsync_pauses"),
)

runs = Table(
    "schedsync_runs",
    metadata,
    Column("id", String(32), nullable=False),
    Column("job_id", String(ID), nullable=False),
    Column("scheduled_at", Instant, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", ShortText(1000)),
    Column("due_at", Instant),
    Column("claimed_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("exit_code", Integer),
    Column("node", ShortText(ID)),
    Column("owner", ShortText(ID)),
    Column("pid", Integer),
    Column("token", BigInteger, nullable=False),
    Column("spec_digest", String(DIGEST), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("revision", ShortText(ID)),
    Column("asked_by", ShortText(ID)),
    Column("ask_reason", ShortText(1000)),
    Column("upstream_job_id", String(ID)),
    Column("upstream_run_id", String(32)),
    Column("upstream_state", String(16)),
    Column("late_at", Instant),
    PrimaryKeyConstraint("id", name="pk_schedsync_runs"),
    Unique("job_id", "scheduled_at", "attempt", name="uq_schedsync_runs_slot"),
    Index("ix_schedsync_runs_state", "state"),
    Index("ix_schedsync_runs_time", "scheduled_at", "id"),
    # A job's own history in its order; with the state, so that the newest run that was not skipped is found in it.
    Index("ix_schedsync_runs_job", "job_id", "scheduled_at", "id", "state"),
)

run_output = Table(
    "schedsync_run_output",
    metadata,
    Column("run_id", String(32), nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("dropped_bytes", BigInteger, nullable=False),
    Column("head_text", Text),
    Column("tail_text", Text),
    PrimaryKeyConstraint("run_id", name="pk_schedsync_run_output"),
)

syncs = Table(
    "schedsync_syncs",
    metadata,
    Column("id", String(32), nullable=False),
    Column("happened_at", Instant, nullable=False),
    Column("node", ShortText(ID)),
    Column("revision", ShortText(ID)),
    Column("complete", Flag, nullable=False),
    Column("summary_text", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_schedsync_syncs"),
)

audit = Table(
    "schedsync_audit",
    metadata,
    Column("id", String(32), nullable=False),
    Column("happened_at", Instant, nullable=False),
    Column("actor", ShortText(ID), nullable=False),
    Column("action", String(32), nullable=False),
    Column("job_id", ShortText(ID)),
    Column("reason", ShortText(1000)),
    PrimaryKeyConstraint("id", name="pk_schedsync_audit"),
)

notices = Table(
    "schedsync_notices",
    metadata,
    Column("id", String(32), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("event", String(16), nullable=False),
    Column("job_id", String(ID), nullable=False),
    Column("run_id", String(32)),
    Column("scheduled_at", Instant),
    Column("happened_at", Instant, nullable=False),
    Column("reason", ShortText(1000)),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Instant),
    Column("settled_at", Instant),
    Column("error", ShortText(1000)),
    PrimaryKeyConstraint("id", name="pk_schedsync_notices"),
    Index("ix_schedsync_notices_state", "state", "happened_at"),
)

alarms = Table(
    "schedsync_alarms",
    metadata,
    Column("job_id", String(ID), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("since_at", Instant, nullable=False),
    PrimaryKeyConstraint("job_id", "kind", name="pk_schedsync_alarms"),
)

tokens = Table(
    "schedsync_tokens",
    metadata,
    Column("id", String(32), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("digest", String(DIGEST), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", ShortText(ID), nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("id", name="pk_schedsync_tokens"),
)

leases = Table(
    "schedsync_leases",
    metadata,
    Column("name", String(255), nullable=False),
    Column("owner", String(ID), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, comment="epoch microseconds by the database's clock"),
    PrimaryKeyConstraint("name", name="pk_schedsync_leases"),
)

VIEWS = {
    "schedsync_jobs_v": (
        *("id", "next_fire_utc", "is_suspended", "is_stale"),
        *("paused_by", "pause_reason", "paused_since_utc", "paused_until_utc"),
        *("source_file", "source_line", "prune_policy", "generation", "revision", "created_utc", "updated_utc"),
    ),
    "schedsync_runs_v": (
        *("id", "job_id", "scheduled_utc", "attempt", "cause", "state", "reason"),
        *("due_utc", "claimed_utc", "started_utc", "finished_utc", "run_seconds"),
        *("exit_code", "node", "owner", "pid", "generation", "revision"),
        *("asked_by", "ask_reason", "upstream_job_id", "upstream_run_id", "upstream_state"),
    ),
}
"""View -> columns; for people, who read instants as timestamps. The program does not use them."""
