"""A cron expression as it is written: its words, and the same expression with one of them replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schedsync.specs.cron.fields import Fields, read, split

SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY = range(6)


class Word(NamedTuple):
    """A field, or an item of its list, and its offset in the expression."""

    text: str
    offset: int

    @property
    def items(self) -> "list[Word]":
        """The items of the list."""
        found, at = [], self.offset
        for item in self.text.split(","):
            found.append(Word(item, at))
            at += len(item) + 1
        return found


@dataclass(frozen=True, slots=True)
class Written:
    """A valid expression, word by word."""

    text: str
    words: tuple[Word, ...]
    """Six; the seconds are ``0`` where they are not written."""
    fields: Fields

    @classmethod
    def read(cls, text: str, *, job_id: str) -> "Written":
        """Return a valid expression of a job."""
        return cls(text, tuple(Word(*word) for word in split(text)), read(text, job_id=job_id))

    @property
    def has_seconds(self) -> bool:
        """Whether there are six fields."""
        return len(self.text.split()) == len(self.words)

    @property
    def is_nickname(self) -> bool:
        """Whether it is one word, such as ``@daily``."""
        return self.text.strip().startswith("@")

    def with_word(self, field: int, text: str) -> str:
        """Return the expression with another field."""
        texts: Sequence[str] = [text if place == field else word.text for place, word in enumerate(self.words)]
        return " ".join(texts if self.has_seconds else texts[1:])

    def with_item(self, field: int, place: int, text: str) -> str:
        """Return the expression with another item in the list of a field."""
        items = [item.text for item in self.words[field].items]
        return self.with_word(field, ",".join([*items[:place], text, *items[place + 1 :]]))
