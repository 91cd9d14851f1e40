"""Step 2, derived columns: see ``storage/steps``; and who is in which group, which is Django's alone."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models.expressions import RawSQL

from nightlatch.django.climbing import Step
from nightlatch.django.models import related_names

ADMIN = """replace(replace(roles, '["admin"', ''), ',"admin"', '')"""
STAFF = f"""replace(replace({ADMIN}, '["staff"', ''), ',"staff"', '')"""


def _computed(sql: str) -> models.GeneratedField:
    # As it was in this step, whatever the models say today.
    return models.GeneratedField(
        expression=RawSQL(sql, ()),  # noqa: S611 - ours
        output_field=models.BooleanField(),
        db_persist=True,
        null=True,
    )


class Migration(migrations.Migration):
    """What Django's own code looks for in a user."""

    # By no other name, so that a project may go without the migrations of auth (MIGRATION_MODULES).
    dependencies: ClassVar[list[tuple[str, str]]] = [("nightlatch", "0001_front_door"), ("auth", "__first__")]
    operations: ClassVar[list[Operation]] = [
        Step(
            2,
            state_operations=[
                migrations.AddField("user", "is_active", _computed("status = 'active'")),
                migrations.AddField("user", "is_staff", _computed(f"{STAFF} <> roles")),
                migrations.AddField("user", "is_superuser", _computed(f"{ADMIN} <> roles")),
            ],
        ),
        migrations.AddField(
            "user",
            "groups",
            models.ManyToManyField(blank=True, db_constraint=False, to="auth.group", **related_names()),
        ),
        migrations.AddField(
            "user",
            "user_permissions",
            models.ManyToManyField(blank=True, db_constraint=False, to="auth.permission", **related_names()),
        ),
    ]
