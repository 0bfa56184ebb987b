"""What is to be written of runs, when their jobs get new ids meanwhile."""

from dataclasses import replace

from schedsync.runs.notices import Ending
from schedsync.runs.outcome import Output
from schedsync.store.results import RunChanges
from tests.builders import run


def test_what_has_no_row_yet_is_written_under_the_new_id_and_the_rest_finds_its_row() -> None:
    ended, retry, follower, other = run(job_id="old"), run(job_id="old"), run(job_id="old"), run(job_id="other")
    changes = RunChanges(
        settled=[(ended, Output())], retries=[retry, other], followers=[follower], endings=[Ending(ended, None)]
    )
    changes.rename({"old": "new"})
    assert changes == RunChanges(
        settled=[(ended, Output())],
        retries=[replace(retry, job_id="new"), other],
        followers=[replace(follower, job_id="new")],
        endings=[Ending(replace(ended, job_id="new"), None)],
    )
