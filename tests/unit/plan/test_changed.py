"""Which jobs a plan changes."""

from schedsync.plan.ops import MOST_NAMED, Add, Changed, Plan, Remove, Update
from tests.builders import NOW, located, observed


def _adds(count: int) -> tuple[Add, ...]:
    return tuple(Add(located(id=f"new-{number}"), NOW, NOW) for number in range(count))


def test_each_kind_of_change_has_the_ids_of_its_jobs() -> None:
    edited = Update(located(id="edited", description="new"), observed(job=located(id="edited")), NOW)
    renamed = Update(located(id="now"), observed(job=located(id="before")), NOW)
    moved = Update(located(id="moved", file="elsewhere.yaml"), observed(job=located(id="moved")), NOW)
    healed = Update(located(id="healed"), observed(job=located(id="healed"), stale=True), NOW)
    plan = Plan(
        add=_adds(1), update=(edited, renamed, moved, healed), remove=(Remove(observed(job=located(id="gone"))),)
    )
    assert plan.changed() == Changed(("new-0",), ("edited",), (("before", "now"),), ("gone",))


def test_a_huge_change_names_the_first_ones_and_says_that_there_are_more() -> None:
    assert not Plan(add=_adds(MOST_NAMED)).changed().truncated
    changed = Plan(add=_adds(MOST_NAMED + 1)).changed()
    assert (len(changed.added), changed.added[0], changed.truncated) == (MOST_NAMED, "new-0", True)
