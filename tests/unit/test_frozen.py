"""Values made by position, and changed, are what the class itself makes."""

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from schedsync.frozen import Maker


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    name: str | None = None


MAKER = Maker(Point)


def test_a_value_is_as_its_class_makes_it() -> None:
    made = MAKER.of((1, 5, "a"))
    assert made == Point(1, 5, "a")
    assert hash(made) == hash(Point(1, 5, "a"))
    with pytest.raises(FrozenInstanceError):
        made.x = 3  # type: ignore[misc] # that is the point


def test_a_changed_value_is_a_new_one() -> None:
    before = Point(1, name="a")
    after = MAKER.changed(before, {"y": 7})
    assert after == replace(before, y=7)
    assert before == Point(1, 2, "a")


@pytest.mark.parametrize("values", [(1, 2), (1, 2, "a", 4)])
def test_values_that_are_too_few_or_too_many_are_refused(values: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        MAKER.of(values)


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError):
        MAKER.changed(Point(1), {"z": 1})
