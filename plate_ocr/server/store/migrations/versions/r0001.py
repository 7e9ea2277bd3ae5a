"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "camera",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera")),
        sa.UniqueConstraint("name", name=op.f("uq_camera_name")),
    )
    op.create_table(
        "channel",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("name", name=op.f("uq_channel_name")),
    )
    op.create_table(
        "plate",
        sa.Column("id", _ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate")),
        sa.UniqueConstraint("text", name=op.f("uq_plate_text")),
    )
    op.create_table(
        "plate_list",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tolerance", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("cameras", sa.JSON(), nullable=False),
        sa.Column("cooldown", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_list")),
        sa.UniqueConstraint("name", name=op.f("uq_plate_list_name")),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "list_entry",
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["plate_list.id"], name=op.f("fk_list_entry_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "pattern", name=op.f("pk_list_entry")),
    )
    op.create_table(
        "plate_tag",
        sa.Column("plate_id", _ID, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plate_id"], ["plate.id"], name=op.f("fk_plate_tag_plate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plate_id", "tag", name=op.f("pk_plate_tag")),
    )
    op.create_table(
        "sighting",
        sa.Column("id", _ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("plate_id", _ID, nullable=False),
        sa.Column("camera_id", _ID, nullable=True),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=False),
        sa.Column("best", sa.Double(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("min_confidence", sa.Double(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("direction", sa.Double(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("crop", sa.Text(), nullable=True),
        sa.Column("scene", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("corrected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ignored", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_sighting_camera_id")),
        sa.ForeignKeyConstraint(["plate_id"], ["plate.id"], name=op.f("fk_sighting_plate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        sa.UniqueConstraint("uuid", name=op.f("uq_sighting_uuid")),
    )
    op.create_index(
        op.f("ix_sighting_camera_id_started_id"), "sighting", ["camera_id", "started", "id"], unique=False
    )
    op.create_index(
        "ix_sighting_corrected",
        "sighting",
        ["started", "id"],
        unique=False,
        sqlite_where=sa.text("corrected IS 1"),
        postgresql_where=sa.text("corrected IS true"),
    )
    op.create_index(
        "ix_sighting_ignored",
        "sighting",
        ["started", "id"],
        unique=False,
        sqlite_where=sa.text("ignored IS 1"),
        postgresql_where=sa.text("ignored IS true"),
    )
    op.create_index(
        op.f("ix_sighting_plate_id_started_id"), "sighting", ["plate_id", "started", "id"], unique=False
    )
    op.create_index(op.f("ix_sighting_started_id"), "sighting", ["started", "id"], unique=False)
    op.create_table(
        "correction",
        sa.Column("id", _ID, nullable=False),
        sa.Column("sighting_id", _ID, nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sighting.id"], name=op.f("fk_correction_sighting_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index(op.f("ix_correction_sighting_id"), "correction", ["sighting_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("sighting_id", _ID, nullable=True),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_delivery_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sighting.id"], name=op.f("fk_delivery_sighting_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("uuid", name=op.f("uq_delivery_uuid")),
    )
    op.create_index(
        op.f("ix_delivery_channel_id_state_id"), "delivery", ["channel_id", "state", "id"], unique=False
    )
    op.create_index(op.f("ix_delivery_sighting_id"), "delivery", ["sighting_id"], unique=False)
    op.create_table(
        "list_match",
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("sighting_id", _ID, nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("alerted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["plate_list.id"], name=op.f("fk_list_match_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sighting.id"], name=op.f("fk_list_match_sighting_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "sighting_id", name=op.f("pk_list_match")),
    )
    op.create_index(
        op.f("ix_list_match_list_id_pattern_at"), "list_match", ["list_id", "pattern", "at"], unique=False
    )
    op.create_index(op.f("ix_list_match_sighting_id"), "list_match", ["sighting_id"], unique=False)
