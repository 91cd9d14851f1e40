"""Nightlatch in Django: ``INSTALLED_APPS = [..., "nightlatch.django"]``.

The law of this folder: nothing here, nor what it imports, needs SQLAlchemy or Alembic. The store (``store``,
``statements``, ``fields``, ``schema``, ``climbing``) goes by the rule of ``storage/``: it sees errors, records, ports,
the codec, the steps, and Django.
"""
