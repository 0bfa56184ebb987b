"""`schedsync token`: who may ask over HTTP."""

import getpass
from datetime import timedelta

import pytest

from schedsync.access import id_in
from schedsync.cli.exits import Exit
from schedsync.clock import parse_instant, utc_now
from tests.integration.cli.harness import CommandLine

WHO = f"cli:{getpass.getuser()}"


@pytest.fixture
def live(cli: CommandLine) -> CommandLine:
    assert cli("db", "upgrade").code == Exit.OK
    return cli


def test_the_text_of_a_new_token_is_all_that_stdout_has(live: CommandLine) -> None:
    made = live("token", "create", "ci", "--scope", "control")
    text = made.out.removesuffix("\n")
    assert made.code == Exit.OK
    assert id_in(text) is not None
    assert f"token {id_in(text)} for ci, scope control, until it is revoked" in made.err
    with live.store() as store:
        (token,) = store.tokens.all()
    assert token.is_text(text)
    assert (token.name, token.scope, token.created_by, token.expires_at) == ("ci", "control", WHO, None)


def test_a_token_may_end_by_itself(live: CommandLine) -> None:
    made = live("token", "create", "ci", "--scope", "read", "--expires", "90d", "--json").json
    ends = parse_instant(made["expires_at"])
    assert timedelta(days=89) < ends - utc_now() <= timedelta(days=90)
    assert ends - parse_instant(made["created_at"]) == timedelta(days=90)


def test_tokens_are_listed_without_their_texts(live: CommandLine) -> None:
    assert live("token", "list").err.startswith("schedsync: there are no tokens; `schedsync token create NAME")
    assert live("token", "list", "--json").json == {"tokens": []}
    made = live("token", "create", "ci", "--scope", "read", "--json").json
    text = made.pop("token")
    listed = live("token", "list")
    assert [cell.strip() for cell in listed.rows[0] if cell][:4] == [made["id"], "ci", "read", "active"]
    assert text not in listed.out
    assert live("token", "list", "--json").json == {"tokens": [made]}


@pytest.mark.parametrize("by", ["id", "token"])
def test_a_revoked_token_stays_in_the_list(live: CommandLine, by: str) -> None:
    made = live("token", "create", "ci", "--scope", "read", "--json").json
    first = live("token", "revoke", made[by])
    assert first.out.startswith(f"token {made['id']} of ci is revoked since ")
    assert live("token", "revoke", made[by]).out == first.out
    assert live("token", "revoke", made["id"], "--json").json["state"] == "revoked"
    assert [token["state"] for token in live("token", "list", "--json").json["tokens"]] == ["revoked"]


def test_revoking_what_there_is_not_says_where_to_look(live: CommandLine) -> None:
    refused = live("token", "revoke", "none")
    assert refused.code == Exit.FAILURE
    assert refused.err == 'schedsync: no token has the id "none"; `schedsync token list` shows them\n'


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["a b", "--scope", "read"], "a token's name has 1 to 63 of the characters"),
        (["ci"], "'--scope'"),
        (["ci", "--scope", "open"], "'open' is not one of 'read', 'control'"),
        (["ci", "--scope", "read", "--expires", "90"], "is not a duration"),
        (["ci", "--scope", "read", "--expires", "0s"], "opens nothing"),
    ],
)
def test_a_mistake_makes_no_token(live: CommandLine, args: list[str], says: str) -> None:
    refused = live("token", "create", *args)
    assert (refused.code, refused.out) == (Exit.USAGE, "")
    assert says in refused.err
    with live.store() as store:
        assert store.tokens.all() == []


def test_without_a_database_none_is_made_and_no_file_either(cli: CommandLine) -> None:
    refused = cli("token", "create", "ci", "--scope", "read")
    assert (refused.code, refused.out) == (Exit.FAILURE, "")
    assert not cli.file.exists()
