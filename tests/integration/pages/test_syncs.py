"""The page of the steps of the reconcile loop."""

from dataclasses import replace

from schedsync.specs.problem import Problem
from schedsync.store.syncs import Held
from tests.builders import located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import Browse

SCRIPT = "<script>alert(1)</script>"


def test_it_says_what_each_step_changed(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"), located(id="b"), revision="first-revision-of-all")
    here.clock.forward(hours=1)
    here.apply(located(id="a", description="new"), revision="second")
    page = browse("/syncs")
    assert [text for name, text in page.headings if name == "h2"] == ["03:00:00 now", "02:00:00 1 h ago"]
    for said in ("1 job updated", "1 job removed", "2 jobs added", "second", "first-revi", "all live"):
        assert said in page.text
    assert page.link("a") == "/jobs/a"


def test_problems_come_with_their_place_and_are_text(here: Installation, browse: Browse) -> None:
    report = here.apply(located(id="a"))
    problem = Problem(f"{SCRIPT}.yaml", 3, 5, f"unknown key {SCRIPT}")
    wrong = replace(report, complete=False, problems=(problem,), held=(Held("a", "a.yaml", "its file says so"),))
    here.clock.forward(minutes=5)
    here.store.syncs.record(replace(wrong, at=here.clock.now, node="there"))
    page = browse("/syncs")
    assert f"{SCRIPT}.yaml:3:5" in page.text
    assert f"unknown key {SCRIPT}" in page.text
    assert "1 problem and 1 change held back" in page.text
    assert "by there" in page.text
    assert "its file says so" in page.text


def test_many_changes_are_folded_away(here: Installation, browse: Browse) -> None:
    here.apply(*(located(id=f"job-{n:03}") for n in range(250)))
    page = browse("/syncs")
    assert "250 jobs added" in page.text
    assert "180 more added" in page.text
    assert "Of each kind the first 200 are kept." in page.text


def test_older_steps_are_on_further_pages(here: Installation, browse: Browse) -> None:
    for number in range(3):
        here.apply(located(id=f"job-{number}"), revision=f"r{number}")
        here.clock.forward(minutes=1)
    first = browse("/syncs?limit=2")
    assert "revision r0" not in first.text
    assert "revision r0" in browse(first.link("Older")).text


def test_before_the_first_step_it_says_so(browse: Browse) -> None:
    assert "No step has been recorded yet." in browse("/syncs").text
