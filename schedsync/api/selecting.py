"""Which of the jobs or of the runs a request wants: filters, an order, and the page behind a cursor.

A cursor belongs to the list that it came from: it names the filters and the order, so that no page of another list is
taken for the next one. A filter that is given empty, as forms send it, is not given.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2s
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import PlainValidator, ValidationInfo, field_validator

from schedsync.api.paging import Page, bad_cursor, decoded, encoded
from schedsync.api.parsing import RUN_ID
from schedsync.clock import from_micros, parse_instant, rfc3339, to_micros
from schedsync.runs.run import Cause, Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.specs.ids import check_id
from schedsync.specs.wording import shown
from schedsync.status.selection import JobFilter, Place, Sort, Wanted
from schedsync.status.standing import STATES

LONGEST_TEXT = 200
"""Characters of a filter; what jobs have is no longer."""
V = TypeVar("V")


def _given(parse: Callable[[str], V]) -> Callable[[str], V | None]:
    return lambda text: parse(text) if text else None


def _one_of(values: dict[str, V]) -> Callable[[str], V]:
    *some, last = values
    expected = f"{', '.join(some)} or {last}"

    def parse(text: str) -> V:
        if text not in values:
            raise ValueError(f"expected {expected}, found {shown(text)}")
        return values[text]

    return parse


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"expected at most {LONGEST_TEXT} characters, found {len(text)}")
    return text


_STATE = _one_of({state: state for state in STATES})
_BOOLEAN = _one_of({"true": True, "false": False})
_ORDER = _one_of({f"{sign}{sort}": (sort, bool(sign)) for sort in Sort for sign in ("", "-")})
_RUN_STATE, _CAUSE = (
    _one_of({state.value: state for state in RunState}),
    _one_of({cause.value: cause for cause in Cause}),
)
_State = Literal["active", "paused", "suspended", "finished"]
_Order = Literal["id", "-id", "next_fire_at", "-next_fire_at", "last_run_at", "-last_run_at", "state", "-state"]
_Text = Annotated[str | None, PlainValidator(_given(_short), json_schema_input_type=str)]
_Time = Annotated[datetime | None, PlainValidator(_given(parse_instant), json_schema_input_type=datetime)]


class JobsQuery(Page):
    """Which of the jobs, and which page of them."""

    KIND: ClassVar[str] = "job"
    state: Annotated[str | None, PlainValidator(_given(_STATE), json_schema_input_type=_State)] = None
    """The state that they show."""
    tag: _Text = None
    """A tag that they have."""
    owner: _Text = None
    """Whose they are."""
    group: _Text = None
    """The group that they are of."""
    q: _Text = None
    """Characters of their id, description, owner or tags, in upper or lower case."""
    stale: Annotated[bool | None, PlainValidator(_given(_BOOLEAN), json_schema_input_type=bool)] = None
    """Whether their files are broken."""
    sort: Annotated[
        tuple[Sort, bool], PlainValidator(lambda text: _ORDER(text or Sort.ID), json_schema_input_type=_Order)
    ] = (Sort.ID, False)
    """What they are put in order by, and whether the last one comes first: with "-" in front."""
    cursor: Annotated[Any, PlainValidator(lambda text: text, json_schema_input_type=str)] = None
    """Where the page begins."""

    @field_validator("cursor")
    @classmethod
    def _place(cls, cursor: str, info: ValidationInfo) -> Place:
        return _of_this_list(cls, cursor, info.data, _job_place)

    @property
    def wanted(self) -> Wanted:
        """What to ask for."""
        chosen = JobFilter(self.state, self.tag, self.owner, self.group, self.q, self.stale)
        sort, downwards = self.sort
        return Wanted(self.limit, chosen, sort, downwards, self.cursor)

    def cursor_behind(self, place: Place | None) -> str | None:
        """Return the cursor of the page that begins behind *place*."""
        if place is None:
            return None
        key = f"{int(place.missing)} {place.rank} {place.job_id}"
        return encoded(self.KIND, f"{_name_of_list(self.__dict__)} {key}")


class RunsQuery(Page):
    """Which of the runs, and which page of them."""

    KIND: ClassVar[str] = "run"
    state: Annotated[RunState | None, PlainValidator(_given(_RUN_STATE), json_schema_input_type=RunState)] = None
    """How they stand or have ended."""
    cause: Annotated[Cause | None, PlainValidator(_given(_CAUSE), json_schema_input_type=Cause)] = None
    """Why they exist."""
    node: _Text = None
    """Where they ran."""
    since: _Time = None
    """Their slots are then or later."""
    until: _Time = None
    """Their slots are earlier."""
    cursor: Annotated[Any, PlainValidator(lambda text: text, json_schema_input_type=str)] = None
    """Where the page begins."""

    @field_validator("cursor")
    @classmethod
    def _place(cls, cursor: str, info: ValidationInfo) -> tuple[datetime, str]:
        return _of_this_list(cls, cursor, info.data, _run_place)

    @property
    def filter(self) -> RunFilter:
        """Which runs."""
        return RunFilter(self.state, self.cause, self.node, self.since, self.until)

    def cursor_behind(self, run: Run | None) -> str | None:
        """Return the cursor of the page that begins behind *run*."""
        if run is None:
            return None
        return encoded(self.KIND, f"{_name_of_list(self.__dict__)} {to_micros(run.scheduled_at)} {run.id}")


def _of_this_list(
    query: type[JobsQuery | RunsQuery], cursor: str, said: dict[str, Any], place: Callable[[str], V]
) -> V:
    """Return the place that *cursor* names in the list that a query is about, of which *said* is the rest.

    Raises:
        ValueError: it is none, or one of a list of other filters or of another order.
    """
    try:
        name, _, key = decoded(query.KIND, cursor).partition(" ")
        found = place(key)
    except (ValueError, OverflowError):
        raise bad_cursor(cursor) from None
    complete = len(said) == len(query.model_fields) - 1  # what is wrong elsewhere is said there
    if complete and name != _name_of_list(said):
        raise ValueError(
            f"{shown(cursor)} is of a list with other filters or in another order; repeat those of the page that it"
            " came with, or begin without a cursor"
        )
    return found


def _job_place(key: str) -> Place:
    missing, rank, job_id = key.split(" ")
    return Place(bool(int(missing)), int(rank), check_id(job_id))


def _run_place(key: str) -> tuple[datetime, str]:
    micros, run_id = key.split(" ")
    if not RUN_ID.fullmatch(run_id):
        raise ValueError("no run has this id")
    return from_micros(int(micros)), run_id


def _name_of_list(said: dict[str, Any]) -> str:
    """Return a short name of filters and an order; how long the pages are does not matter."""
    parts = {name: value for name, value in said.items() if name not in {"limit", "cursor"} and value is not None}
    text = repr(sorted((name, rfc3339(v) if isinstance(v, datetime) else str(v)) for name, v in parts.items()))
    return blake2s(text.encode(), digest_size=6).hexdigest()
