"""What terminals obey in what a run printed: titles, the clipboard, movements, colours. Pure.

A job prints what it likes, and so does whoever it asks; it must not have a say at the terminal of who reads it.
"""

import re

CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links, the clipboard, and what else is a string
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]"
)
"""What terminals obey, apart from tabs and ends of lines. ``log.js`` has the same."""
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What lets text be read in another order than it stands in."""
_COLOUR = re.compile(r"\x1b\[[0-9:;]*m")
_RESETS = re.compile(r"\x1b\[0*m")
_RESET = "\x1b[0m"
_BEGUN = re.compile(r"\x1b(?:\[[0-?]{0,500}[ -/]{0,500}|[\]PX^_][^\x07\x1b]{0,500}\x1b?|[ -/]{0,500})?\Z")
"""What may go on with the next part; a longer one is no sequence that anybody needs, and is shown as text."""


class ColoursOnly:
    """Takes from text that comes in parts what terminals obey, and leaves the colours."""

    def __init__(self) -> None:
        self._held = ""
        self._coloured = False

    def part(self, text: str) -> str:
        """Return what may be printed after this part; what may go on with the next one is held."""
        text = self._held + text
        begun = _BEGUN.search(text)
        whole = len(text) if begun is None else begun.start()
        self._held = text[whole:]
        return self._cleaned(text[:whole])

    def end(self) -> str:
        """Return what is to be printed at the end: what was held, and the colours of before."""
        rest = self._cleaned(self._held)
        self._held = ""
        return rest + (_RESET if self._coloured else "")

    def _cleaned(self, text: str) -> str:
        return BIDI.sub("\ufffd", CONTROL.sub(self._colour, text))

    def _colour(self, found: re.Match[str]) -> str:
        if not _COLOUR.fullmatch(found[0]):
            return ""
        self._coloured = not _RESETS.fullmatch(found[0])
        return found[0]
