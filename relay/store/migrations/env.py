"""What Alembic executes to upgrade a database: the connection comes from `store.migrating`."""

from alembic import context

from relay.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column; Alembic then makes a new table and copies.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
