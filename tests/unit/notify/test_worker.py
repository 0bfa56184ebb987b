"""What goes wrong is told without what the URL hides."""

import pytest

from schedsync.notify.request import SERVICE, WEBHOOK, Request
from schedsync.notify.worker import _without_secrets


@pytest.mark.parametrize(
    ("url", "told", "shown"),
    [
        ("https://hooks.example.com/T0123456", "hooks.example.com/T0123456 is gone", "hooks.example.com/*** is gone"),
        ("https://u:pass%40word@h.example.com/x", "pass@word at h.example.com", "*** at h.example.com"),
        ("https://h.example.com?token=abcdefgh", "abcdefgh abc h.example.com", "*** abc h.example.com"),
        ("slack://TokenAAA/TokenBBB", "TokenAAA and TokenBBB", "*** and ***"),
        ("mailto://h.example.com?to=a@example.com", "h.example.com refused", "h.example.com refused"),
        ("https://h.example.com/longer/longer-still", "longer-still", "***"),
    ],
)
def test_parts_of_a_url_are_hidden_and_its_host_is_not(url: str, told: str, shown: str) -> None:
    assert _without_secrets(told, Request(SERVICE, url)) == shown


def test_what_requests_are_signed_with_is_hidden() -> None:
    request = Request(WEBHOOK, "https://h.example.com", secret="sesam-open-up")
    assert _without_secrets("sesam-open-up", request) == "***"
