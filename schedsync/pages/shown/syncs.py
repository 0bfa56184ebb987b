"""The steps of the reconcile loop: what each changed, by which revision, and what it found wrong."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schedsync.pages.shown.revision import in_short
from schedsync.pages.shown.wording import counted
from schedsync.status.logs import ChangesView, SyncView

MOST = 20
"""So many jobs of a kind are shown at once; those behind them, when somebody asks."""
_OTHERS = ("moved", "healed", "stale")
"""What is counted and not listed."""


@dataclass(frozen=True, slots=True)
class Change:
    """The jobs that a step changed in one way."""

    kind: str
    words: str
    first: tuple[str, ...]
    rest: tuple[str, ...]
    before: Mapping[str, str]
    """New id -> the id that it had, for those that have got a new one."""
    is_gone: bool
    """Whether these jobs are not there any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step, as the page shows it."""

    view: SyncView
    level: str
    words: str
    """How it went."""
    short_revision: str
    elsewhere: str | None
    """The instance that made it, where that is another one."""
    changes: tuple[Change, ...]
    also: str
    """What it did besides, in numbers."""


def steps(views: Iterable[SyncView], node: str) -> tuple[Step, ...]:
    """Return *views* as the page of the instance *node* shows them."""
    return tuple(_step(view, node) for view in views)


def _step(view: SyncView, node: str) -> Step:
    level, words = _how(view)
    return Step(
        view=view,
        level=level,
        words=words,
        short_revision=in_short(view.revision or "unknown"),
        elsewhere=None if view.node == node else view.node,
        changes=tuple(_changes(view.changes, view.counts)),
        also=", ".join(f"{view.counts[name]:,} {name}" for name in _OTHERS if view.counts.get(name)),
    )


def _how(view: SyncView) -> tuple[str, str]:
    wrong = [counted(len(view.problems), "problem")] if view.problems else []
    wrong += [f"{counted(len(view.held), 'change')} held back"] if view.held else []
    if wrong:
        return "warning", " and ".join(wrong)
    return ("ok", "all live") if view.complete else ("warning", "not all of it live")


def _changes(changes: ChangesView, counts: Mapping[str, int]) -> Iterator[Change]:
    for kind in ("added", "updated", "renamed", "removed"):
        ids = tuple(getattr(changes, kind))
        total = max(counts.get(kind, 0), len(ids))
        if total:
            words = f"{counted(total, 'job')} {kind}"
            before = changes.renamed_from if kind == "renamed" else {}
            yield Change(kind, words, ids[:MOST], ids[MOST:], before, is_gone=kind == "removed")
