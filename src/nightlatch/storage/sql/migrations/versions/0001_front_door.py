"""Step 1, front door: every table of the first release, as it was then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nightlatch.storage.sql.migrations.steps import begin_step, end_step
from nightlatch.storage.sql.tables import CodePointText, UtcTime, blob

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HASH = blob(32)
BLOB = blob()


def upgrade() -> None:
    """Make the tables."""
    if not begin_step(1):
        return
    _create_users()
    _create_attempts()
    _create_sessions()
    _create_journals()
    end_step(1, "front door")


def _create_users() -> None:
    op.create_table(
        "nightlatch_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", CodePointText(16), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("username", CodePointText(128), nullable=True),
        sa.Column("email", CodePointText(320), nullable=True),
        sa.Column("name", CodePointText(255), nullable=True),
        sa.Column("roles", CodePointText(), nullable=False),
        sa.Column("external_id", CodePointText(255), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.UniqueConstraint("external_id", name="uq_nightlatch_user_external_id"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_user"),
    )
    op.create_index("ix_nightlatch_user_created_at", "nightlatch_user", ["created_at"])
    op.create_table(
        "nightlatch_identifier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", CodePointText(32), nullable=False),
        sa.Column("value", CodePointText(320), nullable=False),
        sa.Column("key", CodePointText(320), nullable=False),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("proven_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["nightlatch_user.id"], name="fk_nightlatch_identifier_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("kind", "key", name="uq_nightlatch_identifier_kind_key"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_identifier"),
    )
    op.create_index("ix_nightlatch_identifier_user_id", "nightlatch_identifier", ["user_id"])
    op.create_table(
        "nightlatch_authenticator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", CodePointText(32), nullable=False),
        sa.Column("name", CodePointText(255), nullable=True),
        sa.Column("lookup", CodePointText(512), nullable=True),
        sa.Column("password_hash", CodePointText(512), nullable=True),
        sa.Column("stands_alone", sa.Boolean(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("sealed_secret", BLOB, nullable=True),
        sa.Column("public_key", BLOB, nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", UtcTime(), nullable=True),
        sa.Column("details", CodePointText(), nullable=False),
        sa.Column("confirmed_at", UtcTime(), nullable=True),
        sa.Column("last_used_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["nightlatch_user.id"], name="fk_nightlatch_authenticator_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("lookup", name="uq_nightlatch_authenticator_lookup"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_authenticator"),
    )
    op.create_index("ix_nightlatch_authenticator_user_id", "nightlatch_authenticator", ["user_id"])
    op.create_table(
        "nightlatch_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("selector", CodePointText(32), nullable=False),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("user_agent", CodePointText(400), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_seen_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["nightlatch_user.id"], name="fk_nightlatch_device_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("selector", name="uq_nightlatch_device_selector"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_device"),
    )
    op.create_index("ix_nightlatch_device_user_id", "nightlatch_device", ["user_id"])
    op.create_index("ix_nightlatch_device_expires_at", "nightlatch_device", ["expires_at"])


def _create_attempts() -> None:
    op.create_table(
        "nightlatch_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("selector", CodePointText(32), nullable=False),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("purpose", CodePointText(32), nullable=False),
        sa.Column("status", CodePointText(16), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("identifier_kind", CodePointText(32), nullable=True),
        sa.Column("identifier_key", CodePointText(320), nullable=True),
        sa.Column("sealed_claims", BLOB, nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("evidence", CodePointText(), nullable=False),
        sa.Column("required_aal", sa.BigInteger(), nullable=False),
        sa.Column("sequence", CodePointText(), nullable=False),
        sa.Column("step", CodePointText(16), nullable=False),
        sa.Column("codes_sent", sa.BigInteger(), nullable=False),
        sa.Column("deliver", CodePointText(16), nullable=False),
        sa.Column("return_to", CodePointText(), nullable=True),
        sa.Column("ip", CodePointText(64), nullable=True),
        sa.Column("user_agent", CodePointText(400), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.UniqueConstraint("selector", name="uq_nightlatch_attempt_selector"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_attempt"),
    )
    op.create_index("ix_nightlatch_attempt_expires_at", "nightlatch_attempt", ["expires_at"])
    op.create_index("ix_nightlatch_attempt_user_id", "nightlatch_attempt", ["user_id"])
    op.create_table(
        "nightlatch_one_time_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", CodePointText(32), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("channel", CodePointText(16), nullable=False),
        sa.Column("destination_key", CodePointText(320), nullable=False),
        sa.Column("code_hash", HASH, nullable=True),
        sa.Column("link_selector", CodePointText(32), nullable=True),
        sa.Column("link_secret_hash", HASH, nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["nightlatch_attempt.id"],
            name="fk_nightlatch_one_time_secret_attempt_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("link_selector", name="uq_nightlatch_one_time_secret_link_selector"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_one_time_secret"),
    )
    op.create_index("ix_nightlatch_one_time_secret_attempt_id", "nightlatch_one_time_secret", ["attempt_id"])
    op.create_index("ix_nightlatch_one_time_secret_expires_at", "nightlatch_one_time_secret", ["expires_at"])
    op.create_index(
        "ix_nightlatch_one_time_secret_purpose_destination_key",
        "nightlatch_one_time_secret",
        ["purpose", "destination_key"],
    )
    op.create_table(
        "nightlatch_throttle_counter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_throttle_counter"),
    )
    op.create_index("ix_nightlatch_throttle_counter_expires_at", "nightlatch_throttle_counter", ["expires_at"])


def _create_sessions() -> None:
    op.create_table(
        "nightlatch_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("selector", CodePointText(32), nullable=False),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("deliver", CodePointText(16), nullable=False),
        sa.Column("aal", sa.BigInteger(), nullable=False),
        sa.Column("amr", CodePointText(), nullable=False),
        sa.Column("evidence", CodePointText(), nullable=False),
        sa.Column("phishing_resistant", sa.Boolean(), nullable=False),
        sa.Column("authenticated_at", UtcTime(), nullable=False),
        sa.Column("binding", CodePointText(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("ip", CodePointText(64), nullable=True),
        sa.Column("user_agent", CodePointText(400), nullable=True),
        sa.Column("username", CodePointText(128), nullable=True),
        sa.Column("email", CodePointText(320), nullable=True),
        sa.Column("roles", CodePointText(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_seen_at", UtcTime(), nullable=False),
        sa.Column("idle_expires_at", UtcTime(), nullable=True),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["nightlatch_user.id"], name="fk_nightlatch_session_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("selector", name="uq_nightlatch_session_selector"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_session"),
    )
    op.create_index("ix_nightlatch_session_user_id", "nightlatch_session", ["user_id"])
    op.create_index("ix_nightlatch_session_expires_at", "nightlatch_session", ["expires_at"])
    op.create_table(
        "nightlatch_token_family",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("selector", CodePointText(32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("binding", CodePointText(), nullable=False),
        sa.Column("rotated_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["nightlatch_session.id"], name="fk_nightlatch_token_family_session_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("selector", name="uq_nightlatch_token_family_selector"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_token_family"),
    )
    op.create_index("ix_nightlatch_token_family_session_id", "nightlatch_token_family", ["session_id"])
    op.create_index("ix_nightlatch_token_family_user_id", "nightlatch_token_family", ["user_id"])
    op.create_index("ix_nightlatch_token_family_expires_at", "nightlatch_token_family", ["expires_at"])


def _create_journals() -> None:
    op.create_table(
        "nightlatch_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("action", CodePointText(64), nullable=False),
        sa.Column("outcome", CodePointText(16), nullable=False),
        sa.Column("reason", CodePointText(255), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("identifier_hash", HASH, nullable=True),
        sa.Column("ip", CodePointText(64), nullable=True),
        sa.Column("user_agent", CodePointText(400), nullable=True),
        sa.Column("request_id", CodePointText(64), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("details", CodePointText(), nullable=False),
        sa.Column("mac", HASH, nullable=True),
        sa.Column("seal_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_event"),
    )
    op.create_index("ix_nightlatch_event_user_id_at", "nightlatch_event", ["user_id", "at"])
    op.create_index("ix_nightlatch_event_at", "nightlatch_event", ["at"])
    op.create_index("ix_nightlatch_event_action_at", "nightlatch_event", ["action", "at"])
    op.create_table(
        "nightlatch_outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", CodePointText(16), nullable=False),
        sa.Column("template", CodePointText(64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_hash", HASH, nullable=False),
        sa.Column("sealed_body", BLOB, nullable=True),
        sa.Column("decoy", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("leased_until_at", UtcTime(), nullable=True),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.Column("last_error", CodePointText(255), nullable=True),
        sa.Column("delivered_at", UtcTime(), nullable=True),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_outbox_message"),
    )
    op.create_index("ix_nightlatch_outbox_message_due_at", "nightlatch_outbox_message", ["due_at"])
    op.create_index(
        "ix_nightlatch_outbox_message_recipient_hash_created_at",
        "nightlatch_outbox_message",
        ["recipient_hash", "created_at"],
    )
    op.create_table(
        "nightlatch_lease",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_lease"),
    )
    op.create_table(
        "nightlatch_schema_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", CodePointText(255), nullable=False),
        sa.Column("tool", CodePointText(16), nullable=False),
        sa.Column("done_at", UtcTime(), nullable=False),
        sa.UniqueConstraint("number", name="uq_nightlatch_schema_step_number"),
        sa.PrimaryKeyConstraint("id", name="pk_nightlatch_schema_step"),
    )
