"""What a run printed, as a page shows it: its last part, as text that does nothing to who reads it."""

from dataclasses import dataclass

from schedsync.status.steering import BIDI, CONTROL

SHOWN = 100_000
"""How many characters a page shows; the whole of it can be downloaded."""


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
    return BIDI.sub("\ufffd", CONTROL.sub("", text))
