"""Where an answer points to, and what is sent there."""

from dataclasses import replace

import pytest

from schedsync.http.failing import FailedError
from schedsync.http.redirects import followed, points_on
from schedsync.http.request import Message

HEADERS = {"Authorization": "Bearer x", "X-Own": "y", "User-Agent": "u", "Content-Type": "application/json"}
SENT = Message("POST", "https://a.example:8443/b/c?d=1", HEADERS, "{}")
ASKED = Message("GET", SENT.url, HEADERS)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        pytest.param("https://b.example/x", "https://b.example/x", id="another host"),
        pytest.param("/x", "https://a.example:8443/x", id="a path"),
        pytest.param("x?y=1", "https://a.example:8443/b/x?y=1", id="a path beside it"),
        pytest.param("//b.example/x", "https://b.example/x", id="a host without a scheme"),
        pytest.param("/a%20b c", "https://a.example:8443/a%20b%20c", id="a space"),
        pytest.param("/\xc3\xa4", "https://a.example:8443/%C3%A4", id="a letter of a language"),
        pytest.param("https://me:pw@b.example/x#y", "https://b.example/x", id="a user, and a place in a page"),
    ],
)
def test_an_address_is_read_as_browsers_do(location: str, url: str) -> None:
    assert followed(ASKED, 307, location).url == url


@pytest.mark.parametrize("location", ["ftp://b/x", "https://b:99999/", "javascript:1", "https://[x/"])
def test_what_is_no_address_is_not_followed(location: str) -> None:
    with pytest.raises(FailedError, match="which is no address of a web service"):
        followed(SENT, 307, location)


def test_nothing_is_sent_from_https_to_http() -> None:
    with pytest.raises(FailedError, match="points from https to http://b/x, where others could read along"):
        followed(SENT, 307, "http://b/x")


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
    ],
)
def test_the_method_follows_from_the_status(method: str, status: int, then: str) -> None:
    moved = followed(Message(method, SENT.url, HEADERS, "{}"), status, "/x")
    assert moved.method == then
    without_body = method != then
    assert (moved.body is None, "Content-Type" not in moved.headers) == (without_body, without_body)


def test_what_says_who_asks_goes_to_the_same_place_only() -> None:
    assert followed(SENT, 307, "/x").headers == HEADERS
    for elsewhere in ("https://b.example/x", "https://a.example/x"):
        assert followed(ASKED, 307, elsewhere).headers == {"User-Agent": "u", "Content-Type": "application/json"}


@pytest.mark.parametrize("elsewhere", ["https://b.example/x", "https://a.example/x", "//a.example:8444/x"])
@pytest.mark.parametrize("sent", [SENT, replace(SENT, body=None, file="/srv/report.json")], ids=["text", "file"])
def test_a_body_goes_to_the_same_place_only(sent: Message, elsewhere: str) -> None:
    url = elsewhere if elsewhere.startswith("https") else f"https:{elsewhere}"
    for status in (307, 308):
        with pytest.raises(FailedError) as failed:
            followed(sent, status, elsewhere)
        assert str(failed.value) == f"the answer points to {url}, elsewhere, where no body is sent: write that url"
    with pytest.raises(FailedError, match="where no body is sent"):
        followed(replace(sent, method="PUT"), 302, elsewhere)
    moved = followed(sent, 303, elsewhere)
    assert (moved.method, moved.body, moved.file) == ("GET", None, None)


@pytest.mark.parametrize(
    ("url", "location"),
    [
        pytest.param("https://a.example/b", "https://A.example:443/x", id="https"),
        pytest.param("http://a.example:80/b", "http://a.example/x", id="http"),
    ],
)
def test_a_place_is_the_same_however_it_is_written(url: str, location: str) -> None:
    moved = followed(replace(SENT, url=url), 307, location)
    assert (moved.headers, moved.body) == (HEADERS, "{}")


def test_not_every_answer_with_an_address_points_on() -> None:
    assert points_on(302, "/x")
    assert not points_on(201, "/x")
    assert not points_on(302, None)
