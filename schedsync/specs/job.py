"""A job as its author means it: the pydantic model of one entry of a job file."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from schedsync.specs.actions import AnyAction
from schedsync.specs.base import Model, Text
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.specs.notify import AnyHealthcheck, Notify
from schedsync.specs.policy import History, Misfire, Overlap, Prune, Retry
from schedsync.specs.schedule import Schedule
from schedsync.specs.wording import quoted

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def check_id(job_id: str) -> str:
    """Return *job_id* if it may be one.

    Raises:
        ValueError: it may not; the message says what may.
    """
    if not _ID.fullmatch(job_id):
        raise ValueError(
            f'{quoted(job_id)} cannot be an id: use up to 200 letters, digits, ".", "_" and "-", '
            "a letter or digit first"
        )
    return job_id


JobId = Annotated[Text, AfterValidator(check_id)]
Word = Annotated[Text, Field(min_length=1)]


class JobSpec(Model):
    """One job. Defaults are complete: nothing downstream has to ask again."""

    id: JobId = Field(description="Names the job for ever; default: the file's path without its ending, with dots.")
    description: Text = Field("", description="What the job is for, for people.")
    tags: tuple[Word, ...] = Field((), description="Words to find it by.")
    owner: Word | None = Field(None, description="Who is asked when it fails.")
    schedule: Schedule = Field(description="When it runs: one of cron, every, at; or a list, of which any fires.")
    run: AnyAction = Field(description="What it runs: one of command, shell, script, python, sql, plsql.")
    timeout: PositiveDuration | None = Field(None, description="A longer run is ended with all its processes.")
    kill_grace: Duration = Field(timedelta(seconds=10), description="Time between SIGTERM and SIGKILL.")
    retry: Retry = Field(default_factory=Retry, description="Further attempts at a slot.")
    overlap: Overlap = Field(Overlap.SKIP, description="What a slot does while an earlier one has not ended.")
    misfire: Misfire = Field(default_factory=Misfire, description="What happens to missed slots.")
    late_after: PositiveDuration | None = Field(
        None, description="A slot whose run has not ended this long after its time is late."
    )
    max_time_since_success: PositiveDuration | None = Field(
        None, description="The job is overdue when its last success is longer ago."
    )
    notify: Notify | None = Field(None, description="Who is told of what.")
    healthcheck: AnyHealthcheck | None = Field(None, description="A monitor that is pinged: a URL, or where it is.")
    prune: Prune = Field(Prune.AUTO, description="Whether it may be removed when its file no longer has it.")
    renamed_from: JobId | None = Field(None, description="The id it had before: keeps history, pause and phase.")
    suspend: bool = Field(default=False, strict=True, description="The author's own pause.")
    history: History = Field(default_factory=History, description="How much of its past is kept.")

    @field_validator("renamed_from")
    @classmethod
    def _was_another(cls, old: str | None, info: ValidationInfo) -> str | None:
        if old is not None and old == info.data.get("id"):
            raise ValueError(f'"{old}" is the id that the job has now; write the one that it had before, or remove it')
        return old
