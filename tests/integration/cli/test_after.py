"""Jobs that run after others, as the command line shows them."""

import pytest

from schedsync.cli.exits import Exit
from tests.integration.cli.harness import HOURLY, CommandLine


def after(*upstreams: str) -> str:
    named = ", ".join(f"{upstream}: succeeded" for upstream in upstreams)
    return f"description: x\nafter: {{{named}}}\nrun: {{shell: a}}\n"


def test_a_follower_is_listed_with_what_it_follows_and_is_active(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=after("a"))
    assert [" ".join(row).split()[:3] for row in cli("jobs").rows][1] == ["b", "active", "-"]
    assert "after a succeeded" in cli("jobs").out
    shown = cli("jobs", "b", "--json").json
    assert (shown["state"], shown["next_fire_at"], shown["spec"]["after"]) == ("active", None, {"a": ["succeeded"]})
    assert "after:\n  a: [succeeded]" in cli("jobs", "b").out


def test_next_says_after_what_it_runs(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli.write("b.yaml", after("a"))
    assert cli("next", "b").out.splitlines() == ["b  (after a succeeded)", "  when one of these runs ends so"]
    assert cli("next", "b", "--json").json == {"jobs": [{"id": "b", "fires": [], "after": {"a": ["succeeded"]}}]}


def test_a_plan_shows_when_a_job_begins_to_follow_another(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY)
    cli.write("b.yaml", after("a"))
    planned = cli("plan")
    assert planned.code == Exit.CHANGES
    assert '    schedule: [{"every": "1h"}] -> (default)' in planned.out
    assert '    after: (default) -> {"a": ["succeeded"]}' in planned.out
    assert cli("apply").code == Exit.OK
    assert cli("plan").out == "Plan: 2 unchanged.\n"


CIRCLE = "c would run after itself: c -> b -> c; take one of these steps out"


def test_a_circle_is_shown_at_the_step_that_closes_it(cli: CommandLine) -> None:
    for name, text in {"a": HOURLY, "b": after("a", "c"), "c": after("b")}.items():
        cli.write(f"{name}.yaml", text)
    checked = cli("validate", str(cli.jobs / "c.yaml"))
    assert checked.code == Exit.FAILURE
    assert checked.out.splitlines()[:5] == [
        f"error: after: {CIRCLE}",
        f"  --> {cli.jobs}/c.yaml:2:9",
        "   |",
        " 2 | after: {b: succeeded}",
        "   |         ^",
    ]
    applied = cli("apply", "--json")
    assert applied.code == Exit.FAILURE
    assert [(problem["file"], problem["line"], problem["column"]) for problem in applied.json["problems"]] == [
        ("b.yaml", 2, 23),
        ("c.yaml", 2, 9),
    ]
    assert [row[0] for row in cli("jobs").rows] == ["a"]


def test_a_slip_in_an_upstream_is_found_before_it_is_applied(cli: CommandLine) -> None:
    cli.write("close-books.yaml")
    cli.write("b.yaml", after("close-book"))
    checked = cli("validate")
    assert checked.code == Exit.FAILURE
    assert 'no job has the id "close-book"; did you mean "close-books"?' in checked.out


def test_a_file_that_is_checked_alone_may_follow_jobs_of_elsewhere(cli: CommandLine) -> None:
    alone = cli.home / "alone.yaml"
    alone.write_text(after("close-books"))
    assert cli("validate", str(alone)).code == Exit.OK
    alone.write_text(after("alone"))
    assert "alone -> alone" in cli("validate", str(alone)).out


@pytest.mark.parametrize("defaults", ["schedule: {every: 2h}", "schedule: {timezone: Europe/Berlin}"])
def test_a_schedule_in_defaults_is_not_for_followers(cli: CommandLine, defaults: str) -> None:
    cli.write("_defaults.yaml", f"{defaults}\n")
    cli.write("a.yaml")
    cli.write("b.yaml", after("a"))
    assert cli("validate").out == "2 jobs are valid\n"


def test_after_is_no_default(cli: CommandLine) -> None:
    cli.write("_defaults.yaml", "after: {a: any}\n")
    cli.write("a.yaml")
    assert '"after" cannot be a default; write it in the job that it is for' in cli("validate").out
