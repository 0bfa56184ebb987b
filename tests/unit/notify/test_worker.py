"""What goes wrong is told without what the URL hides."""

import pytest

from schedsync.notify.request import SERVICE, WEBHOOK, Request
from schedsync.notify.worker import _without_secrets


@pytest.mark.parametrize(
    ("url", "told", "shown"),
    [
        ("https://hooks.example.com/T0123456", "hooks.example.com/T0123456!", "hooks.example.com/[redacted]!"),
        ("https://u:pass%40word@h.example.com/x", "pass@word at h.example.com", "[redacted] at h.example.com"),
        ("https://h.example.com?token=abcdefgh", "abcdefgh abc h.example.com", "[redacted] abc h.example.com"),
        ("slack://TokenAAA/TokenBBB", "TokenAAA and TokenBBB", "[redacted] and [redacted]"),
        ("mailto://h.example.com?to=a@example.com", "h.example.com refused", "h.example.com refused"),
        ("https://h.example.com/tok%2fX12", "/tok%2FX12 and tok/X12", "/[redacted] and [redacted]"),
        ("https://h.example.com/sécret", "/s%C3%A9cret, '/s\\xe9cret'", "/[redacted], '/[redacted]'"),
        ("https://h.example.com/s%C3%A9cr%3Fet!", "/s%C3%A9cr?et!", "/[redacted]"),
        ("https://h.example.com/sesam\nopen-up", r"'/sesam\nopen-up' and open-up", "'/[redacted]' and [redacted]"),
        ("https://h.example.com/sesam\x7fopen", r"can't contain '/sesam\x7fopen'", "can't contain '/[redacted]'"),
        ("https://h.example.com/longer/longer-still", "longer-still", "[redacted]"),
    ],
)
def test_parts_of_a_url_are_hidden_and_its_host_is_not(url: str, told: str, shown: str) -> None:
    assert _without_secrets(told, Request(SERVICE, url)) == shown


def test_what_requests_are_signed_with_is_hidden() -> None:
    request = Request(WEBHOOK, "https://h.example.com", secret="sesam-open-up")
    assert _without_secrets("sesam-open-up", request) == "[redacted]"
