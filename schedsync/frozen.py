"""Frozen dataclasses with slots, made and changed in half of the time that they take by themselves.

Their own way sets each field by name, by a method that refuses to be used later. Where hundreds of them are made in
a second, that is most of what is done with them.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Maker(Generic[T]):
    """Makes values of a frozen dataclass with slots that has nothing to do when one is made."""

    def __init__(self, kind: type[T]) -> None:
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # a dataclass
        self._kind = kind
        self._slots: dict[str, Any] = {name: getattr(kind, name) for name in names}
        self._setters = tuple(slot.__set__ for slot in self._slots.values())
        self._values: Callable[[T], Sequence[Any]] = attrgetter(*names)

    def of(self, values: Sequence[Any]) -> T:
        """Return the value with these values in its fields, in their order; all of them."""
        new = object.__new__(self._kind)
        for setter, value in zip(self._setters, values, strict=True):
            setter(new, value)
        return new

    def changed(self, old: T, changes: dict[str, Any]) -> T:
        """Return *old* with other values in the fields that *changes* names, as ``replace`` does."""
        new = self.of(self._values(old))
        for name, value in changes.items():
            self._slots[name].__set__(new, value)
        return new
