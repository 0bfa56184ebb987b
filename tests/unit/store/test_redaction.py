"""What people see of URLs and connect strings opens no door."""

import pytest

from schedsync.store.redaction import shown_url, without_secrets


@pytest.mark.parametrize("password", ["plain", "ti/ger", "t@ger", "a:b", "ti/g@r", "ti%20ger"])
@pytest.mark.parametrize("show", [without_secrets, shown_url])
def test_a_password_in_a_url_is_hidden_whatever_it_consists_of(password: str, show: object) -> None:
    assert callable(show)
    shown = show(f"postgresql://scott:{password}@host/db")
    assert shown == "postgresql://scott:***@host/db"


def test_a_password_with_a_blank_is_hidden_where_a_url_is_shown() -> None:
    assert shown_url("postgresql://scott:ti ger@host/db") == "postgresql://scott:***@host/db"


def test_what_is_no_secret_stays() -> None:
    line = "http://127.0.0.1:5000/api: ORA-01017 for scott@db (user and password do not fit)"
    assert without_secrets(line) == line
