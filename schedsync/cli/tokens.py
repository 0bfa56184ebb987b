"""``schedsync token``: who may ask over HTTP. Needs the database, and no service that runs."""

from datetime import datetime, timedelta
from typing import Any

import click

from schedsync.access import Scope, Token, id_in, new_token
from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command, common
from schedsync.cli.output import complain, complain_each, say, say_json, say_table
from schedsync.cli.stores import current
from schedsync.cli.tables import table
from schedsync.cli.times import shown
from schedsync.cli.who import who
from schedsync.clock import rfc3339, utc_now
from schedsync.specs.durations import parse_duration
from schedsync.specs.wording import quoted

_HEADING = ("ID", "NAME", "SCOPE", "STATE", "CREATED", "BY", "EXPIRES", "LAST USED")
_SCOPES = [Scope.READ.value, Scope.CONTROL.value]


class _Lifetime(click.ParamType[timedelta]):
    """A duration."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return how long *value* is, if that is more than nothing."""
        try:
            lasts = parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return lasts or self.fail("a token that ends at once opens nothing", param, ctx)


@click.group("token")
def token() -> None:
    """Make, list or revoke the tokens of the HTTP API."""


common(token, remote=False)


@token.add_command
@command("create")
@click.argument("name")
@click.option("--scope", type=click.Choice(_SCOPES), required=True, help="What it may do; control includes read.")
@click.option("--expires", "lasts", type=_Lifetime(), metavar="DURATION", help="When it ends by itself: 90d, 12h.")
def create(options: Options, *, name: str, scope: str, lasts: timedelta | None) -> int:
    """Make a token, and print its text, which is not shown again.

    NAME says who has it: decisions are signed with it. Only the text is on stdout.
    """
    now = utc_now()
    try:
        made, text = new_token(name, Scope(scope), by=who(), now=now, expires_at=None if lasts is None else now + lasts)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    with current(options.settings()) as store:
        store.tokens.create(made)
    if options.as_json:
        say_json({"token": text, **_view(made, now)})
        return Exit.OK
    until = "until it is revoked" if made.expires_at is None else f"until {shown(made.expires_at)}"
    complain_each([f"token {made.id} for {name}, scope {scope}, {until}; its text is shown this once:"])
    say([text])
    return Exit.OK


@token.add_command
@command("list")
def listed(options: Options) -> int:
    """List all tokens, also those that are over; their texts are kept nowhere."""
    now = utc_now()
    with current(options.settings()) as store:
        found = store.tokens.all()
    if options.as_json:
        say_json({"tokens": [_view(each, now) for each in found]})
    elif found:
        say_table(table(_HEADING, [_row(each, now) for each in found]))
    else:
        complain("there are no tokens; `schedsync token create NAME --scope read` (or control) makes one")
    return Exit.OK


@token.add_command
@command("revoke")
@click.argument("token_id", metavar="ID")
def revoke(options: Options, *, token_id: str) -> int:
    """End a token, named by its id or its text; services refuse it within 5 seconds."""
    now = utc_now()
    with current(options.settings()) as store:
        revoked = store.tokens.revoke(id_in(token_id) or token_id, by=who(), now=now)
    if revoked is None:
        complain(f"no token has the id {quoted(token_id)}; `schedsync token list` shows them")
        return Exit.FAILURE
    if options.as_json:
        say_json(_view(revoked, now))
    else:
        say([f"token {revoked.id} of {revoked.name} is revoked since {shown(revoked.revoked_at)}"])
    return Exit.OK


def _row(each: Token, now: datetime) -> tuple[str | None, ...]:
    who_made = (shown(each.created_at), each.created_by)
    return each.id, each.name, each.scope.value, each.state(now), *who_made, shown(each.expires_at), _used(each)


def _used(each: Token) -> str:
    return shown(each.last_used_at) or "never"


def _view(each: Token, now: datetime) -> dict[str, str | None]:
    times = {name: getattr(each, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    return {
        "id": each.id,
        "name": each.name,
        "scope": each.scope.value,
        "state": each.state(now),
        "created_by": each.created_by,
        **{name: None if time is None else rfc3339(time) for name, time in times.items()},
    }
