"""Requests to web services, as jobs of a real service."""

from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service, eventually
from tests.integration.executors.web import Handler, serving
from tests.listeners import free_port


def job(name: str, request: str, more: str = "") -> str:
    return f"id: {name}\nschedule: {{every: 1s}}\nrun:\n  http:\n{request}{more}"


def close(handler: Handler) -> None:
    """Close the month for who may do so, and tell what was heard."""
    allowed = handler.headers["Authorization"] == "Bearer hunter2-of-erp"
    handler.answer(200 if allowed else 401, f'{{"ok": true, "heard": "{handler.headers["Authorization"]}"}}'.encode())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_request_runs_and_its_secret_stays_one(
    service: Service, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_TOKEN", "Bearer hunter2-of-erp")
    folder.write("erp/token", "Bearer hunter2-of-erp\n")
    port = free_port()
    with serving(close) as web:
        request = f"    url: {web.url}/close\n    method: POST\n    json: {{month: 1}}\n"
        expect = "    expect: {body: '\"ok\": true'}\n"
        for source in ("{file: token}", "{env: ERP_TOKEN}"):
            name = source[1:4]
            folder.write(f"erp/{name}.yaml", job(name, request, f"    headers: {{Authorization: {source}}}\n{expect}"))
        folder.write("nobody.yaml", job("nobody", request))
        folder.write("refused.yaml", job("refused", f"    url: http://127.0.0.1:{port}\n"))
        service.start()
        runs = [eventually(partial(service.ended, name, "succeeded"))[0] for name in ("fil", "env")]
        logs = [service.get(f"/api/runs/{run['id']}/log") for run in runs]
        assert all('{"ok": true, "heard": "[redacted]"}' in log for log in logs)
        assert {asked.body for asked in web.asked} == {b'{"month": 1}'}

        eventually(lambda: service.ended("nobody", "failed"))
        eventually(lambda: service.ended("refused", "failed"))
        assert {name: service.ended(name, "failed")[0]["reason"] for name in ("nobody", "refused")} == {
            "nobody": "exit code 1; status 401 Unauthorized, expected 200-299",
            "refused": (
                f"exit code 1; cannot connect to 127.0.0.1:{port}: connection refused; does the service listen there?"
            ),
        }
        shown = service.job("env")["spec"]["run"]["http"]
        assert (shown["json"], shown["headers"]) == ({"month": 1}, {"Authorization": {"env": "ERP_TOKEN"}})

    seen = [*logs, *service.log, str([service.runs(name) for name in ("fil", "env", "nobody", "refused")])]
    seen += [path.read_bytes().decode(errors="replace") for path in tmp_path.glob("state.db*")]
    assert "hunter2-of-erp" not in "".join(seen)
