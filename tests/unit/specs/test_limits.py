"""Sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsync.specs.limits import format_size, parse_size
from tests.unit.specs.strategies import REPRODUCIBLE


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2 << 30), ("2gib", 2 << 30), ("512 MiB", 512 << 20), ("2GB", 2 * 10**9), ("1kB", 1000), (0, 0), ("0", 0)],
)
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size


@REPRODUCIBLE
@given(st.integers(0, 1 << 60))
def test_a_size_is_read_as_it_was_written(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["2G", "GiB", "-1GiB", "1.5GiB", "", "1 000MiB", 5, 1.5, True, None, "2000000TiB"])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"unit|not a size|expected a size|more than any machine"):
        parse_size(text)
