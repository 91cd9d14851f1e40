"""``nightlatch``: the stand-alone server and its commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.application import site_of
from nightlatch.cli.commands import add_commands, core_for_command
from nightlatch.cli.output import plain_errors
from nightlatch.cli.production import Finding, server_findings
from nightlatch.cli.sql import migrate_command, schema_findings
from nightlatch.errors import ConfigurationError

__all__ = ["command"]


@click.group(help="Authentication for Python web applications, as a server of its own.")
@click.version_option(package_name="nightlatch")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="NIGHTLATCH_CONFIG",
    help="Settings, in TOML. NIGHTLATCH_* variables win over it.",
)
@click.option("--app", help="Of a FastAPI or Starlette application instead: module:name, its settings and its users.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of database and keys.")
@click.pass_context
def command(context: click.Context, config: Path | None, data: Path | None, app: str | None) -> None:
    """Keep what every command needs."""
    if app is not None and (config is not None or data is not None):
        raise click.UsageError("--app has settings of its own: leave --config and --data out.")
    if app is not None and context.invoked_subcommand in {"serve", "init"}:
        raise click.UsageError(f"{context.invoked_subcommand} is for the stand-alone server: leave --app out.")
    context.obj = {"config": config, "data": data, "app": app}


def _load() -> Nightlatch:
    from nightlatch.server.app import build
    from nightlatch.server.config import load
    from nightlatch.server.run import last_port
    from nightlatch.storage.sql.schema import verify_schema

    context = click.get_current_context()
    told = context.find_root().obj
    if told["app"] is not None:
        site = site_of(told["app"])
        context.call_on_close(site.close)
        return core_for_command(site)
    given = {"data": str(told["data"]) if told["data"] else None}
    config = load(told["config"], given=given)
    if config.settings.development:
        # The address of a development server is its port's: links are for the one that was started last.
        config = load(told["config"], given={**given, "port": last_port(config)})
    told["server"] = config
    auth = build(config)
    context.call_on_close(auth.close)
    if context.info_name not in _MENDERS:
        verify_schema(config.database_url)
        auth.see_keys()
    return auth


_MENDERS = {"migrate", "doctor"}
"""They tell, and mend, what is wrong with a schema; every other command needs one that fits."""


def _serving() -> Iterator[Finding]:
    """Tell the doctor how the stand-alone server runs; nothing where a host's application was named."""
    config = click.get_current_context().find_root().obj.get("server")
    if config is not None:
        yield from server_findings(config)


add_commands(command, _load, schema_findings, _serving)
command.add_command(migrate_command(_load))


@command.command("serve", help="Run the server until it is stopped.")
@click.option("--port", type=click.IntRange(1, 65535), help="To listen on.  [8000]")
@click.option("--bind", help="Address to listen on.  [127.0.0.1]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes.  [2]")
@click.option(
    "--tls-cert", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Certificate chain, PEM."
)
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Its key, PEM.")
@click.option("--no-migrate", is_flag=True, help="Refuse to start with a schema that is not up to date.")
@click.pass_context
def serve(context: click.Context, /, *, no_migrate: bool, **given: Any) -> None:
    """Run the server."""
    with plain_errors():
        from nightlatch.server.run import serve as run

        told = context.find_root().obj
        texts = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
        texts["data"] = str(told["data"]) if told["data"] else None
        run(told["config"], {name: value for name, value in texts.items() if value is not None}, migrate=not no_migrate)


_FIRST_CONFIG = """\
# Settings of this Nightlatch server. `nightlatch --config nightlatch.toml serve`
base_url = "https://auth.example.com"
service_name = "Example"

[mail]
transport = "smtp"
smtp_host = "smtp.example.com"
sender = "no-reply@example.com"

[server]
data = "data"
bind = "127.0.0.1"
port = 8000
workers = 2
"""


@command.command("init", help="Write a settings file to begin with, and a key (0600) beside the data.")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="nightlatch.toml")
@click.pass_context
def init(context: click.Context, path: Path) -> None:
    """Begin an installation."""
    with plain_errors():
        from nightlatch.services.key_files import read_or_make_key, write_private

        data = context.find_root().obj["data"] or Path("data")
        try:
            write_private(path, _FIRST_CONFIG, exclusive=True)
        except FileExistsError:
            raise ConfigurationError(f"{path} is there already") from None
        read_or_make_key(data / "secret_key")
        click.echo(f"Wrote {path} and {data / 'secret_key'}. Edit the first, keep the second secret.")
