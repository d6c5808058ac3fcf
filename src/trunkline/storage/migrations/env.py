"""Alembic's entry: runs the versions on the connection that ``upgrade`` has opened."""

from alembic import context

from trunkline.storage.schema import whole_schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=whole_schema(),
    # SQLite alters a column by building the table anew.
    render_as_batch=True,
    # Our SQLite connections begin their transactions themselves, so that DDL rolls back there too.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
