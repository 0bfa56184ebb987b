"""Whether an answer is what was expected, and what is said when it is not."""

import gzip
from email.message import Message

import pytest

from schedsync.http.answer import Answer, mistake, text_of
from schedsync.http.request import Expectation


def headers(**values: str) -> Message:
    made = Message()
    for name, value in values.items():
        made[name.replace("_", "-")] = value
    return made


def answer(status: int, phrase: str = "", text: str = "", *, whole: bool = True, **given: str) -> Answer:
    return Answer(status, phrase, headers(**given), text, whole)


@pytest.mark.parametrize(
    ("status", "expected", "fits"),
    [
        pytest.param(200, ((200, 299),), True, id="the first of a range"),
        pytest.param(299, ((200, 299),), True, id="the last of a range"),
        pytest.param(300, ((200, 299),), False, id="beyond a range"),
        pytest.param(404, ((200, 299), (404, 404)), True, id="one of several"),
    ],
)
def test_a_status_fits_or_not(status: int, expected: tuple[tuple[int, int], ...], fits: bool) -> None:
    assert (mistake(answer(status), Expectation(expected)) is None) is fits


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param(answer(500, "Oh no"), "status 500 Oh no, expected 200-299, 404", id="the server's own phrase"),
        pytest.param(answer(403), "status 403 Forbidden, expected 200-299, 404", id="no phrase"),
        pytest.param(answer(599), "status 599, expected 200-299, 404", id="a status without a name"),
        pytest.param(
            answer(503, Retry_After="120"),
            "status 503 Service Unavailable, expected 200-299, 404; the service asks to try again after 120 s",
            id="seconds to wait",
        ),
        pytest.param(
            answer(429, Retry_After="Fri, 27 Nov 2026 15:00:00 GMT"),
            "status 429 Too Many Requests, expected 200-299, 404; "
            "the service asks to try again after Fri, 27 Nov 2026 15:00:00 GMT",
            id="an instant to wait for",
        ),
        pytest.param(
            answer(302, Location="https://b/login"),
            "status 302 Found, expected 200-299, 404; "
            "it points to https://b/login: write that url, or follow_redirects: true",
            id="a redirect",
        ),
    ],
)
def test_what_is_said_about_a_status(given: Answer, sentence: str) -> None:
    assert mistake(given, Expectation(((200, 299), (404, 404)))) == sentence


def test_a_body_has_to_match_anywhere() -> None:
    expectation = Expectation(body='"ok":\\s*true')
    assert mistake(answer(200, text='{"n": 1, "ok": true}'), expectation) is None
    found = mistake(answer(200, text='{"ok": false}'), expectation)
    assert found == 'the body does not match expect.body: "ok":\\s*true'
    found = mistake(answer(200, text="{", whole=False), expectation)
    assert found == 'the body does not match expect.body in what was read of it: "ok":\\s*true'


def test_a_body_is_text_whatever_it_is() -> None:
    plain = headers(Content_Type="text/plain; charset=latin-1")
    assert text_of("ä".encode("latin-1"), plain) == "ä"
    assert text_of("ä".encode(), headers()) == "ä"
    assert text_of(b"a\xff", headers()) == "a\N{REPLACEMENT CHARACTER}"
    assert text_of(b"a", headers(Content_Type="text/plain; charset=klingon")) == "a"


def test_a_packed_body_is_unpacked_also_when_its_end_is_missing() -> None:
    packed, said = gzip.compress(b"a long text " * 1_000), headers(Content_Encoding="gzip")
    assert text_of(packed, said) == "a long text " * 1_000
    assert text_of(packed[:-10], said).startswith("a long text ")
    assert text_of(b"not packed", said) == "not packed"
    assert len(text_of(gzip.compress(bytes(50_000_000)), said)) == 1 << 20


def test_headers_that_are_printed_cannot_steer_a_terminal() -> None:
    given = answer(200, Location="/\x1b[31m", Set_Cookie="session=hunter2", Content_Type="text/plain")
    assert list(given.shown_headers()) == ["Content-Type: text/plain", "Location: /?[31m"]
