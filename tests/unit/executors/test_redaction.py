"""Secrets are cut out of an output, however it comes in pieces."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedsync.executors.redaction import SHORTEST, Redactor, redacted
from tests.unit.specs.strategies import REPRODUCIBLE

SECRET = "tiger-4711"


def _shown(secrets: list[str], *pieces: bytes) -> bytes:
    redactor = Redactor(secrets)
    shown = b"".join(redactor.feed(piece) for piece in pieces)
    return shown + redactor.end()


@pytest.mark.parametrize(
    ("secrets", "output", "shown"),
    [
        ([SECRET], "the password is tiger-4711, tiger-471", "the password is [redacted], [redacted]"),
        ([SECRET], "tiger-4711tiger-4711", "[redacted][redacted]"),
        (["abcdef", "defghi"], "-abcdefghi-", "-[redacted]-"),
        (["abcdef", "cd"], "-abcdef-cd-", "-[redacted]-cd-"),
        (["abcdef", "bcde"], "-bcdef-abcdef", "-[redacted]f-[redacted]"),
        (["aaaa"], "aaaaaa", "[redacted]"),
        (["key\nline one\nline two\n"], "1: line two\r\n2: line one\r\n", "1: [redacted]\r\n2: [redacted]\r\n"),
        (["grüß-dich"], "sie sagt grüß-dich", "sie sagt [redacted]"),
        (["pass/wo rd"], "db://scott:pass%2Fwo%20rd@db", "db://scott:[redacted]@db"),
        (['pass"wo\\rd'], json.dumps({"password": 'pass"wo\\rd'}), '{"password": "[redacted]"}'),
        (["pass'\"wo\\rd"], repr({"password": "pass'\"wo\\rd"}), "{'password': '[redacted]'}"),
        (["  padded  "], "padded", "[redacted]"),
        (["abc", ""], "abc", "abc"),
        ([], SECRET, SECRET),
        ([SECRET], "", ""),
        ([SECRET], "ends in tig", "ends in tig"),
    ],
)
def test_what_is_shown(secrets: list[str], output: str, shown: str) -> None:
    data = output.encode()
    assert _shown(secrets, data).decode() == shown
    assert _shown(secrets, *(data[at : at + 1] for at in range(len(data)))).decode() == shown
    assert redacted(output, secrets) == shown


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    data = bytes(range(256))
    assert _shown([SECRET], data) == data
    assert _shown([SECRET], data + SECRET.encode() + data) == data + b"[redacted]" + data


def test_nothing_is_held_back_that_cannot_be_the_beginning_of_a_secret() -> None:
    redactor = Redactor([SECRET])
    assert redactor.feed(b"hello\n") == b"hello\n"
    assert redactor.feed(b"the ti") == b"the "
    assert redactor.feed(b"me\n") == b"time\n"


@pytest.mark.parametrize("count", [10, 50_000])
def test_long_secrets_of_many_lines_are_cut_out(count: int) -> None:
    secret = "\n".join(f'line "{number:06}" of the key' for number in range(count))
    redactor = Redactor([secret])
    assert redactor.feed(b'1: line "000009" of the key\n') == b"1: [redacted]\n"
    assert redactor.feed(b'\xff line \\"000009\\" of the key\n') == b"\xff [redacted]\n"
    assert redactor.feed(b'2: line "0000x9" of the key\n') == b'2: line "0000x9" of the key\n'


letters = st.text("ab", min_size=SHORTEST, max_size=7)
texts = st.lists(st.sampled_from(["a", "b", "ab", "\n", "x"]) | letters, max_size=12).map("".join)


@REPRODUCIBLE
@given(st.lists(letters, max_size=3), texts, st.lists(st.integers(0, 90)))
@example(["abab"], "xabababx", [3, 5])
def test_no_way_to_print_a_secret_in_pieces_shows_it(secrets: list[str], text: str, cuts: list[int]) -> None:
    data = text.encode()
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(borders)]
    redactor, shown = Redactor(secrets), b""
    for piece in pieces:
        shown += redactor.feed(piece)
        assert not any(secret.encode() in shown for secret in secrets)
    shown += redactor.end()
    assert not any(secret.encode() in shown for secret in secrets)
    assert _covered(shown) == _covered(_expected(data, secrets))


def _expected(data: bytes, secrets: list[str]) -> bytes:
    """Cover each byte that belongs to a secret, or at the end to the beginning of one, the slow way."""
    covered = set()
    for word in (secret.encode() for secret in secrets):
        covered |= {at + i for at in range(len(data)) if data.startswith(word, at) for i in range(len(word))}
    done = max(covered, default=-1) + 1
    begun = [at for at in range(done, len(data) - SHORTEST + 1) if _begins(data[at:], secrets)]
    covered |= set(range(begun[0], len(data))) if begun else set()
    return b"".join(b"#" if at in covered else data[at : at + 1] for at in range(len(data)))


def _begins(end: bytes, secrets: list[str]) -> bool:
    return any(secret.encode().startswith(end) for secret in secrets)


def _covered(shown: bytes) -> bytes:
    """Take what was cut out for one mark, however many secrets it was."""
    return re.sub(rb"#+|(\[redacted\])+", b"#", shown)
