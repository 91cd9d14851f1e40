"""The stand-alone server: settings from file and environment, keys, migrations, health, the dev mailbox.

The law of this folder: no rule about who may sign in; whatever is decided here is decided before the first request.
"""
