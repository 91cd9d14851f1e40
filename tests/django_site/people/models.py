"""The user model that a project had before Nightlatch came: integer keys, Django's columns, and one more."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser, Group, Permission
from django.db import models


class Person(AbstractUser):
    """A user as a project has them."""

    town = models.CharField(max_length=100, blank=True)
    groups = models.ManyToManyField(Group, related_name="+")
    user_permissions = models.ManyToManyField(Permission, related_name="+")

    class Meta:
        """Where Django finds it."""

        app_label = "people"
