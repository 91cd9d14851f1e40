"""Step 6, policy: see ``storage/steps``."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import nightlatch.django.fields
from nightlatch.django.climbing import Step


class Migration(migrations.Migration):
    """What policy asks of users, and what a reauthentication asks for."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0005_api_keys")]
    operations: ClassVar[list[Operation]] = [
        Step(
            6,
            state_operations=[
                migrations.AddField("user", "required_aal", models.BigIntegerField(blank=True, null=True)),
                migrations.AddField(
                    "user", "enrolment_asked_at", nightlatch.django.fields.UtcTimeField(blank=True, null=True)
                ),
                migrations.AddField(
                    "session", "enrol_by", nightlatch.django.fields.UtcTimeField(blank=True, null=True)
                ),
                migrations.AddField(
                    "attempt", "required_phishing_resistant", models.BooleanField(blank=True, null=True)
                ),
            ],
        ),
    ]
