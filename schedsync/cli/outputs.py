"""Why there is no output of a run, in a sentence."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schedsync.status.views import RunView


def nothing_of(run: "RunView", reached: str) -> str:
    """Return why there is nothing to read of *run*.

    Args:
        run: it has no output, or none that can be had.
        reached: what nothing of its output does while it runs: ``is in schedsync-spool``.
    """
    match run.state:
        case "queued":
            return f"run {run.id} has not started yet"
        case "running":
            return f"run {run.id} is running on {run.node}, and nothing of its output {reached}"
        case "skipped":
            return f"run {run.id} was skipped: {run.reason}"
        case _:
            return f"run {run.id} ({run.state}) has no output"
