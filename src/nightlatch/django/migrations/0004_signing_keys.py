"""Step 4, signing keys: see ``storage/steps``."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
import nightlatch.django.models
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """The keys that sign access tokens."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0003_secret_keys")]
    operations: ClassVar[list[Operation]] = [
        Step(
            4,
            state_operations=[
                migrations.CreateModel(
                    name="SigningKey",
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
                        ("generation", models.BigIntegerField()),
                        ("kid", nightlatch.django.fields.CodePointCharField(max_length=64)),
                        ("algorithm", nightlatch.django.fields.CodePointCharField(max_length=16)),
                        ("sealed_private_key", nightlatch.django.fields.BytesField()),
                        ("public_jwk", nightlatch.django.fields.CodePointTextField()),
                        ("signs_from_at", nightlatch.django.fields.UtcTimeField()),
                        ("revoked_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)),
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_signing_key",
                        "abstract": False,
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("generation",), name="uq_nightlatch_signing_key_generation"
                            ),
                            models.UniqueConstraint(fields=("kid",), name="uq_nightlatch_signing_key_kid"),
                        ],
                    },
                ),
            ],
        ),
    ]
