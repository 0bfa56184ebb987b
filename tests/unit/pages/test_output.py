"""What a run printed is shown as text, whatever is in it."""

import re
from pathlib import Path

import pytest

from schedsync import pages
from schedsync.pages.shown import output
from schedsync.pages.shown.output import SHOWN, plain, shown_output
from schedsync.status.steering import CONTROL

TEXTS = [
    pytest.param("\x1b[1;31mred\x1b[0m", "red", id="colours"),
    pytest.param("\x1b[2K\x1b[1A10 %\r20 %", "10 %\n20 %", id="a progress bar"),
    pytest.param("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab", id="a title and a link"),
    pytest.param("\x1bP1$r0m\x1b\\a\x1b_G;x\x07b", "ab", id="strings for the terminal"),
    pytest.param("a\x1bMb\x1b(Bc", "abc", id="short sequences"),
    pytest.param("one\r\ntwo\r\n", "one\ntwo\n", id="line ends of Windows"),
    pytest.param("a\x00\x08\x7f\x9bb\tc\n", "ab\tc\n", id="other control characters"),
    pytest.param("abc\u202exe.txt", "abc\ufffdxe.txt", id="text in another order"),
    pytest.param("[31m is only text", "[31m is only text", id="no sequence at all"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_what_terminals_obey_is_taken_out(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_of_a_long_output_the_end_is_shown_from_a_line_on() -> None:
    lines = "".join(f"line {n}\n" for n in range(SHOWN // 8))
    shown = shown_output(lines)
    assert shown.cut
    assert len(shown.text) <= SHOWN
    assert re.match(r"line \d+\n", shown.text)
    assert shown.text.endswith(f"line {SHOWN // 8 - 1}\n")


def test_one_long_line_is_cut_anywhere() -> None:
    assert shown_output("x" * (SHOWN + 1)).text == "x" * SHOWN


def test_a_short_output_is_shown_as_it_is() -> None:
    assert shown_output("hello\n") == output.ShownOutput("hello\n", cut=False)


def test_the_script_takes_out_the_same() -> None:
    script = (Path(pages.__file__).parent / "static/log.js").read_text()
    (found,) = re.findall(r"const CONTROL = /(.*)/g;", script)
    assert re.compile(found).pattern.replace("\\x07", "\x07") == CONTROL.pattern.replace("\\x07", "\x07")
