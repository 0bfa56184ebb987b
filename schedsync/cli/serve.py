"""``schedsync run``: the service, in the foreground."""

from typing import Any

import click

from schedsync import service
from schedsync.cli.options import Options, command


class _Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; an IPv6 address stands in brackets."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return host and port."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not (colon and bare and port.isascii() and port.isdecimal() and int(port) < 1 << 16):
            self.fail(f'"{value}" is not HOST:PORT; write e.g. 127.0.0.1:5000 or [::1]:5000', param, ctx)
        if ":" in bare and bare == host:
            self.fail(f'write an IPv6 address in brackets: "[{host}]:{port}"', param, ctx)
        return bare, int(port)


@command("run")
@click.option("--api", type=_Address(), metavar="HOST:PORT", help="Where the status API listens.")
@click.option("--no-api", is_flag=True, help="Serve no status API.")
def run(options: Options, *, api: tuple[str, int] | None, no_api: bool) -> int:
    """Run the service until it is told to stop.

    It keeps the schedule equal to the folder, fires the jobs, and serves the status API. SIGTERM and SIGINT end it in
    order, a second one in a hurry; SIGHUP makes it look at the folder at once. With --json its log lines are JSON.
    """
    if api is not None and no_api:
        raise click.UsageError("--api and --no-api exclude each other.")
    overrides: dict[str, dict[str, Any]] = {}
    if api is not None:
        overrides = {"api": {"enabled": True, "host": api[0], "port": api[1]}}
    elif no_api:
        overrides = {"api": {"enabled": False}}
    settings = options.settings(overrides)
    return service.run(settings.model_copy(update={"log_format": "json"}) if options.as_json else settings)
