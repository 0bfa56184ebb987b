"""What a run printed, at a terminal: its colours, and nothing else that the terminal would obey."""

import re

import pytest

from schedsync.status.steering import ColoursOnly

COPY = "\x1b]52;c;cm0gLXJmIH4K\x07"
"""Puts a command into the clipboard."""

TEXTS = [
    pytest.param("\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\n", id="colours"),
    pytest.param("\x1b[38:5:9mred\x1b[m", "\x1b[38:5:9mred\x1b[m", id="other colours"),
    pytest.param("\x1b[32mgreen", "\x1b[32mgreen\x1b[0m", id="colours end with the output"),
    pytest.param("\x1b[2J\x1b[H\x1b[1Aa\x1b[6n\x1b[?1049h", "a", id="movements and questions"),
    pytest.param("\x1b[>4;2ma", "a", id="what only ends like a colour"),
    pytest.param(f"\x1b]0;title\x07a{COPY}b\x1b]8;;http://x\x1b\\c", "abc", id="title, clipboard, link"),
    pytest.param("\x1bP1$r0m\x1b\\a\x1b_G;x\x1b\\b\x1b^x\x1b\\c\x1bXx\x07d", "abcd", id="other strings"),
    pytest.param("a\x1bcb\x1b(0c\x1b", "abc", id="short sequences"),
    pytest.param("a\x9b2Jb\x9d0;x\x07\x7f\x08c", "a2Jb0;xc", id="control characters"),
    pytest.param("\x1b]0;without an end", "0;without an end", id="a title without an end"),
    pytest.param("\x1b\x1b]x\x07[2J", "[2J", id="nothing grows together"),
    pytest.param("10 %\r20 %\tx\r\n", "10 %\r20 %\tx\r\n", id="line ends and tabs"),
    pytest.param("abc\u202exe.txt na\xefve \u65e5", "abc\ufffdxe.txt na\xefve \u65e5", id="text in another order"),
]


def cleaned(*parts: str) -> str:
    colours = ColoursOnly()
    return "".join([*map(colours.part, parts), colours.end()])


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_only_colours_are_left(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_however_it_comes_in_parts(text: str, expected: str) -> None:
    assert cleaned(*text) == expected
    for place in range(len(text)):
        assert cleaned(text[:place], text[place:]) == expected


def test_what_goes_on_for_long_is_not_waited_for() -> None:
    colours = ColoursOnly()
    assert colours.part("a\x1b]0;" + "x" * 300) == "a"
    printed = colours.part("x" * 300)
    assert printed == "0;" + "x" * 600
    assert re.search("[\x00-\x1f]", printed + colours.part("y\x07") + colours.end()) is None


def test_a_part_is_printed_at_once_but_for_what_has_begun() -> None:
    colours = ColoursOnly()
    assert colours.part("one\ntwo \x1b[3") == "one\ntwo "
    assert colours.part("1m!") == "\x1b[31m!"
