"""`schedsync notify`: a test that arrives or says why not, and the list of what was told."""

from dataclasses import replace
from pathlib import Path

import pytest

from schedsync.cli.exits import Exit
from schedsync.runs.notices import Notice
from schedsync.specs.notify import Event
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine
from tests.listeners import free_port
from tests.receivers import web_server


def configure(url: str) -> None:
    Path("schedsync.toml").write_text(f'[channels.hook]\nurl = "{url}"\n')


def test_a_test_arrives(cli: CommandLine) -> None:
    with web_server() as web:
        configure(f"{web.url}/secret-token")
        result = cli("notify", "test", "hook")
    assert (result.code, result.out) == (Exit.OK, "hook: sent, by http://***; see whether it has arrived\n")
    assert web.received[0].json["reason"] == "this is a test of the channel; no job has failed"


def test_a_test_that_does_not_arrive_says_why(cli: CommandLine) -> None:
    configure(f"http://127.0.0.1:{free_port()}/secret-token")
    result = cli("notify", "test", "hook")
    assert result.code == Exit.FAILURE
    assert result.err.startswith("schedsync: hook: not sent: ")
    assert "Connection refused" in result.err
    assert cli("notify", "test", "hook", "--json").json["sent"] is False


def test_a_channel_that_there_is_not_is_a_usage_error_that_names_the_others(cli: CommandLine) -> None:
    configure("http://127.0.0.1:1")
    result = cli("notify", "test", "hok")
    assert result.code == Exit.USAGE
    assert 'the settings have no channel "hok"; they have hook.' in result.err


def test_the_list_shows_what_became_of_notices(cli: CommandLine) -> None:
    notice = Notice("1" * 32, "hook", Event.FAILED, "a", SLOT)
    with cli.store() as store:
        store.notices.post([notice, replace(notice, id="2" * 32, job_id="b")])
        store.notices.given_up(notice.id, SLOT, error="refused")
    rows = [line.split() for line in cli("notify", "list").out.splitlines()[1:]]
    assert {(row[3], row[5], row[-1]) for row in rows} == {("a", "failed", "refused"), ("b", "pending", "-")}
    (failed,) = cli("notify", "list", "--state", "failed", "--json").json["notices"]
    assert (failed["job_id"], failed["error"]) == ("a", "refused")


@pytest.mark.parametrize("known", [True, False])
def test_the_doctor_says_which_channels_jobs_name_in_vain(cli: CommandLine, *, known: bool) -> None:
    configure("http://127.0.0.1:1/secret-token")
    cli.write("a.yaml", f"{HOURLY}notify: {{to: [hook{'' if known else ', nosuch'}]}}\n")
    result = cli("doctor", "--json")
    found = next(check for check in result.json["checks"] if check["subject"] == "channels")
    assert found["says"][0] == "hook: http://***"
    assert found["verdict"] == ("ok" if known else "wrong")
    if not known:
        assert found["says"][1] == 'jobs name a channel "nosuch" that there is not (a); write [channels.nosuch]'
    assert "secret-token" not in result.out
