"""What an error of a database means to the person who has to mend it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Advice = tuple[str, str]
"""What it means, and what to do."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error, in words."""

    code: str
    """What the database or its driver calls it: "ORA-01017", an SQLSTATE, the name of a system's error."""
    said: str
    """The line of the error that says it, as it came."""
    meaning: str
    remedy: str

    @property
    def sentence(self) -> str:
        """The error and its explanation, in one line."""
        return f"{self.said} ({self.meaning}; {self.remedy})"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and what it was raised from, the innermost first."""
    if error is not None:
        yield from causes(error.__cause__)
        yield error


def lines(error: BaseException) -> list[str]:
    """Return what *error* says, line by line; its type's name where it says nothing."""
    return [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]


def by_fragment(error: BaseException, advice: Mapping[str, Advice]) -> Explanation | None:
    """Return the explanation whose key stands in a line of *error*; the first in the order of *advice*."""
    for fragment, (meaning, remedy) in advice.items():
        for line in lines(error):
            if fragment.lower() in line.lower():
                return Explanation(fragment, line, meaning, remedy)
    return None
