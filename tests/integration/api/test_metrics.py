"""The metrics over HTTP, and what is counted of requests."""

from dataclasses import replace
from datetime import timedelta

from flask.testing import FlaskClient

from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import CONTENT_TYPE, Metrics
from schedsync.status.mirror import Mirror
from schedsync.store.store import Store
from tests.builders import located, observed, store
from tests.integration.api.conftest import Installation
from tests.scrape import numbers

REQUESTS = "schedsync_http_requests_total"


def counted(client: FlaskClient, name: str = REQUESTS) -> dict[str, float]:
    """The requests before this one."""
    return {series: value for series, value in numbers(client.get("/metrics").text).items() if series.startswith(name)}


def test_the_answer_is_in_the_text_format(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
    assert "\nschedsync_leader 0.0\n" in answer.text


def test_a_scrape_asks_no_database(here: Installation) -> None:
    asked: list[str] = []
    here.store.database.on_transaction = lambda kind, _seconds, _answered: asked.append(kind)
    client = here.client()
    client.get("/api/jobs")
    assert asked
    asked.clear()
    assert client.get("/metrics").status_code == 200
    assert asked == []


def test_a_scrape_is_answered_while_the_database_is_away(here: Installation) -> None:
    here.vitals.database(here.clock.now, error="no route to host")
    here.clock.forward(minutes=2)
    metrics = Metrics(Instance(vitals=here.vitals, clock=here.clock))
    gone = Store.open("sqlite:////nowhere/at/all.db")
    found = numbers(here.client(store=gone, metrics=metrics).get("/metrics").text)
    assert (found["schedsync_database_up"], found["schedsync_database_outage_seconds_total"]) == (0, 120)


def test_requests_are_counted_by_their_endpoint_and_not_by_their_path(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a"), located(id="b"))
    for path in ("/api/jobs/a", "/api/jobs/b", "/api/jobs/missing"):
        client.get(path)
    client.post("/api/jobs/a/pause")
    assert counted(client) == {
        f'{REQUESTS}{{endpoint="/api/jobs/<job_id>",method="GET",status="200"}}': 2,
        f'{REQUESTS}{{endpoint="/api/jobs/<job_id>",method="GET",status="404"}}': 1,
        f'{REQUESTS}{{endpoint="/api/jobs/<job_id>/pause",method="POST",status="200"}}': 1,
    }


def test_what_is_refused_before_its_view_is_counted_too(client: FlaskClient) -> None:
    client.get("/api/jobs", headers={"Host": "evil.example.com"})
    client.get("/api/jobs?surplus=1")
    client.get("/nowhere/1")
    client.get("/nowhere/2")
    client.delete("/api/jobs")
    assert counted(client) == {
        f'{REQUESTS}{{endpoint="/api/jobs",method="GET",status="403"}}': 1,
        f'{REQUESTS}{{endpoint="/api/jobs",method="GET",status="400"}}': 1,
        f'{REQUESTS}{{endpoint="other",method="GET",status="404"}}': 2,
        f'{REQUESTS}{{endpoint="other",method="DELETE",status="405"}}': 1,
    }


def test_the_time_of_a_request_is_measured(here: Installation) -> None:
    def broken() -> None:
        raise ValueError

    client = here.client(waiting=broken)
    assert client.get("/api/queue").status_code == 500
    found = counted(client, "schedsync_http_request_duration_seconds")
    assert found['schedsync_http_request_duration_seconds_count{endpoint="/api/queue"}'] == 1
    assert found['schedsync_http_request_duration_seconds_sum{endpoint="/api/queue"}'] > 0


def test_each_job_has_its_series_until_it_is_removed(here: Installation) -> None:
    mirror = Mirror()
    metrics = Metrics(Instance(mirror=mirror))
    client = here.client(metrics=metrics)
    a, b = replace(observed(), id="a"), replace(observed(), id="b")
    metrics.per_job.learn_successes(dict.fromkeys(("a", "b"), here.clock.now))
    name = "schedsync_job_last_success_timestamp_seconds"
    for live in ((a, b), (b,)):
        mirror.see_jobs(store(*live), here.clock.now + timedelta(seconds=1))
        assert set(counted(client, name)) == {f'{name}{{job_id="{job.id}"}}' for job in live}
