"""Step 7, remembered devices: see ``storage/steps``."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """Until when an idle session's browser asks for one factor alone."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0006_policy")]
    operations: ClassVar[list[Operation]] = [
        Step(
            7,
            state_operations=[
                migrations.AddField(
                    "session", "remembered_until_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)
                ),
            ],
        ),
    ]
