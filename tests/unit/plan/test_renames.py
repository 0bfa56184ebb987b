"""Jobs that say which they were: the row goes with the id, or nothing changes and the file is told why."""

from dataclasses import replace

import pytest

from schedsync.plan.diff import diff
from schedsync.plan.ops import Plan
from schedsync.plan.state import Located, ObservedJob, PruneGuard, UnknownPath
from schedsync.specs.problem import Problem
from tests.builders import NOW, located, observed, snapshot, store


def planned(*jobs: Located, live: list[ObservedJob], unknown: tuple[UnknownPath, ...] = ()) -> Plan:
    return diff(snapshot(*jobs, unknown=unknown), store(*live), now=NOW, guard=PruneGuard())


def rows(*names: str) -> list[ObservedJob]:
    return [observed(job=located(id=name)) for name in names]


def changes(plan: Plan) -> list[str]:
    """Return the ids that a plan touches, but for those that are kept."""
    adds = [f"+{add.job.spec.id}" for add in plan.add]
    updates = [f"{update.before.id}>{update.job.spec.id}" for update in plan.update]
    return [*adds, *updates, *(f"-{removal.before.id}" for removal in plan.remove)]


def kept(plan: Plan) -> list[str]:
    return [keep.before.id for keep in plan.keep]


def messages(plan: Plan) -> list[str]:
    return [str(problem) for problem in plan.problems]


# the old one is still there


def test_a_copy_that_says_what_it_was_waits_until_the_old_one_is_gone() -> None:
    copy = located(id="b", renamed_from="a")
    plan = planned(located(id="a"), copy, live=rows("a"))
    assert (changes(plan), kept(plan), plan.unchanged, plan.complete) == ([], [], 1, False)
    assert plan.problems == (
        Problem(
            "b.yaml",
            2,
            15,
            'renamed_from: "a" is still in a.yaml:1; remove it there, or renamed_from here',
            "b",
            "renamed_from",
            '"a"',
            "the id of a job that no file has any more",
        ),
    )
    assert changes(planned(copy, live=rows("a"))) == ["a>b"]


def test_an_edit_of_the_old_one_is_made_while_its_copy_waits() -> None:
    edited = located(id="a", description="edited")
    assert changes(planned(edited, located(id="b", renamed_from="a"), live=rows("a"))) == ["a>a"]


def test_all_places_of_the_old_one_are_named() -> None:
    olds = [located(id="old", file=f"{n}.yaml") for n in (1, 2)]
    plan = planned(located(id="new", renamed_from="old"), *olds, live=rows("old"))
    assert (changes(plan), kept(plan)) == ([], ["old"])
    assert 'renamed_from: "old" is still in 1.yaml:1 and 2.yaml:1; remove' in messages(plan)[-1]


def test_a_file_whose_new_job_waits_keeps_the_job_that_it_had_and_its_other_jobs_go_on() -> None:
    new, other = located(id="b", renamed_from="a", file="b.yaml"), located(id="other", file="b.yaml", line=5)
    live = [*rows("a"), observed(job=located(id="had", file="b.yaml"))]
    plan = planned(located(id="a"), new, other, live=live)
    assert (changes(plan), kept(plan)) == (["+other"], ["had"])


# the new one is live already


def test_a_job_that_changes_to_be_one_that_is_gone_stays_as_it_is_and_so_does_that_one() -> None:
    changed = located(id="new", renamed_from="old")
    plan = planned(changed, live=rows("old", "new"))
    assert (changes(plan), kept(plan)) == ([], ["new", "old"])
    assert plan.problems == (
        Problem(
            "new.yaml",
            2,
            15,
            'renamed_from: "old" cannot become "new", which is a live job itself; first give that one another id and '
            'apply, then rename "old"; or remove renamed_from here, and "old" is given up',
            "new",
            "renamed_from",
            '"old"',
            "the id that a job had which is not live under its new one yet",
        ),
    )
    assert changes(planned(located(id="new", description="x"), live=rows("old", "new"))) == ["new>new", "-old"]


def test_a_line_that_was_left_in_a_job_keeps_nobody() -> None:
    renamed = located(id="new", renamed_from="old")
    live = [*rows("old"), observed(job=renamed)]
    assert changes(planned(renamed, live=live)) == ["-old"]
    assert changes(planned(replace(renamed, source=replace(renamed.source, line=7)), live=live)) == ["new>new", "-old"]
    assert changes(planned(located(id="new", renamed_from="old", description="x"), located(id="old"), live=live)) == [
        "new>new"
    ]


def test_a_job_whose_stored_spec_is_lost_is_healed_whatever_it_was() -> None:
    live = [*rows("old"), replace(observed(job=located(id="new")), digest="")]
    assert changes(planned(located(id="new", renamed_from="old"), live=live)) == ["new>new", "-old"]


def test_a_job_that_another_one_becomes_keeps_nobody() -> None:
    jobs = [located(id="fresh", renamed_from="old"), located(id="new", renamed_from="old")]
    assert changes(planned(*jobs, live=rows("old", "new"))) == ["old>fresh", "new>new"]


def test_a_chain_in_one_step_changes_nothing_and_goes_from_its_end() -> None:
    b, c = located(id="b", renamed_from="a", file="1.yaml"), located(id="c", renamed_from="b", file="2.yaml")
    live = [observed(job=located(id="a", file="1.yaml")), observed(job=located(id="b", file="2.yaml"))]
    plan = planned(b, c, live=live)
    assert (changes(plan), kept(plan)) == ([], ["a", "b"])
    assert [problem.job_id for problem in plan.problems] == ["b", "c"]
    assert changes(planned(located(id="a", file="1.yaml"), c, live=live)) == ["b>c"]
    assert changes(planned(b, c, live=[live[0], observed(job=c)])) == ["a>b"]


# circles


def test_two_jobs_that_would_have_each_others_ids_stay_as_they_are() -> None:
    plan = planned(located(id="a", renamed_from="b"), located(id="b", renamed_from="a"), live=rows("a", "b"))
    assert (changes(plan), kept(plan)) == ([], ["a", "b"])
    assert messages(plan) == [
        f"{name}.yaml:2:15: renamed_from: jobs cannot change ids with each other in one step ({drawn}); first give one "
        "of them an id that is free and apply, then rename the others one after another"
        for name, drawn in (("a", "a -> b -> a"), ("b", "b -> a -> b"))
    ]


def test_three_jobs_that_would_pass_on_their_ids_in_a_circle_stay_as_they_are() -> None:
    jobs = [located(id=new, renamed_from=old) for new, old in ("ac", "ba", "cb")]
    plan = planned(*jobs, live=rows("a", "b", "c"))
    assert (changes(plan), kept(plan)) == ([], ["a", "b", "c"])
    assert "(a -> b -> c -> a)" in messages(plan)[0]


def test_a_circle_of_which_one_job_changes_is_refused_and_one_of_which_none_does_is_none() -> None:
    a, b = located(id="a", renamed_from="b"), located(id="b", renamed_from="a")
    assert kept(planned(a, b, live=[observed(job=a), *rows("b")])) == ["a", "b"]
    assert planned(a, b, live=[observed(job=a), observed(job=b)]).unchanged == 2


# who runs after them


@pytest.mark.parametrize("follower_is_live", [True, False], ids=["an edit", "an addition"])
def test_a_change_of_a_job_that_is_to_run_after_one_that_waits_waits_too(follower_is_live: bool) -> None:
    """Else the ends of the old one would start nobody."""
    jobs = [located(id="a"), located(id="b", renamed_from="a"), located(id="f", after={"b": "any"})]
    live = [*rows("a"), *([observed(job=located(id="f", after={"a": "any"}))] if follower_is_live else [])]
    plan = planned(*jobs, live=live)
    assert (changes(plan), kept(plan)) == ([], ["f"] if follower_is_live else [])
    assert messages(plan)[1:] == [
        'f.yaml:2:3: after: "b" does not become live as its file says; set its renamed_from right first'
    ]
    assert (plan.problems[1].job_id, plan.problems[1].field) == ("f", "after.b")


def test_a_job_that_is_renamed_and_is_to_run_after_one_that_waits_keeps_its_old_id() -> None:
    jobs = [located(id="a"), located(id="b", renamed_from="a"), located(id="g", renamed_from="f", after={"b": "any"})]
    plan = planned(*jobs, live=rows("a", "f"))
    assert (changes(plan), kept(plan)) == ([], ["f"])


def test_a_job_that_runs_after_one_that_waits_and_does_not_change_goes_on() -> None:
    follower = located(id="f", after={"b": "any"})
    jobs = [located(id="b", renamed_from="a"), follower]
    plan = planned(*jobs, live=[*rows("a", "b"), observed(job=follower)])
    assert (kept(plan), plan.unchanged, len(plan.problems)) == (["a", "b"], 1, 1)


def test_a_broken_file_of_the_old_one_does_not_make_a_change_of_a_live_job_its_rename() -> None:
    plan = planned(located(id="b", renamed_from="a"), live=rows("a", "b"), unknown=(UnknownPath("a.yaml"),))
    assert (changes(plan), kept(plan)) == ([], ["a", "b"])
