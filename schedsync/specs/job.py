"""A job as its author means it: the pydantic model of one entry of a job file."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from schedsync.specs.actions import AnyAction
from schedsync.specs.base import Model, Text
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.specs.following import After
from schedsync.specs.ids import JobId
from schedsync.specs.policy import History, Misfire, Overlap, Prune, Retry
from schedsync.specs.schedule import Schedule

Word = Annotated[Text, Field(min_length=1)]


NO_TRIGGER = "no_trigger"
"""The type of the error of a job that says in no way when it runs."""


class JobSpec(Model):
    """One job. Defaults are complete: nothing downstream has to ask again."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["schedule"]}, {"required": ["after"]}]})

    id: JobId = Field(description="Names the job for ever; default: the file's path without its ending, with dots.")
    description: Text = Field("", description="What the job is for, for people.")
    tags: tuple[Word, ...] = Field((), description="Words to find it by.")
    owner: Word | None = Field(None, description="Who is asked when it fails.")
    schedule: Schedule = Field((), description="When it runs: one of cron, every, at; or a list, of which any fires.")
    after: After | None = Field(
        None,
        validate_default=True,
        description="In place of schedule: the jobs that it runs after, each with how it has to end; any fires.",
    )
    run: AnyAction = Field(description="What it runs: one of command, shell, script, python, sql, plsql.")
    timeout: PositiveDuration | None = Field(None, description="A longer run is ended with all its processes.")
    kill_grace: Duration = Field(timedelta(seconds=10), description="Time between SIGTERM and SIGKILL.")
    retry: Retry = Field(default_factory=Retry, description="Further attempts at a slot.")
    overlap: Overlap = Field(Overlap.SKIP, description="What a slot does while an earlier one has not ended.")
    misfire: Misfire = Field(default_factory=Misfire, description="What happens to missed slots.")
    prune: Prune = Field(Prune.AUTO, description="Whether it may be removed when its file no longer has it.")
    renamed_from: JobId | None = Field(None, description="The id it had before: keeps history, pause and phase.")
    suspend: bool = Field(default=False, strict=True, description="The author's own pause.")
    history: History = Field(default_factory=History, description="How much of its past is kept.")

    @model_validator(mode="before")
    @classmethod
    def _without_empty_schedule(cls, given: Any) -> Any:
        """Take a job that runs after others as it is shown, with the schedule that it does not have."""
        if isinstance(given, dict) and given.get("after") and given.get("schedule") in ([], ()):
            return {key: value for key, value in given.items() if key != "schedule"}
        return given

    @field_validator("after")
    @classmethod
    def _has_one_trigger(cls, after: After | None, info: ValidationInfo) -> After | None:
        schedule = info.data.get("schedule")  # None: what is wrong with it is said already
        if schedule == () and after is None:
            raise PydanticCustomError(NO_TRIGGER, "schedule is missing")
        if schedule and after is not None:
            raise ValueError("a job has a schedule or runs after others, not both; remove one of them")
        return after

    @field_validator("renamed_from")
    @classmethod
    def _was_another(cls, old: str | None, info: ValidationInfo) -> str | None:
        if old is not None and old == info.data.get("id"):
            raise ValueError(f'"{old}" is the id that the job has now; write the one that it had before, or remove it')
        return old
