"""What a running service says about its database when that does not let it in any more."""

from tests.acceptance.harness import Folder, Service, eventually
from tests.contract.oracle import Standin


def test_a_service_whose_account_gets_locked_says_so_and_what_to_do(
    folder: Folder, service: Service, standin: Standin
) -> None:
    folder.shell("hello", "true", schedule="{every: 1h}")
    service.database = standin.url
    service.start()
    eventually(lambda: service.job_ids() == {"hello"})
    standin.refuse(60, 28000)
    standin.kill_sessions()
    # Whatever the status is meanwhile, the sentence stands in it.
    told = eventually(lambda: [said for _, said in [service.ask("/api/status")] if "account is locked" in str(said)])
    logged = eventually(lambda: [line for line in service.log if "ALTER USER name ACCOUNT UNLOCK" in line])
    assert "tiger" not in str(told) + str(logged)
    standin.refuse(0)
    assert eventually(lambda: service.ask("/api/status")[0] == 200, within=60)
    assert eventually(lambda: service.get("/api/status")["database"]["ok"], within=60)
