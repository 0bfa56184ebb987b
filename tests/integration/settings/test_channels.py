"""Channels in the settings: secrets from where they are, templates judged at the start, misspelt names refused."""

import os
from pathlib import Path

import pytest

from schedsync.errors import SettingsError
from schedsync.settings import Settings, load
from schedsync.settings.origins import origins

TOKEN = "sesam-open-up"
NO_USER = (
    "channels.ops.url has a user or password, which a webhook does not get; sign requests with channels.ops.secret, "
    "or let Apprise send them: json://user:password@... or jsons://..."
)
ONE_LINE = "channels.ops.url has spaces, line ends or control characters within; write one URL, with %20 for a space"


@pytest.fixture(autouse=True)
def _in_a_folder_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SCHEDSYNC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def settings(*lines: str) -> Settings:
    Path("schedsync.toml").write_text("\n".join(["[channels.ops]", *lines]))
    return load()


@pytest.mark.parametrize("line", [f'url = "https://x/{TOKEN}"', 'url_file = "secret"', 'url_env = "OPS_URL"'])
def test_a_url_comes_from_where_it_is_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    Path("secret").write_text(f"https://x/{TOKEN}\n")
    monkeypatch.setenv("OPS_URL", f"https://x/{TOKEN}")
    given = settings(line, f'secret = "{TOKEN}"')
    channel = given.channels["ops"].channel("ops")
    assert (channel.url, channel.secret, channel.kind) == (f"https://x/{TOKEN}", TOKEN, "webhook")
    assert TOKEN not in f"{given!r} {channel!r} {channel.shown} {origins(given, Path('schedsync.toml'), {})}"


def test_a_variable_takes_the_place_of_what_the_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_CHANNELS__OPS__URL_ENV", "OPS_URL")
    monkeypatch.setenv("OPS_URL", "https://y/")
    assert settings('url = "https://x/"').channels["ops"].channel("ops").url == "https://y/"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "channels.ops: give one of url, url_file, url_env; there are 0"),
        (('url = "https://x"', 'url_env = "X"'), "channels.ops: give one of url, url_file, url_env; there are 2"),
        (('url = "https://x"', 'titel = "x"'), "channels.ops.titel is not a setting; did you mean channels.ops.title?"),
        (('url = "https://x"', 'title = "{jbo}"'), 'channels.ops.title: "{jbo}" is no placeholder; there are job, '),
        (('url = "https://x"', 'timeout = "0s"'), "channels.ops.timeout: must be at least 1s"),
    ],
)
def test_a_channel_that_cannot_be_one_is_refused_in_words(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(*lines)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (('url = "no url"',), "channels.ops.url is no URL; write it like https://... or mailtos://..."),
        ((rf'url = "https://x/{TOKEN}\nhttps://y/"',), ONE_LINE),
        ((f'url = "slack://{TOKEN}/#my ops"',), ONE_LINE),
        ((rf'url = "https://x/\u007f{TOKEN}"',), ONE_LINE),
        ((f'url = "https://ops:{TOKEN}@x/"',), NO_USER),
        ((f'url = "HTTP://{TOKEN}@x?y=1"',), NO_USER),
        (('url_file = "gone"',), "channels.ops.url_file: gone cannot be read: No such file or directory"),
        (('url_env = "GONE"',), "channels.ops.url_env: the variable GONE is not set"),
        (
            ('url = "mailto://x"', 'secret = "x"'),
            "channels.ops.secret is for webhooks; this channel is none (mailto://***)",
        ),
    ],
)
def test_a_channel_that_cannot_be_used_is_refused_at_the_start(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(*lines).channels["ops"].channel("ops")
    assert str(refused.value) == said


def test_a_name_that_no_job_could_write_is_refused() -> None:
    Path("schedsync.toml").write_text('[channels."Ops Mail"]\nurl = "https://x"\n')
    with pytest.raises(SettingsError, match="cannot be the name of a channel"):
        load()


def test_a_misspelt_variable_gets_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_CHANNELS__OPS__ULR", "x")
    with pytest.raises(SettingsError, match="did you mean SCHEDSYNC_CHANNELS__OPS__URL"):
        load()
