"""A job as its author means it: the pydantic model of one entry of a job file."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from schedsync.specs.actions import AnyAction, ProcessAction
from schedsync.specs.base import Model, Text
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.specs.expressions import check_expression
from schedsync.specs.following import After, Follows
from schedsync.specs.ids import JobId
from schedsync.specs.notify import AnyHealthcheck, Notify
from schedsync.specs.policy import GroupName, History, Misfire, Orphan, Overlap, Prune, Retry
from schedsync.specs.schedule import Schedule

Word = Annotated[Text, Field(min_length=1)]
ExitCode = Annotated[int, Field(ge=0, le=255, strict=True)]


def _as_set(codes: tuple[int, ...]) -> tuple[int, ...]:
    """Return *codes* once each, in their order, so that how they were listed changes no digest."""
    return tuple(sorted(set(codes)))


def _not_given(schema: JsonDict) -> None:
    """Take the default away, which stands for a job that has `after`: nobody can write it."""
    del schema["default"]


NO_TRIGGER = "no_trigger"
"""The type of the error of a job that says in no way when it runs."""


class JobSpec(Model):
    """One job. Defaults are complete: nothing downstream has to ask again."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["schedule"]}, {"required": ["after"]}]})

    id: JobId = Field(description="Names the job for ever; default: the file's path without its ending, with dots.")
    description: Text = Field("", description="What the job is for, for people.")
    tags: tuple[Word, ...] = Field((), description="Words to find it by.")
    owner: Word | None = Field(None, description="Who is asked when it fails.")
    schedule: Schedule = Field(
        (),
        description="When it runs: one of cron, every, at, calendar; or a list, of which any fires.",
        json_schema_extra=_not_given,
    )
    after: After | None = Field(
        None,
        validate_default=True,
        description="In place of schedule: the jobs that it runs after, each with how it has to end; any fires.",
    )
    run: AnyAction = Field(description="What it runs: one of command, shell, script, python, sql, plsql, http.")
    timeout: PositiveDuration | None = Field(None, description="A longer run is ended with all its processes.")
    kill_grace: Duration = Field(timedelta(seconds=10), description="Time between SIGTERM and SIGKILL.")
    success_exit_codes: Annotated[tuple[ExitCode, ...], AfterValidator(_as_set), Field(min_length=1)] = Field(
        (0,), description="Exit codes of a process that has succeeded; with any other one it has failed."
    )
    fail_on_output: Annotated[Text, Field(min_length=1), AfterValidator(check_expression)] | None = Field(
        None, description="Regular expression; a line of output that matches makes a run failed that would succeed."
    )
    retry: Retry = Field(default_factory=Retry, description="Further attempts at a slot.")
    overlap: Overlap = Field(Overlap.SKIP, description="What a slot does while an earlier one has not ended.")
    group: GroupName | None = Field(None, description="Overlap is decided over all jobs of this group.")
    max_queued: Annotated[int, Field(ge=1, le=10_000, strict=True)] = Field(
        100, description="So many runs of the job may wait for others under overlap: queue."
    )
    misfire: Misfire = Field(default_factory=Misfire, description="What happens to missed slots.")
    orphan: Orphan = Field(Orphan.END, description="Whether its processes outlive a crash or restart of schedsync.")
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

    @field_validator("schedule")
    @classmethod
    def _fires_at_all(cls, schedule: Schedule, info: ValidationInfo) -> Schedule:
        job_id = info.data.get("id")  # None: what is wrong with it is said already
        for index, trigger in enumerate(schedule):
            if trigger.nominal_follows_id and job_id is not None:
                trigger.require_slot(job_id, within=(index,))
        return schedule

    @field_validator("success_exit_codes")
    @classmethod
    def _of_a_process(cls, codes: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        run = info.data.get("run")
        if codes != (0,) and run is not None and not isinstance(run, ProcessAction):
            raise ValueError("only processes have exit codes; what this job runs fails by its errors; remove the field")
        return codes

    @field_validator("group")
    @classmethod
    def _waits_for_others(cls, group: str | None, info: ValidationInfo) -> str | None:
        if group is not None and info.data.get("overlap") is Overlap.ALLOW:
            raise ValueError("a group is for jobs that do not run beside each other; remove it, or overlap: allow")
        return group

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

    @property
    def follows(self) -> Follows:
        """What starts it besides the clock."""
        if self.after is not None:
            return Follows.RUNS
        return Follows.BOOTS if any(trigger.fires_at_boot for trigger in self.schedule) else Follows.NOTHING

    def late_at(self, slot: datetime) -> datetime | None:
        """Return by when a run of *slot* has to have ended, or it is late; None: it never is."""
        return None if self.late_after is None else slot + self.late_after

    @field_validator("renamed_from")
    @classmethod
    def _was_another(cls, old: str | None, info: ValidationInfo) -> str | None:
        if old is not None and old == info.data.get("id"):
            raise ValueError(f'"{old}" is the id that the job has now; write the one that it had before, or remove it')
        return old
