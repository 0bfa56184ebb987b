"""Which connection makes room for others."""

from dataclasses import dataclass, field

from schedsync.api.crowd import longest_idle


@dataclass
class Held:
    """A connection from an address, and when something came on it last."""

    address: str
    last_activity: float
    requests: list[str] = field(default_factory=list)

    @property
    def addr(self) -> tuple[str, int]:
        return self.address, id(self)


def test_the_longest_idle_one_goes_of_the_address_that_has_the_most() -> None:
    few, older, newer = Held("a", 1), Held("b", 3), Held("b", 4)
    assert longest_idle([few, newer, older]) is older


def test_of_addresses_with_as_many_the_longest_idle_one_goes() -> None:
    newer, older = Held("a", 2), Held("b", 1)
    assert longest_idle([newer, older]) is older


def test_what_is_in_work_stays_and_counts_for_its_address() -> None:
    at_work, idle, other = Held("a", 1, ["GET"]), Held("a", 5), Held("b", 2)
    assert longest_idle([at_work, other, idle]) is idle


def test_where_the_address_with_the_most_is_all_at_work_another_one_goes() -> None:
    at_work, other = [Held("a", 1, ["GET"]), Held("a", 1, ["GET"])], Held("b", 9)
    assert longest_idle([*at_work, other]) is other
    assert longest_idle(at_work) is None
    assert longest_idle([]) is None
