"""The decision: what becomes of a job, by what the folder says and the store has."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedsync.plan.diff import diff, duplicate_problems
from schedsync.plan.ops import Plan
from schedsync.plan.state import Located, ObservedJob, PruneGuard, Snapshot, Source, UnknownPath
from schedsync.specs.following import Follows
from schedsync.specs.problem import Problem
from tests.builders import HOUR, NOW, located, observed, snapshot, store

GUARD = PruneGuard()
ALLOWED = PruneGuard(allow=True)
BROKEN = UnknownPath("broken.yaml", "run: [")


def plan(folder: Snapshot, *live: ObservedJob, guard: PruneGuard = GUARD, now: datetime = NOW) -> Plan:
    return diff(folder, store(*live), now=now, guard=guard)


def live(*names: str, **fields: Any) -> list[ObservedJob]:
    return [observed(job=located(id=name, **fields)) for name in names]


def verdicts(decided: Plan) -> dict[str, str]:
    """Return what happens to each job, by the id that it has now."""
    return {
        **{add.job.spec.id: "add" for add in decided.add},
        **{
            u.before.id: "rename" if u.renames else "update" if u.changes_spec else "move" if u.moves else "heal"
            for u in decided.update
        },
        **{keep.before.id: "keep" for keep in decided.keep},
        **{removal.before.id: "remove" for removal in decided.remove},
        **{held.before.id: f"hold: {held.why}" for held in decided.hold},
    }


# jobs that the folder has


def test_a_job_that_the_store_does_not_have_is_added() -> None:
    (add,) = plan(snapshot(located())).add
    assert (add.anchor_at, add.next_fire_at) == (NOW, NOW + HOUR)


def test_the_anchor_of_a_new_job_is_a_whole_second_and_its_first_slot_after_now() -> None:
    now = NOW + timedelta(milliseconds=999)
    (add,) = plan(snapshot(located(schedule={"every": "1s"})), now=now).add
    assert (add.anchor_at, add.next_fire_at) == (NOW, NOW + timedelta(seconds=1))


def test_a_one_off_in_the_past_is_added_as_finished() -> None:
    (add,) = plan(snapshot(located(schedule={"at": "2020-01-01"}))).add
    assert add.next_fire_at is None


def test_a_job_that_is_as_its_file_says_is_left_alone() -> None:
    decided = plan(snapshot(located()), observed())
    assert (decided.update, decided.unchanged, decided.writes, decided.complete) == ((), 1, False, True)


def test_an_edit_beside_the_schedule_keeps_the_next_slot_also_when_it_is_overdue() -> None:
    overdue = observed(next_fire_at=NOW - 3 * HOUR)
    (update,) = plan(snapshot(located(description="better said")), overdue).update
    assert (update.changes_spec, update.reschedules, update.next_fire_at) == (True, False, NOW - 3 * HOUR)


def test_an_edit_of_the_schedule_sets_a_slot_after_now_in_the_phase_of_the_anchor() -> None:
    before = observed(anchor_at=NOW - timedelta(minutes=50), next_fire_at=NOW - 5 * HOUR)
    (update,) = plan(snapshot(located(schedule={"every": "15m"})), before).update
    assert (update.reschedules, update.next_fire_at) == (True, NOW + timedelta(minutes=10))


def test_a_slot_that_is_now_is_not_scheduled_by_an_edit() -> None:
    (update,) = plan(snapshot(located(schedule={"cron": "0 * * * *"})), observed()).update
    assert update.next_fire_at == NOW + HOUR


def test_an_edit_of_the_schedule_that_leaves_the_next_slot_where_it_is_is_an_edit_of_the_schedule() -> None:
    """The slot may have moved since it was looked at, so it has to be written."""
    before = observed(next_fire_at=NOW + HOUR)
    (update,) = plan(snapshot(located(schedule={"cron": "0 * * * *"})), before).update
    assert (update.next_fire_at, update.reschedules) == (NOW + HOUR, True)


def test_a_one_off_that_has_run_stays_finished_until_its_time_changes() -> None:
    ran = located(schedule={"at": "2026-11-24T01:00"})
    finished = observed(job=ran, next_fire_at=None)
    assert plan(snapshot(ran), finished).unchanged == 1
    (update,) = plan(snapshot(located(schedule={"at": "2026-11-24T05:00"})), finished).update
    assert update.next_fire_at == NOW + 3 * HOUR


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param({"next_fire_at": None}, id="no next slot"),
        pytest.param({"suspended": True}, id="suspended"),
        pytest.param({"prune": "never"}, id="prune"),
        pytest.param({"stale": True}, id="stale"),
        pytest.param({"schedule_digest": "0"}, id="the schedule's digest"),
    ],
)
def test_what_another_hand_changed_is_healed(drift: dict[str, Any]) -> None:
    decided = plan(snapshot(located()), replace(observed(), **drift))
    assert (verdicts(decided), decided.writes) == ({"job": "heal"}, True)
    (update,) = decided.update
    assert update.next_fire_at == (NOW + HOUR if {"next_fire_at", "schedule_digest"} & drift.keys() else NOW)
    assert update.reschedules is (update.next_fire_at != NOW)


@pytest.mark.parametrize(
    ("fields", "reschedules"),
    [
        ({"suspend": True}, False),
        ({"prune": "never"}, False),
        ({"timeout": "5m"}, False),
        ({"schedule": {"every": "2h"}}, True),
    ],
)
def test_an_edit_writes_the_next_slot_only_when_the_schedule_changed(fields: dict[str, Any], reschedules: bool) -> None:
    (update,) = plan(snapshot(located(**fields)), observed()).update
    assert (update.changes_spec, update.reschedules) == (True, reschedules)


@pytest.mark.parametrize("place", [{"file": "sub/other.yaml"}, {"line": 7}])
def test_a_job_that_stands_elsewhere_is_moved(place: dict[str, Any]) -> None:
    decided = plan(snapshot(located(**place)), observed())
    assert (verdicts(decided), decided.update[0].reschedules) == ({"job": "move"}, False)


# renames


def test_a_rename_keeps_the_row_and_its_next_slot() -> None:
    decided = plan(snapshot(located(id="new", renamed_from="job")), observed())
    assert verdicts(decided) == {"job": "rename"}
    assert (decided.update[0].reschedules, decided.update[0].next_fire_at) == (False, NOW)


@pytest.mark.parametrize("schedule", [{"every": "1h", "jitter": "30m"}, {"cron": "H * * * *"}], ids=["jitter", "H"])
def test_a_rename_moves_a_slot_that_follows_the_id_so_that_it_does_not_come_twice(schedule: dict[str, str]) -> None:
    """What is overdue still has to be claimed, so it stays."""
    renamed = located(id="new", renamed_from="job", schedule=schedule)
    old = observed(job=located(schedule=schedule), next_fire_at=NOW + timedelta(minutes=7))
    (update,) = plan(snapshot(renamed), old).update
    assert update.reschedules
    assert update.next_fire_at is not None
    assert update.next_fire_at > NOW
    assert not plan(snapshot(renamed), replace(old, next_fire_at=NOW)).update[0].reschedules


@pytest.mark.parametrize(
    ("folder", "names", "expected"),
    [
        pytest.param([located(id="new", renamed_from="old")], [], {"new": "add"}, id="the old one is unknown"),
        pytest.param(
            [located(id="new", renamed_from="old"), located(id="old")],
            [],
            {"new": "add", "old": "add"},
            id="neither is live",
        ),
        pytest.param(
            [located(id="a", renamed_from="old"), located(id="b", renamed_from="old")],
            ["old"],
            {"old": "rename", "b": "add"},
            id="two want to be it: the first by id is",
        ),
        pytest.param(
            [located(id="new", renamed_from="old"), located(id="old", file="1.yaml"), located(id="old", file="2.yaml")],
            ["old"],
            {"old": "keep"},
            id="the old one is claimed twice",
        ),
        pytest.param(
            [located(id="new", renamed_from="old", file=f"{n}.yaml") for n in (1, 2)],
            ["old"],
            {"old": "keep"},
            id="the new one is claimed twice",
        ),
    ],
)
def test_a_rename_needs_an_old_id_that_nobody_else_wants(
    folder: list[Located], names: list[str], expected: dict[str, str]
) -> None:
    assert verdicts(plan(snapshot(*folder), *live(*names))) == expected


# the same id twice


def test_of_two_files_with_one_id_the_live_one_stays_and_both_are_named() -> None:
    edited, copy = located(description="edited"), located(file="copy.yaml", line=3)
    decided = plan(snapshot(copy, edited), observed())
    assert (verdicts(decided), decided.update[0].job) == ({"job": "update"}, edited)
    assert [str(problem) for problem in decided.problems] == [
        'copy.yaml:3:1: the id "job" is also in job.yaml:1; give one of them another id',
        'job.yaml:1:1: the id "job" is also in copy.yaml:3; give one of them another id',
    ]
    assert not decided.complete


@pytest.mark.parametrize("live_id", ["job", "other"])
def test_a_file_that_claims_an_id_of_another_keeps_the_job_that_it_had(live_id: str) -> None:
    """It is a mistake like any other: the job runs on from its last good spec."""
    folder = snapshot(located(), located(file="broken.yaml"))
    before = [observed(job=located(id=live_id)), observed(job=located(id="had", file="broken.yaml"))]
    assert verdicts(plan(folder, *before))["had"] == "keep"


def test_a_file_whose_claim_won_may_lose_other_jobs() -> None:
    folder = snapshot(located(), located(file="copy.yaml"))
    decided = plan(folder, observed(), observed(job=located(id="had", file="job.yaml")))
    assert verdicts(decided) == {"had": "remove"}


def test_an_id_twice_in_the_live_file_keeps_the_other_jobs_of_that_file() -> None:
    """One of the two may be the other job, which has got this id by mistake."""
    folder = snapshot(located(id="x", file="a.yaml"), located(id="x", file="a.yaml", line=5))
    before = [observed(job=located(id=name, file="a.yaml")) for name in ("x", "y")]
    assert verdicts(plan(folder, *before)) == {"x": "keep", "y": "keep"}


def test_of_two_files_with_one_id_neither_is_new() -> None:
    decided = plan(snapshot(located(file="1.yaml"), located(file="2.yaml")))
    assert (verdicts(decided), len(decided.problems)) == ({}, 2)


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([("1.yaml", 1), ("2.yaml", 1)], id="both moved"),
        pytest.param([("job.yaml", 1), ("job.yaml", 9)], id="both in the live file"),
        pytest.param([("job.yaml", 1), ("job.yaml", 1)], id="both in one line"),
    ],
)
def test_where_it_cannot_be_told_which_is_live_the_job_is_kept(places: list[tuple[str, int]]) -> None:
    decided = plan(snapshot(*(located(file=file, line=line) for file, line in places)), observed())
    assert verdicts(decided) == {"job": "keep"}


def test_a_problem_with_an_id_names_all_other_places() -> None:
    places = [located(file=file, line=2) for file in ("a.yaml", "b.yaml", "c.yaml")]
    assert duplicate_problems("job", places)[0] == Problem(
        file="a.yaml",
        line=2,
        column=1,
        message='the id "job" is also in b.yaml:2 and c.yaml:2; give one of them another id',
        job_id="job",
        field="id",
        found='"job"',
        expected="an id that no other job has",
    )
    (once, again) = duplicate_problems("job", [located(), located()])
    assert once.message == again.message == 'the id "job" is also in job.yaml:1; give one of them another id'


# jobs that the folder does not have


@pytest.mark.parametrize(
    ("folder", "verdict"),
    [
        pytest.param({}, "remove", id="its file is gone"),
        pytest.param({"unknown": [UnknownPath("job.yaml")]}, "keep", id="its file is broken"),
        pytest.param({"unknown": [UnknownPath(".")]}, "keep", id="the folder is broken"),
        pytest.param({"unknown": [UnknownPath("job", "")]}, "remove", id="a folder of a similar name is broken"),
        pytest.param({"unknown": [BROKEN]}, "remove", id="a file that does not mention it is broken"),
        pytest.param(
            {"unknown": [UnknownPath("broken.yaml", "- id: job\n  run: [")]},
            "hold: broken.yaml cannot be parsed and mentions this id: the job may have moved there",
            id="a file that mentions it is broken",
        ),
        pytest.param(
            {"unknown": [UnknownPath("broken.yaml", "- id: job-2\n- id: my.job\n")]}, "remove", id="it mentions others"
        ),
        pytest.param(
            {"unknown": [UnknownPath("new.yaml")]},
            "hold: new.yaml cannot be read: the job may have moved there",
            id="a new file cannot be read",
        ),
        pytest.param({"unknown": [UnknownPath("new", "")]}, "remove", id="defaults of a new folder are broken"),
        pytest.param(
            {"unavailable": "the folder is missing"}, "hold: the folder is missing", id="the folder is missing"
        ),
        pytest.param(
            {"unavailable": "the folder is empty", "empty": True}, "hold: the folder is empty", id="the folder is empty"
        ),
        pytest.param({"problems": [Problem("x.yaml", 1, 1, "wrong")]}, "remove", id="a problem elsewhere"),
    ],
)
def test_unknown_is_not_absent(folder: dict[str, Any], verdict: str) -> None:
    folder = {name: tuple(value) if isinstance(value, list) else value for name, value in folder.items()}
    assert verdicts(plan(snapshot(**folder), observed())) == {"job": verdict}


def test_a_broken_folder_covers_what_is_below_it() -> None:
    below = [observed(job=located(id=name, file=file)) for name, file in [("a", "erp/a.yaml"), ("b", "erp2/b.yaml")]]
    decided = plan(snapshot(unknown=(UnknownPath("erp"),)), *below)
    assert verdicts(decided) == {"a": "keep", "b": "remove"}


@pytest.mark.parametrize("path", ["old", "old/z.yaml"])
def test_what_cannot_be_read_stops_no_removal_elsewhere_where_a_live_job_came_from_it(path: str) -> None:
    """Or one broken corner would stop everybody's clean-up."""
    folder = snapshot(located(id="z", file="moved.yaml"), unknown=(UnknownPath(path),))
    decided = plan(folder, observed(), observed(job=located(id="z", file="old/z.yaml")))
    assert verdicts(decided) == {"job": "remove", "z": "move"}


def test_a_job_that_is_kept_already_needs_no_writing() -> None:
    folder = snapshot(unknown=(UnknownPath("job.yaml"),))
    assert plan(folder, observed()).writes
    assert not plan(folder, observed(stale=True)).writes


def test_a_job_whose_broken_file_is_mended_is_no_longer_stale() -> None:
    assert verdicts(plan(snapshot(located()), observed(stale=True))) == {"job": "heal"}


def test_a_job_that_moved_out_of_a_broken_file_is_moved() -> None:
    folder = snapshot(located(file="new.yaml"), unknown=(UnknownPath("job.yaml", "id: job"),))
    assert verdicts(plan(folder, observed())) == {"job": "move"}


# the guard


@pytest.mark.parametrize(
    ("gone", "stay", "held"),
    [(10, 0, False), (11, 0, True), (11, 10, True), (11, 11, False), (11, 12, False), (100, 99, True)],
)
def test_removals_beyond_both_limits_wait_for_a_person(gone: int, stay: int, held: bool) -> None:
    names = [f"gone-{n:03}" for n in range(gone)]
    staying = [located(id=f"stay-{n:03}") for n in range(stay)]
    jobs = [*live(*names), *(observed(job=job) for job in staying)]
    folder = snapshot(*staying)
    decided = plan(folder, *jobs)
    assert (len(decided.hold), len(decided.remove)) == ((gone, 0) if held else (0, gone))
    assert all(f"{gone} of {gone + stay} jobs would be removed at once" in hold.why for hold in decided.hold)
    assert len(plan(folder, *jobs, guard=ALLOWED).remove) == gone


def test_jobs_that_are_held_or_kept_or_renamed_do_not_count_as_removals() -> None:
    jobs = [*live(*(f"r{n:02}" for n in range(10))), *live("moved", "kept", "held", prune="confirm")]
    folder = snapshot(located(id="new", renamed_from="moved"), unknown=(UnknownPath("kept.yaml"),))
    decided = plan(folder, *jobs)
    assert decided.counts() == {
        "added": 0,
        "updated": 0,
        "renamed": 1,
        "moved": 0,
        "healed": 0,
        "removed": 10,
        "held": 1,
        "stale": 1,
        "unchanged": 0,
    }


@pytest.mark.parametrize(
    ("prune", "folder", "expected", "allowed"),
    [
        pytest.param("auto", {}, "remove", "remove", id="auto"),
        pytest.param(
            "confirm",
            {},
            "hold: its last good spec says prune: confirm; `schedsync apply --allow-prune` removes it",
            "remove",
            id="confirm",
        ),
        pytest.param(
            "never",
            {},
            "hold: its last good spec says prune: never",
            "hold: its last good spec says prune: never",
            id="never",
        ),
        pytest.param("auto", {"unavailable": "gone"}, "hold: gone", "hold: gone", id="missing folder"),
        pytest.param("auto", {"unavailable": "empty", "empty": True}, "hold: empty", "remove", id="empty folder"),
        pytest.param("auto", {"unknown": (UnknownPath("job.yaml"),)}, "keep", "keep", id="broken file"),
        pytest.param(
            "auto",
            {"unknown": (UnknownPath("b.yaml", "job"),)},
            "hold: b.yaml cannot be parsed and mentions this id: the job may have moved there",
            "hold: b.yaml cannot be parsed and mentions this id: the job may have moved there",
            id="mentioned",
        ),
        pytest.param(
            "auto",
            {"unknown": (UnknownPath("b.yaml"),)},
            "hold: b.yaml cannot be read: the job may have moved there",
            "hold: b.yaml cannot be read: the job may have moved there",
            id="unreadable",
        ),
    ],
)
def test_a_persons_word_lifts_what_is_known_and_makes_nothing_known(
    prune: str, folder: dict[str, Any], expected: str, allowed: str
) -> None:
    before = observed(prune=prune)
    assert verdicts(plan(snapshot(**folder), before)) == {"job": expected}
    assert verdicts(plan(snapshot(**folder), before, guard=ALLOWED)) == {"job": allowed}


# the plan as a whole


def test_a_plan_is_ordered_by_id_whatever_the_folder_is() -> None:
    jobs = [located(id=name) for name in ("c", "a", "b")]
    assert [add.job.spec.id for add in plan(snapshot(*jobs)).add] == ["a", "b", "c"]
    edited = snapshot(*(located(id=name, description="x") for name in ("c", "a", "b")))
    assert [update.before.id for update in plan(edited, *live("b", "c", "a")).update] == ["a", "b", "c"]
    assert [removal.before.id for removal in plan(snapshot(located(id="x")), *live("b", "c", "a")).remove] == [
        "a",
        "b",
        "c",
    ]


def test_a_plan_passes_on_problems_and_revision() -> None:
    wrong = Problem("x.yaml", 1, 1, "wrong")
    decided = plan(snapshot(problems=(wrong,), revision="abc"))
    assert (decided.problems, decided.revision, decided.writes, decided.complete) == ((wrong,), "abc", False, False)


def test_a_source_is_a_file_and_a_line() -> None:
    assert located(file="a.yaml", line=3).source == Source("a.yaml", 3)


def test_a_job_that_waits_for_the_service_to_start_is_added_without_a_slot_and_stays_as_it_is() -> None:
    waits = located(id="a", schedule={"cron": "@reboot"})
    (add,) = plan(snapshot(waits)).add
    assert add.next_fire_at is None
    assert plan(snapshot(waits), observed(job=waits, next_fire_at=None)).unchanged == 1


def test_a_job_that_no_longer_waits_for_the_service_to_start_is_updated_and_gets_its_slots() -> None:
    waits = observed(job=located(schedule={"cron": "@reboot"}), next_fire_at=None)
    (update,) = plan(snapshot(located(schedule={"every": "1h"})), waits).update
    assert update.next_fire_at == NOW + HOUR
    (back,) = plan(snapshot(located(schedule={"cron": "@reboot"})), observed(job=located())).update
    assert (back.next_fire_at, back.reschedules) == (None, True)


def test_what_a_job_follows_is_healed_where_another_hand_has_changed_it() -> None:
    waits = located(schedule={"cron": "@reboot"})
    assert verdicts(plan(snapshot(waits), observed(job=waits, next_fire_at=None, follows=Follows.NOTHING))) == {
        "job": "heal"
    }
