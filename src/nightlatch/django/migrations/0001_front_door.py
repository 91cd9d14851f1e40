"""Step 1, front door: see ``storage/steps``. What Django is to know of it stands here, what is done stands there."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
import nightlatch.django.models
import nightlatch.records
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """Every table of the first release."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[Operation]] = [
        Step(
            1,
            state_operations=[
                migrations.CreateModel(
                    name="Lease",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("holder_id", models.UUIDField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_lease",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="User",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("status", nightlatch.django.fields.CodePointCharField(default="active", max_length=16)),
                        ("epoch", models.BigIntegerField(default=1)),
                        (
                            "username",
                            nightlatch.django.fields.ShownIdentifierField(blank=True, max_length=128, null=True),
                        ),
                        ("email", nightlatch.django.fields.ShownIdentifierField(blank=True, max_length=320, null=True)),
                        ("name", nightlatch.django.fields.CodePointCharField(blank=True, max_length=255, null=True)),
                        ("roles", nightlatch.django.fields.JsonTextField(default=tuple)),
                        (
                            "external_id",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=255, null=True),
                        ),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("updated_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_user",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="Attempt",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("selector", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("secret_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("purpose", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("status", nightlatch.django.fields.CodePointCharField(default="open", max_length=16)),
                        ("user_id", models.UUIDField(blank=True, null=True)),
                        ("epoch", models.BigIntegerField(blank=True, null=True)),
                        ("session_id", models.UUIDField(blank=True, null=True)),
                        ("device_id", models.UUIDField(blank=True, null=True)),
                        (
                            "identifier_kind",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=32, null=True),
                        ),
                        (
                            "identifier_key",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=320, null=True),
                        ),
                        ("sealed_claims", nightlatch.django.fields.BytesField(blank=True, null=True)),
                        ("proven", models.BooleanField(default=False)),
                        ("evidence", nightlatch.django.fields.JsonTextField(default=tuple)),
                        ("required_aal", models.BigIntegerField(default=1)),
                        ("sequence", nightlatch.django.fields.JsonTextField(default=tuple)),
                        ("step", nightlatch.django.fields.CodePointCharField(default="prove", max_length=16)),
                        ("codes_sent", models.BigIntegerField(default=0)),
                        ("deliver", nightlatch.django.fields.CodePointCharField(default="cookie", max_length=16)),
                        ("return_to", nightlatch.django.fields.CodePointTextField(blank=True, null=True)),
                        ("ip", nightlatch.django.fields.CodePointCharField(blank=True, max_length=64, null=True)),
                        (
                            "user_agent",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=400, null=True),
                        ),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_attempt",
                        "abstract": False,
                        "indexes": [
                            models.Index(fields=["expires_at"], name="nightlatch__expires_b2f0f7_idx"),
                            models.Index(fields=["user_id"], name="nightlatch__user_id_1a13b3_idx"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("selector",), name="uq_nightlatch_attempt_selector")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Authenticator",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("kind", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("name", nightlatch.django.fields.CodePointCharField(blank=True, max_length=255, null=True)),
                        ("lookup", nightlatch.django.fields.CodePointCharField(blank=True, max_length=512, null=True)),
                        (
                            "password_hash",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=512, null=True),
                        ),
                        ("stands_alone", models.BooleanField(default=True)),
                        ("must_change", models.BooleanField(default=False)),
                        ("sealed_secret", nightlatch.django.fields.BytesField(blank=True, null=True)),
                        ("public_key", nightlatch.django.fields.BytesField(blank=True, null=True)),
                        ("counter", models.BigIntegerField(default=0)),
                        ("failures", models.BigIntegerField(default=0)),
                        ("retry_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("details", nightlatch.django.fields.CodePointTextField(default="{}")),
                        ("confirmed_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("last_used_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="nightlatch.user",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "nightlatch_authenticator",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="Device",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("selector", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("secret_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("failures", models.BigIntegerField(default=0)),
                        (
                            "user_agent",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=400, null=True),
                        ),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("last_seen_at", nightlatch.django.fields.UtcTimeField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="nightlatch.user",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "nightlatch_device",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("at", nightlatch.django.fields.UtcTimeField()),
                        ("action", nightlatch.django.fields.CodePointCharField(max_length=64)),
                        ("outcome", nightlatch.django.fields.CodePointCharField(max_length=16)),
                        ("reason", nightlatch.django.fields.CodePointCharField(blank=True, max_length=255, null=True)),
                        ("user_id", models.UUIDField(blank=True, null=True)),
                        ("actor_id", models.UUIDField(blank=True, null=True)),
                        ("session_id", models.UUIDField(blank=True, null=True)),
                        ("attempt_id", models.UUIDField(blank=True, null=True)),
                        ("identifier_hash", nightlatch.django.fields.BytesField(blank=True, max_length=32, null=True)),
                        ("ip", nightlatch.django.fields.CodePointCharField(blank=True, max_length=64, null=True)),
                        (
                            "user_agent",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=400, null=True),
                        ),
                        (
                            "request_id",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=64, null=True),
                        ),
                        ("count", models.BigIntegerField(default=1)),
                        ("details", nightlatch.django.fields.CodePointTextField(default="{}")),
                        ("mac", nightlatch.django.fields.BytesField(blank=True, max_length=32, null=True)),
                        ("seal_id", models.UUIDField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "nightlatch_event",
                        "abstract": False,
                        "indexes": [
                            models.Index(fields=["user_id", "at"], name="nightlatch__user_id_e98eda_idx"),
                            models.Index(fields=["at"], name="nightlatch__at_833d16_idx"),
                            models.Index(fields=["action", "at"], name="nightlatch__action_1556f4_idx"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Identifier",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("kind", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("value", nightlatch.django.fields.CodePointCharField(max_length=320)),
                        ("key", nightlatch.django.fields.CodePointCharField(max_length=320)),
                        ("primary", models.BooleanField(default=False)),
                        ("proven_at", nightlatch.django.fields.UtcTimeField()),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="nightlatch.user",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "nightlatch_identifier",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="OneTimeSecret",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("purpose", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("user_id", models.UUIDField(blank=True, null=True)),
                        ("channel", nightlatch.django.fields.CodePointCharField(max_length=16)),
                        ("destination_key", nightlatch.django.fields.CodePointCharField(max_length=320)),
                        ("code_hash", nightlatch.django.fields.BytesField(blank=True, max_length=32, null=True)),
                        (
                            "link_selector",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=32, null=True),
                        ),
                        ("link_secret_hash", nightlatch.django.fields.BytesField(blank=True, max_length=32, null=True)),
                        ("tries", models.BigIntegerField(default=0)),
                        ("used_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                        (
                            "attempt",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="nightlatch.attempt",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "nightlatch_one_time_secret",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="OutboxMessage",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("channel", nightlatch.django.fields.CodePointCharField(max_length=16)),
                        ("template", nightlatch.django.fields.CodePointCharField(max_length=64)),
                        ("user_id", models.UUIDField(blank=True, null=True)),
                        ("recipient_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("sealed_body", nightlatch.django.fields.BytesField(blank=True, null=True)),
                        ("decoy", models.BooleanField(default=False)),
                        ("attempts", models.BigIntegerField(default=0)),
                        ("due_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("leased_until_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("lease_id", models.UUIDField(blank=True, null=True)),
                        (
                            "last_error",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=255, null=True),
                        ),
                        ("delivered_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("expires_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_outbox_message",
                        "abstract": False,
                        "indexes": [
                            models.Index(fields=["due_at"], name="nightlatch__due_at_745583_idx"),
                            models.Index(
                                fields=["recipient_hash", "created_at"], name="nightlatch__recipie_562f7a_idx"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SchemaStep",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("number", models.BigIntegerField()),
                        ("name", nightlatch.django.fields.CodePointCharField(max_length=255)),
                        ("tool", nightlatch.django.fields.CodePointCharField(max_length=16)),
                        ("done_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_schema_step",
                        "abstract": False,
                        "constraints": [
                            models.UniqueConstraint(fields=("number",), name="uq_nightlatch_schema_step_number")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Session",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("selector", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("secret_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("epoch", models.BigIntegerField()),
                        ("deliver", nightlatch.django.fields.CodePointCharField(default="cookie", max_length=16)),
                        ("aal", models.BigIntegerField()),
                        ("amr", nightlatch.django.fields.JsonTextField()),
                        ("evidence", nightlatch.django.fields.JsonTextField()),
                        ("phishing_resistant", models.BooleanField(default=False)),
                        ("authenticated_at", nightlatch.django.fields.UtcTimeField()),
                        ("binding", nightlatch.django.fields.JsonTextField(default=nightlatch.records.Binding)),
                        ("device_id", models.UUIDField(blank=True, null=True)),
                        ("ip", nightlatch.django.fields.CodePointCharField(blank=True, max_length=64, null=True)),
                        (
                            "user_agent",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=400, null=True),
                        ),
                        (
                            "username",
                            nightlatch.django.fields.CodePointCharField(blank=True, max_length=128, null=True),
                        ),
                        ("email", nightlatch.django.fields.CodePointCharField(blank=True, max_length=320, null=True)),
                        ("roles", nightlatch.django.fields.JsonTextField(default=tuple)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("last_seen_at", nightlatch.django.fields.UtcTimeField()),
                        ("idle_expires_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="nightlatch.user",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "nightlatch_session",
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="ThrottleCounter",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("count", models.BigIntegerField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_throttle_counter",
                        "abstract": False,
                        "indexes": [models.Index(fields=["expires_at"], name="nightlatch__expires_e4e647_idx")],
                    },
                ),
                migrations.CreateModel(
                    name="TokenFamily",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=nightlatch.django.models.new_id,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("selector", nightlatch.django.fields.CodePointCharField(max_length=32)),
                        ("user_id", models.UUIDField()),
                        ("epoch", models.BigIntegerField()),
                        ("secret_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("generation", models.BigIntegerField(default=0)),
                        ("binding", nightlatch.django.fields.JsonTextField(default=nightlatch.records.Binding)),
                        ("rotated_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("revoked_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField()),
                        (
                            "session",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="nightlatch.session",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "nightlatch_token_family",
                        "abstract": False,
                    },
                ),
                migrations.AddIndex(
                    model_name="user",
                    index=models.Index(fields=["created_at"], name="nightlatch__created_30cfb5_idx"),
                ),
                migrations.AddConstraint(
                    model_name="user",
                    constraint=models.UniqueConstraint(fields=("external_id",), name="uq_nightlatch_user_external_id"),
                ),
                migrations.AddIndex(
                    model_name="authenticator",
                    index=models.Index(fields=["user"], name="nightlatch__user_id_2d9e44_idx"),
                ),
                migrations.AddConstraint(
                    model_name="authenticator",
                    constraint=models.UniqueConstraint(fields=("lookup",), name="uq_nightlatch_authenticator_lookup"),
                ),
                migrations.AddIndex(
                    model_name="device",
                    index=models.Index(fields=["user"], name="nightlatch__user_id_81735f_idx"),
                ),
                migrations.AddIndex(
                    model_name="device",
                    index=models.Index(fields=["expires_at"], name="nightlatch__expires_62a37d_idx"),
                ),
                migrations.AddConstraint(
                    model_name="device",
                    constraint=models.UniqueConstraint(fields=("selector",), name="uq_nightlatch_device_selector"),
                ),
                migrations.AddIndex(
                    model_name="identifier",
                    index=models.Index(fields=["user"], name="nightlatch__user_id_5994cc_idx"),
                ),
                migrations.AddConstraint(
                    model_name="identifier",
                    constraint=models.UniqueConstraint(
                        fields=("kind", "key"), name="uq_nightlatch_identifier_kind_key"
                    ),
                ),
                migrations.AddIndex(
                    model_name="onetimesecret",
                    index=models.Index(fields=["attempt"], name="nightlatch__attempt_539ddc_idx"),
                ),
                migrations.AddIndex(
                    model_name="onetimesecret",
                    index=models.Index(fields=["expires_at"], name="nightlatch__expires_64e707_idx"),
                ),
                migrations.AddIndex(
                    model_name="onetimesecret",
                    index=models.Index(fields=["purpose", "destination_key"], name="nightlatch__purpose_f8035f_idx"),
                ),
                migrations.AddConstraint(
                    model_name="onetimesecret",
                    constraint=models.UniqueConstraint(
                        fields=("link_selector",), name="uq_nightlatch_one_time_secret_link_selector"
                    ),
                ),
                migrations.AddIndex(
                    model_name="session",
                    index=models.Index(fields=["user"], name="nightlatch__user_id_8c62de_idx"),
                ),
                migrations.AddIndex(
                    model_name="session",
                    index=models.Index(fields=["expires_at"], name="nightlatch__expires_c8b399_idx"),
                ),
                migrations.AddConstraint(
                    model_name="session",
                    constraint=models.UniqueConstraint(fields=("selector",), name="uq_nightlatch_session_selector"),
                ),
                migrations.AddIndex(
                    model_name="tokenfamily",
                    index=models.Index(fields=["session"], name="nightlatch__session_8ec1f4_idx"),
                ),
                migrations.AddIndex(
                    model_name="tokenfamily",
                    index=models.Index(fields=["user_id"], name="nightlatch__user_id_86c759_idx"),
                ),
                migrations.AddIndex(
                    model_name="tokenfamily",
                    index=models.Index(fields=["expires_at"], name="nightlatch__expires_aaf949_idx"),
                ),
                migrations.AddConstraint(
                    model_name="tokenfamily",
                    constraint=models.UniqueConstraint(
                        fields=("selector",), name="uq_nightlatch_token_family_selector"
                    ),
                ),
            ],
        ),
    ]
