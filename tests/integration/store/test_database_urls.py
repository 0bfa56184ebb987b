"""The URL of a database: what is accepted, what is refused in words, and what is shown of it."""

import pytest

from schedsync.errors import SettingsError
from schedsync.store.database import Database


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not a database URL; write e.g."),
        ("schedsync.db", "is not a database URL; write e.g."),
        ("postgresql://me:secret@host:port/x", "is not a database URL; write e.g."),
        ("postgresql:/me:secret@host/x", "is not a database URL; write e.g."),
        ("postgres://me:secret@host/x", 'database "postgres" is not supported'),
        ("mysql://me:secret@host/x", "use one of sqlite, postgresql, oracle"),
        ("oracle://me:secret@host/sid?service_name=x", "is not a database URL; write e.g."),
        (
            "oracle://me:secret@host/?service_name=x&connectiontype=1",
            'url: the driver for oracle knows no argument "connectiontype"; correct its name, or remove it',
        ),
        (
            "oracle://me:secret@host/?service_name=x&retry_count=often",
            "oracle does not take what follows the \"?\" (invalid literal for int() with base 10: 'often')",
        ),
        (
            "postgresql://me:secret@host/x?connectiontype=1",
            'postgresql does not take what follows the "?" (invalid connection option "connectiontype")',
        ),
        ("sqlite:///x.db?timeout=long", "url is not a database URL; write e.g."),
    ],
)
def test_what_cannot_be_used_is_refused_without_telling_the_password(url: str, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Database.open(url)
    assert words in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
        ("postgresql://me@host/x", "postgresql+psycopg://me@host/x"),
        ("postgresql://me:secret@host:5433/x", "postgresql+psycopg://me:***@host:5433/x"),
        (
            "postgresql+psycopg://host/x?password=secret&sslpassword=secret&sslmode=require",
            "postgresql+psycopg://host/x?sslmode=require",
        ),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, shown: str) -> None:
    database = Database.open(url)
    assert database.shown == shown
    database.close()
