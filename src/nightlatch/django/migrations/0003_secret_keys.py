"""Step 3, secret keys: see ``storage/steps``."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
import nightlatch.django.models
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """Which secret keys are in use."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0002_derived_columns")]
    operations: ClassVar[list[Operation]] = [
        Step(
            3,
            state_operations=[
                migrations.CreateModel(
                    name="SecretKey",
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
                        ("created_at", nightlatch.django.fields.UtcTimeField()),
                    ],
                    options={
                        "db_table": "nightlatch_secret_key",
                        "abstract": False,
                        "constraints": [],
                        "indexes": [models.Index(fields=["created_at"], name="nightlatch__created_dd3355_idx")],
                    },
                )
            ],
        )
    ]
