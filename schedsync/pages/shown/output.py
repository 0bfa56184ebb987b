"""What a run printed, as a page shows it: its last part, as text that does nothing to who reads it."""

import re
from dataclasses import dataclass

SHOWN = 100_000
"""How many characters a page shows; the whole of it can be downloaded."""
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles and links
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]"
)
"""What terminals obey. ``log.js`` has the same."""
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What lets text be read in another order than it stands in."""


@dataclass(frozen=True, slots=True)
class ShownOutput:
    """The last part of an output."""

    text: str
    cut: bool
    """Whether there is something before it."""


def shown_output(text: str) -> ShownOutput:
    """Return the end of *text*, from a line's beginning on where there is one, without what terminals obey."""
    clean = plain(text)
    if len(clean) <= SHOWN:
        return ShownOutput(clean, cut=False)
    last = clean[-SHOWN:]
    return ShownOutput(last[last.find("\n") + 1 :], cut=True)


def plain(text: str) -> str:
    """Return *text* without what terminals obey; a progress bar's carriage returns begin lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BIDI.sub("\ufffd", _CONTROL.sub("", text))
