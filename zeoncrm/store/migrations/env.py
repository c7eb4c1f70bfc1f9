"""Alembic's entry: the connection is always handed in by `store.schema`, so there is no URL and no offline mode."""

from __future__ import annotations

from alembic import context

from zeoncrm.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # Migrations import our column types by name (see script.py.mako).
    user_module_prefix="types.",
)
context.run_migrations()
