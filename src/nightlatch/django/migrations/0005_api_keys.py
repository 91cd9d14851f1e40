"""Step 5, api keys: see ``storage/steps``."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
import nightlatch.django.models
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """Keys by which programs act for their owners."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0004_signing_keys")]
    operations: ClassVar[list[Operation]] = [
        Step(
            5,
            state_operations=[
                migrations.CreateModel(
                    name="ApiKey",
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
                        ("name", nightlatch.django.fields.CodePointCharField(max_length=255)),
                        ("scopes", nightlatch.django.fields.JsonTextField(default=tuple)),
                        ("last_used_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                        ("expires_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
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
                        "db_table": "nightlatch_api_key",
                        "abstract": False,
                        "indexes": [
                            models.Index(fields=["user"], name="nightlatch__user_id_1c7e4d_idx"),
                            models.Index(fields=["expires_at"], name="nightlatch__expires_338a13_idx"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("selector",), name="uq_nightlatch_api_key_selector")
                        ],
                    },
                ),
            ],
        ),
    ]
