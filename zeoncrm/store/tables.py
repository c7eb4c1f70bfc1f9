"""The tables. Times are UTC; amounts are exact; numbers are E.164 with the raw text beside them."""

from __future__ import annotations

import sqlalchemy as sa

from zeoncrm.store.types import Id, Money, Text, UtcDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = True, ondelete: str = "SET NULL") -> sa.Column[int]:
    return sa.Column(name, Id, sa.ForeignKey(target, ondelete=ondelete), nullable=nullable)


people = sa.Table(
    "people",
    metadata,
    _id(),
    sa.Column("login", Text(64), nullable=False, unique=True),
    sa.Column("name", Text(200), nullable=False),
    sa.Column("role", Text(16), nullable=False),
    sa.Column("password_hash", Text(255)),
    sa.Column("language", Text(8)),
    sa.Column("active", sa.Boolean, nullable=False, default=True),
    sa.Column("away", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# `pbx` is empty for an extension that is the person's on every PBX.
extensions = sa.Table(
    "extensions",
    metadata,
    _id(),
    _ref("person_id", "people.id", nullable=False, ondelete="CASCADE"),
    sa.Column("pbx", Text(64), nullable=False, default=""),
    sa.Column("number", Text(20), nullable=False),
    sa.UniqueConstraint("pbx", "number"),
)

outside_numbers = sa.Table(
    "outside_numbers",
    metadata,
    _id(),
    _ref("person_id", "people.id", nullable=False, ondelete="CASCADE"),
    sa.Column("number", Text(20), nullable=False, unique=True),
    sa.Column("raw", Text(64), nullable=False),
)

# The key is kept as a hash only: whoever reads the table can't log in with it.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("key_hash", Text(64), primary_key=True),
    _ref("person_id", "people.id", ondelete="CASCADE"),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("address", Text(64)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Index("ix_sessions_person", "person_id"),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    _id(),
    _ref("person_id", "people.id", nullable=False, ondelete="CASCADE"),
    sa.Column("token_hash", Text(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
)

companies = sa.Table(
    "companies",
    metadata,
    _id(),
    sa.Column("name", Text(200), nullable=False),
    sa.Column("search", Text(400), nullable=False, default=""),
    _ref("owner_id", "people.id"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Index("ix_companies_search", "search"),
)

# `search`: the name and the numbers' digits, case-folded (SQLite folds the case of ASCII only). `erased_at`: nothing is
# left of the person but the row, so that no other gets its id.
contacts = sa.Table(
    "contacts",
    metadata,
    _id(),
    sa.Column("name", Text(200), nullable=False),
    sa.Column("search", Text(600), nullable=False, default=""),
    _ref("owner_id", "people.id"),
    _ref("company_id", "companies.id"),
    sa.Column("vip", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("erased_at", UtcDateTime),
    sa.Index("ix_contacts_owner", "owner_id", "id"),
    sa.Index("ix_contacts_company", "company_id"),
)

# A number may be shared by several contacts; `callers` says whose call it is.
phones = sa.Table(
    "phones",
    metadata,
    _id(),
    _ref("contact_id", "contacts.id", nullable=False, ondelete="CASCADE"),
    sa.Column("number", Text(20)),
    sa.Column("raw", Text(64), nullable=False),
    sa.Column("label", Text(40), nullable=False, default=""),
    sa.UniqueConstraint("contact_id", "number"),
    sa.Index("ix_phones_number", "number"),
)

# One contact a calling number: what makes two calls of one stranger one contact, whatever runs at once.
callers = sa.Table(
    "callers",
    metadata,
    sa.Column("number", Text(20), primary_key=True),
    _ref("contact_id", "contacts.id", nullable=False, ondelete="CASCADE"),
    sa.Index("ix_callers_contact", "contact_id"),
)

# Numbers of people who were erased, as fingerprints: calls of before that, which records tell of later, stay nobody's.
erased_numbers = sa.Table(
    "erased_numbers",
    metadata,
    sa.Column("fingerprint", Text(64), primary_key=True),
    sa.Column("erased_at", UtcDateTime, nullable=False),
)

pipelines = sa.Table(
    "pipelines",
    metadata,
    _id(),
    sa.Column("name", Text(100), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
)

stages = sa.Table(
    "stages",
    metadata,
    _id(),
    _ref("pipeline_id", "pipelines.id", nullable=False, ondelete="CASCADE"),
    sa.Column("name", Text(100), nullable=False),
    sa.Column("kind", Text(16), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("ix_stages_pipeline", "pipeline_id", "position"),
)

# `call_contact_id` is set while a deal that a call made is open: at most one such deal a contact.
deals = sa.Table(
    "deals",
    metadata,
    _id(),
    sa.Column("title", Text(200), nullable=False),
    sa.Column("search", Text(600), nullable=False, default=""),
    sa.Column("type", Text(64)),
    _ref("pipeline_id", "pipelines.id", nullable=False, ondelete="RESTRICT"),
    _ref("stage_id", "stages.id", nullable=False, ondelete="RESTRICT"),
    _ref("owner_id", "people.id"),
    _ref("contact_id", "contacts.id"),
    _ref("company_id", "companies.id"),
    sa.Column("amount", Money),
    sa.Column("currency", Text(3), nullable=False),
    sa.Column("source", Text(64)),
    sa.Column("priority", Text(16), nullable=False, default="normal"),
    sa.Column("next_step", Text(200)),
    sa.Column("next_step_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("stage_entered_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("call_contact_id", Id, unique=True),
    sa.Index("ix_deals_column", "stage_id", "stage_entered_at", "id"),
    sa.Index("ix_deals_owner", "owner_id", "id"),
    sa.Index("ix_deals_owner_column", "owner_id", "stage_id", "stage_entered_at", "id"),
    sa.Index("ix_deals_contact", "contact_id", "closed_at"),
    sa.Index("ix_deals_company", "company_id"),
)

# Counts and sums of the board's columns, kept in step with `deals` in the same transaction, so that a board of
# 100,000 deals opens as fast as one of 1,000. `owner_id` 0: nobody's.
stage_totals = sa.Table(
    "stage_totals",
    metadata,
    _ref("stage_id", "stages.id", nullable=False, ondelete="CASCADE"),
    sa.Column("owner_id", Id, nullable=False),
    sa.Column("currency", Text(3), nullable=False),
    sa.Column("deals", sa.Integer, nullable=False, default=0),
    sa.Column("amount", Money, nullable=False, default=0),
    sa.PrimaryKeyConstraint("stage_id", "owner_id", "currency"),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", Text(26), primary_key=True),
    sa.Column("pbx", Text(64), nullable=False),
    sa.Column("direction", Text(16), nullable=False),
    sa.Column("number", Text(20)),
    sa.Column("number_raw", Text(128)),
    sa.Column("caller_name", Text(200)),
    sa.Column("did", Text(80)),
    sa.Column("queue", Text(80)),
    sa.Column("state", Text(16), nullable=False),
    sa.Column("result", Text(16)),
    sa.Column("answered_by", Text(20)),
    sa.Column("last_extension", Text(20)),
    sa.Column("answered_outside", Text(128)),
    sa.Column("reached", Text(16)),
    sa.Column("progress", Text(16)),
    # What the rules for incoming calls made of it: `ignored` or `blocked`; and the name of the rule that it fell under.
    sa.Column("screened", Text(16)),
    sa.Column("rule", Text(100)),
    _ref("contact_id", "contacts.id"),
    _ref("deal_id", "deals.id"),
    _ref("owner_id", "people.id"),
    _ref("requested_by", "people.id"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("source", Text(16), nullable=False),
    sa.Column("partly_heard", sa.Boolean, nullable=False, default=False),
    # Whose call it was has been erased: number and name are gone, and nothing is to bring them back.
    sa.Column("erased", sa.Boolean, nullable=False, default=False),
    sa.Index("ix_calls_number", "number", "id"),
    sa.Index("ix_calls_number_raw", "number_raw", "id"),
    sa.Index("ix_calls_contact", "contact_id", "id"),
    sa.Index("ix_calls_deal", "deal_id", "id"),
    sa.Index("ix_calls_owner", "owner_id", "id"),
    sa.Index("ix_calls_requested_by", "requested_by", "id"),
    sa.Index(
        "ix_calls_missed",
        "id",
        sqlite_where=sa.text("result = 'missed'"),
        postgresql_where=sa.text("result = 'missed'"),
    ),
    sa.Index(
        "ix_calls_open", "id", sqlite_where=sa.text("state <> 'ended'"), postgresql_where=sa.text("state <> 'ended'")
    ),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("call_id", Text(26), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    sa.Column("extension", Text(20), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    _ref("person_id", "people.id"),
    sa.Column("rang_at", UtcDateTime),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("left_at", UtcDateTime),
    sa.Column("outcome", Text(24)),
    sa.Column("rings", sa.Integer, nullable=False, default=0),
    sa.PrimaryKeyConstraint("call_id", "extension"),
    sa.Index("ix_legs_person", "person_id", "call_id"),
)

call_aliases = sa.Table(
    "call_aliases",
    metadata,
    sa.Column("pbx", Text(64), nullable=False),
    sa.Column("linkedid", Text(150), nullable=False),
    sa.Column("call_id", Text(26), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    sa.PrimaryKeyConstraint("pbx", "linkedid"),
    sa.Index("ix_call_aliases_call", "call_id"),
)

# Files in which the PBX recorded calls. `file`: as the PBX or its call record names it; `name`: the last part of that,
# by which the same file is known however it is named; `path`: where it lies below the configured folder, once found.
# `state`: expected (not found, or still written), ready, expired (older than it may be listened to), erased (with whom
# it is of), deleted, lost.
recordings = sa.Table(
    "recordings",
    metadata,
    _id(),
    sa.Column("call_id", Text(26), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", Text(255), nullable=False),
    sa.Column("file", Text(1000), nullable=False),
    sa.Column("path", Text(1000)),
    sa.Column("state", Text(16), nullable=False, default="expected"),
    sa.Column("seconds", sa.Integer),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("call_id", "name"),
    sa.Index("ix_recordings_state", "state", "at"),
)

# Who listened to a recording, and when. `kind`: played or downloaded.
recording_accesses = sa.Table(
    "recording_accesses",
    metadata,
    _id(),
    _ref("recording_id", "recordings.id", nullable=False, ondelete="CASCADE"),
    _ref("person_id", "people.id"),
    sa.Column("kind", Text(16), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_recording_accesses_recording", "recording_id", "at"),
)

# How far each PBX's call records have been read: `mark` is the source's own, and written with what came of them.
cdr_marks = sa.Table(
    "cdr_marks",
    metadata,
    sa.Column("pbx", Text(64), primary_key=True),
    sa.Column("mark", sa.JSON, nullable=False),
)

# What happened to a deal or a contact. `kind`: note, call, created, moved, changed.
timeline = sa.Table(
    "timeline",
    metadata,
    _id(),
    sa.Column("kind", Text(16), nullable=False),
    _ref("contact_id", "contacts.id", ondelete="CASCADE"),
    _ref("deal_id", "deals.id", ondelete="CASCADE"),
    sa.Column("call_id", Text(26), sa.ForeignKey("calls.id", ondelete="CASCADE")),
    _ref("author_id", "people.id"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("text", Text),
    sa.Column("data", sa.JSON),
    sa.Index("ix_timeline_contact", "contact_id", "at", "id"),
    sa.Index("ix_timeline_deal", "deal_id", "at", "id"),
    sa.Index("ix_timeline_call", "call_id", "kind"),
)

# Rules for incoming calls, tried in the order of `position`. Times of day are minutes since midnight, days are ISO's
# (1: Monday). What is empty asks for nothing; `create_deals` empty: as the settings of calls have it.
incoming_rules = sa.Table(
    "incoming_rules",
    metadata,
    _id(),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", Text(100), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, default=True),
    sa.Column("dids", sa.JSON, nullable=False),
    sa.Column("queues", sa.JSON, nullable=False),
    sa.Column("weekdays", sa.JSON, nullable=False),
    sa.Column("begins", sa.Integer),
    sa.Column("ends", sa.Integer),
    sa.Column("callers", Text(16), nullable=False),
    _ref("pipeline_id", "pipelines.id"),
    sa.Column("source", Text(64)),
    sa.Column("create_deals", Text(16)),
    sa.Column("missed_owner", Text(16), nullable=False),
    _ref("person_id", "people.id"),
)

# Whose turn it is among the people of a rule: theirs whose last turn is longest ago. 0: had none yet.
incoming_rule_people = sa.Table(
    "incoming_rule_people",
    metadata,
    _ref("rule_id", "incoming_rules.id", nullable=False, ondelete="CASCADE"),
    _ref("person_id", "people.id", nullable=False, ondelete="CASCADE"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("last_turn", sa.BigInteger, nullable=False, default=0),
    sa.PrimaryKeyConstraint("rule_id", "person_id"),
)

# Numbers whose calls are nobody's work. `pattern`: E.164 or bare digits, with a `*` at the end for all that begin so.
listed_numbers = sa.Table(
    "listed_numbers",
    metadata,
    _id(),
    sa.Column("pattern", Text(24), nullable=False, unique=True),
    sa.Column("listing", Text(16), nullable=False),
    sa.Column("note", Text(200), nullable=False, default=""),
    _ref("added_by", "people.id"),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", Text(64), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)
