"""A regular expression searched for in each line of an output while it comes, whichever way it comes in pieces."""

import re

from schedsync.specs.expressions import expression

LONGEST_LINE = 64 << 10
"""Bytes; a longer line is searched in pieces."""
OVERLAP = 4 << 10
"""Bytes that a piece of a long line shares with the one before, so that what lies across their border is found."""
_SHOWN = 200
"""Characters of the line that are told."""
_MINDS_BORDERS = re.compile(r"\\[AzZ]|\(\?[a-zA-Z]*-")
"""Expressions that could miss in several lines what they find in one."""


class LineMatcher:
    """Looks for the first line that matches."""

    def __init__(self, pattern: str) -> None:
        """Look for *pattern*; for nothing if it is empty."""
        self.line: str | None = None
        """The first line that matches, cut when it is long; None as long as there is none."""
        self._pattern = pattern
        self._rest = b""
        """The line that has not ended yet."""

    def feed(self, data: bytes) -> None:
        """Take what comes next."""
        if not self._pattern or self.line is not None:
            return
        lines, newline, rest = data.rpartition(b"\n")
        if newline:
            self._search(self._rest + lines)
            self._rest = rest
        else:
            self._rest += data
        if len(self._rest) > LONGEST_LINE:
            self._search(self._rest)
            self._rest = self._rest[-OVERLAP:]

    def end(self) -> None:
        """Take note that no more will come: what came last is a line, too."""
        if self._pattern and self.line is None and self._rest:
            self._search(self._rest)
        self._rest = b""

    def _search(self, lines: bytes) -> None:
        if b"\r" in lines:  # asked first: to look for both characters takes fifty times as long
            lines = lines.replace(b"\r\n", b"\n").removesuffix(b"\r")
        text = lines.decode(errors="replace")
        # All of them at once, which is many times faster; they are looked at one by one when there is something.
        if _MINDS_BORDERS.search(self._pattern) or expression(f"(?m){self._pattern}").found_in(text):
            wanted = expression(self._pattern)
            found = next((line for line in text.split("\n") if wanted.found_in(line)), None)
            self.line = None if found is None else found.strip()[:_SHOWN]
