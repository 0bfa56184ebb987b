"""Any part of an output, while it comes and when it has ended, without a byte twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsync.executors.spool import OutputLimits
from schedsync.executors.spool import _kept as keep
from schedsync.runs.outcome import Output
from schedsync.status.output import Stretch, log_text, stretch, stretch_of
from schedsync.store.results import _as_text as as_text
from schedsync.store.runs import KeptOutput

GAPPED = Output(b"head\n", b"tail\n", 110)
MARK = "[... 100 bytes not kept ...]\n"


def stored(output: Output) -> KeptOutput:
    """What the store gives back."""
    return KeptOutput(as_text(output.head) or "", as_text(output.tail) or "", output.total, output.dropped)


@pytest.mark.parametrize(
    ("start", "text", "has_gap"),
    [
        (0, f"head\n{MARK}tail\n", True),
        (2, f"ad\n{MARK}tail\n", True),
        (5, f"\n{MARK}tail\n", True),
        (65, "\n[... 40 bytes not kept ...]\ntail\n", True),
        (105, "tail\n", False),
        (107, "il\n", False),
        (110, "", False),
    ],
)
def test_what_lies_behind_a_byte_has_a_line_for_what_is_missing_there(start: int, text: str, has_gap: bool) -> None:
    assert stretch(GAPPED, start, ended=True) == Stretch(text, 110, has_gap=has_gap)
    assert stretch(stored(GAPPED), start, ended=True) == Stretch(text, 110, has_gap=has_gap)


def test_behind_the_end_is_nothing_and_the_place_stays() -> None:
    assert stretch(GAPPED, 200, ended=False) == Stretch("", 200)
    assert stretch(None, 3, ended=True) == Stretch("", 3)


def test_a_character_that_has_only_begun_is_left_until_it_is_whole_or_the_run_has_ended() -> None:
    begun = Output("grü".encode()[:-1], b"", 3)
    assert stretch(begun, 0, ended=False) == Stretch("gr", 2)
    assert stretch(begun, 0, ended=True) == Stretch("gr\ufffd", 3)
    assert stretch_of("grü".encode()[:-1], 7) == Stretch("gr", 9)


def test_a_log_without_anything_kept_says_how_much_there_was() -> None:
    assert log_text(Output(total=10)) == "\n[... 10 bytes not kept ...]\n"
    assert log_text(None) == ""


def test_what_was_no_text_counts_as_one_byte_in_the_store() -> None:
    lossy = stored(Output(b"a\xff\0b", b"c\xffd", 107))
    assert log_text(lossy) == "a\ufffd\ufffdb\n[... 100 bytes not kept ...]\nc\ufffdd"
    assert stretch(lossy, 3, ended=True).text == "b\n[... 100 bytes not kept ...]\nc\ufffdd"
    assert stretch(lossy, 106, ended=True).text == "d"


def test_places_are_counted_from_the_end_where_nothing_is_missing_but_the_text_has_another_length() -> None:
    cut = stored(Output(b"\xe2\x82 and on\n", b"", 10))
    assert log_text(cut) == "\ufffd and on\n"
    assert stretch(cut, 7, ended=True).text == "on\n"
    assert stretch(cut, 1, ended=True).text == "\ufffd and on\n"


PIECES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), max_size=12)
SIZES = st.integers(0, 30)


@given(pieces=PIECES, head=SIZES, tail=SIZES, looks=st.lists(st.booleans(), min_size=12, max_size=12))
def test_whoever_follows_gets_each_byte_once_or_is_told_that_it_is_missing(
    pieces: list[str], head: int, tail: int, looks: list[bool]
) -> None:
    limits, printed, followed, start = OutputLimits(keep_head=head, keep_tail=tail), b"", "", 0
    gaps = False
    for piece, looked in zip(pieces, looks, strict=False):
        printed += piece.encode()
        if looked:
            part = stretch(_output(printed, limits), start, ended=False)
            followed, start, gaps = followed + part.text, part.next, gaps or part.has_gap
    end = stretch(stored(_output(printed, limits)), start, ended=True)
    assert end.next == max(len(printed), start)
    if not gaps and not end.has_gap:
        assert followed + end.text == printed.decode()
    else:
        assert len((followed + end.text).encode()) <= len(printed) + len(looks) * 60  # marks, and cut characters


def _output(printed: bytes, limits: OutputLimits) -> Output:
    return keep(printed[: limits.keep_head], printed, len(printed), limits)
