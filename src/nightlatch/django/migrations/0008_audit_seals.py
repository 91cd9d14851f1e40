"""Step 8, audit seals: see ``storage/steps``."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
import nightlatch.django.models
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """Signed roots over the audit events, and what each event needs to be proven once it was erased."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0007_remembered_devices")]
    operations: ClassVar[list[Operation]] = [
        Step(
            8,
            state_operations=[
                migrations.CreateModel(
                    name="Seal",
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
                        ("size", models.BigIntegerField()),
                        ("newest_at", nightlatch.django.fields.UtcTimeField()),
                        ("root_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("previous_hash", nightlatch.django.fields.BytesField(max_length=32)),
                        ("public_key", nightlatch.django.fields.BytesField()),
                        ("signature", nightlatch.django.fields.BytesField()),
                        ("leaves", nightlatch.django.fields.BytesField(blank=True, null=True)),
                        ("dropped_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("drop_mac", nightlatch.django.fields.BytesField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_seal",
                        "abstract": False,
                        "constraints": [
                            models.UniqueConstraint(fields=("number",), name="uq_nightlatch_seal_number"),
                        ],
                    },
                ),
                migrations.AddField("event", "number", models.BigIntegerField(blank=True, null=True)),
                migrations.AddField("event", "salt", nightlatch.django.fields.BytesField(blank=True, null=True)),
                migrations.AddField(
                    "event",
                    "personal_hash",
                    nightlatch.django.fields.BytesField(blank=True, max_length=32, null=True),
                ),
                migrations.AddIndex(
                    "event", models.Index(fields=["seal_id", "at"], name="nightlatch__seal_id_c79fdc_idx")
                ),
            ],
        ),
    ]
