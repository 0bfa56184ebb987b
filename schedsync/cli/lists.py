"""Pages of jobs and runs as commands print them: a service that cannot ask its database answers from memory."""

from typing import TYPE_CHECKING

from schedsync.cli.output import complain, say_json
from schedsync.cli.times import shown

if TYPE_CHECKING:
    from schedsync.status.views import JobsPage, RunsPage


def say_page(page: "JobsPage | RunsPage") -> None:
    """Print *page* as JSON, in the shape of the API."""
    say_json(page.model_dump(mode="json", exclude={"as_of"} if page.as_of is None else None))


def say_age(page: "JobsPage | RunsPage") -> None:
    """Say on stderr how old *page* is, if it does not come from the store."""
    if page.as_of is not None:
        complain(f"the service cannot ask its database now; this is what it remembers of {shown(page.as_of)}")
