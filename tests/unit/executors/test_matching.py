"""Lines of an output that match, however the output comes."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsync.executors.matching import LONGEST_LINE, LineMatcher
from tests.unit.specs.strategies import REPRODUCIBLE


def _first(pattern: str, *pieces: bytes) -> str | None:
    matcher = LineMatcher(pattern)
    for piece in pieces:
        matcher.feed(piece)
    matcher.end()
    return matcher.line


@pytest.mark.parametrize(
    ("pattern", "output", "line"),
    [
        (r"ORA-\d{5}", b"a\nORA-00942: no table\nORA-00001\n", "ORA-00942: no table"),
        (r"ORA-\d{5}", b"a\nORA-00942", "ORA-00942"),
        (r"^b$", b"a\r\nb\r\nc\r\n", "b"),
        (r"^b", b"ab\ncb\n", None),
        (r"a\s+b", b"a\nb\n", None),
        (r"a[^x]b", b"a\nb\na b\n", "a b"),
        (r"\Ab\z", b"a\nb\nc", "b"),
        (r"(?-m)^b$", b"a\nb\nc", "b"),
        (r"(?i)ERROR", b"\xffan error\n", "\ufffdan error"),
        (r"^$", b"a\n\nb", ""),
        ("", b"anything\n", None),
    ],
)
def test_each_line_is_searched_by_itself(pattern: str, output: bytes, line: str | None) -> None:
    assert _first(pattern, output) == line


lines = st.lists(st.sampled_from(["", "ok", "ORA-00942", "ORA-", "00001", "größe", "a b", "x" * 300]), max_size=8)


@REPRODUCIBLE
@given(lines, st.lists(st.integers(0, 2_500)), st.sampled_from([r"ORA-\d{5}", r"^a\sb$", r"ö", r"\A00"]))
def test_the_first_line_is_found_whichever_way_it_comes(texts: list[str], cuts: list[int], pattern: str) -> None:
    data = "\n".join(texts).encode()
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(borders)]
    python = re.compile(pattern)
    expected = next((text for text in texts if python.search(text)), None)
    assert _first(pattern, *pieces) == (expected and expected[:200])


PIECE = -(-LONGEST_LINE // 1_000) * 1_000
"""Where the first piece ends of a line that comes in thousands."""


@pytest.mark.parametrize("where", [0, *range(PIECE - 10, PIECE + 1), 300_000])
def test_a_line_without_end_is_searched_in_pieces(where: int) -> None:
    data = b"x" * where + b"ORA-00942" + b"x" * (400_000 - where)
    found = _first(r"ORA-\d{5}", *(data[at : at + 1_000] for at in range(0, len(data), 1_000)))
    assert found is not None
    assert len(found) == 200


def test_what_is_held_of_a_line_without_end_is_bounded() -> None:
    matcher = LineMatcher("y")
    for _ in range(100):
        matcher.feed(b"x" * 10_000)
        assert len(matcher._rest) <= LONGEST_LINE + 10_000


def test_the_end_of_the_output_is_no_line_of_its_own() -> None:
    assert (_first("^$"), _first("^$", b"a\n"), _first("^$", b"a")) == (None, None, None)
    assert _first("^$", b"a\n\n") == ""
