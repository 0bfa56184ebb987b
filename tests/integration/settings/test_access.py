"""Settings about who may ask."""

from pathlib import Path

import pytest

from schedsync.access import Rules
from schedsync.errors import SettingsError
from schedsync.settings import ApiSettings, load


@pytest.fixture(autouse=True)
def _in_a_folder_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_by_default_reading_is_open_and_nobody_in_front_is_believed() -> None:
    assert load().api.rules == Rules(open_to_readers=True, proxies=0, hosts=frozenset(), origin=None)


def test_the_public_address_is_known_besides_the_hosts_that_are_named() -> None:
    Path("schedsync.toml").write_text(
        '[api]\nread = "token"\nproxies = 2\nhosts = ["Sched.intern"]\npublic_url = "https://Sched.example:8443/sched/"\n'
    )
    rules = load().api.rules
    assert rules == Rules(False, 2, frozenset({"sched.intern", "sched.example"}), "https://sched.example:8443")


def test_in_a_variable_hosts_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_API__HOSTS", "a.example, B.example")
    assert load().api.hosts == ("a.example", "b.example")
    monkeypatch.setenv("SCHEDSYNC_API__HOSTS", "")
    assert load().api.hosts == ()


@pytest.mark.parametrize("name", ["*", "*.example.com", "a:80", "https://a.example", "a b", "a/b", ""])
def test_a_host_that_is_none_is_refused(name: str) -> None:
    Path("schedsync.toml").write_text(f'[api]\nhosts = ["ok.example", "{name}"]\n')
    with pytest.raises(SettingsError, match=r"^schedsync\.toml: api\.hosts: expected names of hosts without ports"):
        load()


@pytest.mark.parametrize("line", ['read = "closed"', "proxies = -1", "proxies = 11", "hosts = 3"])
def test_a_value_that_makes_no_sense_is_refused(line: str) -> None:
    Path("schedsync.toml").write_text(f"[api]\n{line}\n")
    with pytest.raises(SettingsError, match=f"api.{line.split(' ', maxsplit=1)[0]}"):
        load()


@pytest.mark.parametrize(
    ("host", "exposed"),
    [
        *(("127.0.0.1", False), ("127.0.0.9", False), ("localhost", False), ("::1", False), ("[::1]", False)),
        *(("0.0.0.0", True), ("::", True), ("10.0.0.1", True), ("sched.example", True), ("", True)),
    ],
)
def test_other_machines_reach_what_listens_on_no_loopback_address(host: str, exposed: bool) -> None:
    assert ApiSettings(host=host).exposed is exposed
