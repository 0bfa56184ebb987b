"""What an edit of a calendar changed in the jobs that name it, in few words: their specs have it inside."""

import json
from collections.abc import Iterable, Iterator

from schedsync.specs.calendars import Calendar, with_names
from schedsync.specs.job import JobSpec

_LISTS = ("dates", "yearly", "weekdays", "ranges")
_OTHERS = ("include", "intersect", "exclude")
_MOST = 6
"""So many days are listed; more are counted."""


def calendar_changes(old: JobSpec, new: JobSpec) -> list[str]:
    """Return what has changed in the calendars that both specs name: ``calendar holidays-de: yearly + 12-24``."""
    before, after = _named(old), _named(new)
    return [
        f"calendar {name}: {'; '.join(parts)}"
        for name in sorted(before.keys() & after.keys())
        if (parts := [part for key in (*_LISTS, *_OTHERS) if (part := _difference(key, before[name], after[name]))])
    ]


def _named(spec: JobSpec) -> dict[str, Calendar]:
    return {each.name: each for each in _all(c for t in spec.schedule for c in (*t.only, *t.exclude)) if each.name}


def _all(calendars: Iterable[Calendar]) -> Iterator[Calendar]:
    for each in calendars:
        yield each
        yield from _all((*each.include, *each.intersect, *each.exclude))


def _difference(key: str, before: Calendar, after: Calendar) -> str:
    old, new = _words(key, before), _words(key, after)
    gone, come = [each for each in old if each not in new], [each for each in new if each not in old]
    signs = [f"{sign} {_listed(found)}" for sign, found in (("+", come), ("-", gone)) if found]
    return f"{key} {' '.join(signs)}" if signs else ""


def _words(key: str, calendar: Calendar) -> list[str]:
    value = calendar.model_dump(mode="json").get(key, [])
    if key in _OTHERS:
        return [each.get("name") or json.dumps(with_names(each)) for each in value]
    return [f"{each['from']} to {each['to']}" if isinstance(each, dict) else each for each in value]


def _listed(days: list[str]) -> str:
    more = f" and {len(days) - _MOST:,} more" if len(days) > _MOST else ""
    return f"{', '.join(days[:_MOST])}{more}"
