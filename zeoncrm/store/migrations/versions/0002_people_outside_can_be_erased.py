"""People outside can be erased

Revision: 0002 (after 0001)
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from zeoncrm.store import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_numbers",
        sa.Column("fingerprint", types.Text(length=64), nullable=False),
        sa.Column("erased_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_erased_numbers")),
    )
    op.add_column("contacts", sa.Column("erased_at", types.UtcDateTime(), nullable=True))
    op.add_column("calls", sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()))
