"""Alembic's entry: runs on the connection that ``schedsync.store.migrate`` hands over, or into a list of statements."""

from alembic import context

from schedsync.store.tables import metadata
from schedsync.store.versions import VERSION_TABLE

_given = context.config.attributes
context.configure(
    connection=_given.get("connection"),
    dialect_name=_given.get("dialect_name"),
    output_buffer=_given.get("output"),
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
if "furnish" in _given:
    _given["furnish"](context.get_context().dialect)
with context.begin_transaction():
    context.run_migrations()
