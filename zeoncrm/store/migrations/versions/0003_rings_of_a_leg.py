"""How often a leg rang

Revision: 0003 (after 0002)
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("legs", sa.Column("rings", sa.Integer(), nullable=False, server_default="0"))
    # Of earlier calls it is only known whether they rang.
    legs = sa.table("legs", sa.column("rings", sa.Integer()), sa.column("rang_at", sa.DateTime()))
    op.execute(legs.update().where(legs.c.rang_at.is_not(None)).values(rings=1))
