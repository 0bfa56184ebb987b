"""Runs out of turn, asked for over HTTP."""

from flask.testing import FlaskClient

from tests.builders import located
from tests.integration.api.conftest import Installation, problem


def test_a_run_is_promised_and_the_firing_loop_is_woken(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a", suspend=True))
    response = client.post("/api/jobs/a/run", json={"reason": "a try"})
    run = response.json or {}
    assert response.status_code == 202
    assert (run["job_id"], run["state"], run["cause"]) == ("a", "queued", "manual")
    assert (run["asked_by"], run["ask_reason"]) == ("api:127.0.0.1", "a try")
    assert (run["scheduled_at"], run["node"], run["revision"]) == ("2026-11-24T02:00:00Z", None, "r1")
    assert here.ticked == 1
    shown = client.get(f"/api/runs/{run['id']}").json or {}
    assert shown == run | {"waiting_for": shown["waiting_for"]}
    assert (client.get("/api/status").json or {})["counts"]["queued"] == 1


def test_two_wishes_within_one_moment_are_two_runs(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a"))
    first, second = ((client.post("/api/jobs/a/run").json or {})["id"] for _ in range(2))
    runs = (client.get("/api/jobs/a/runs").json or {})["runs"]
    assert [run["id"] for run in runs] == [second, first]
    assert runs[0]["scheduled_at"] == "2026-11-24T02:00:00.000001Z"


def test_a_job_that_is_not_there_is_refused_with_a_guess(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="erp.close-books"))
    response = client.post("/api/jobs/erp.close-book/run")
    detail = problem(response, 404)["detail"]
    assert detail == 'no job has the id "erp.close-book"; did you mean "erp.close-books"?'
    assert not here.ticked


def test_while_the_database_is_away_nothing_is_promised(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a"))
    here.vitals.database(here.clock.now, error="away")
    problem(client.post("/api/jobs/a/run"), 503)
    assert here.store.runs.unsettled() == []
