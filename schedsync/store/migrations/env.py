"""Alembic's entry: runs on the connection that ``schedsync.store.migrate`` hands over."""

from alembic import context

from schedsync.store.migrate import VERSION_TABLE
from schedsync.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
