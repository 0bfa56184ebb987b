"""What a notice says: texts with placeholders, which are names and nothing else. Pure."""

import re
from collections.abc import Mapping
from string import Formatter

PLACEHOLDERS = {
    "job": "the id of the job",
    "what": 'what happened to it, as the rest of a sentence: "failed", "works again"',
    "event": "failed, recovered, late, lost or gave_up",
    "owner": "who is asked, from the job file",
    "slot": "when it was due, in UTC",
    "state": "the state of the run",
    "reason": "why it is so",
    "attempt": "which attempt at the slot it was",
    "exit_code": "how the process ended",
    "node": "where it ran",
    "revision": "of the folder",
    "run": "the id of the run",
    "url": "where the run is shown, if api.public_url is set",
    "output": "the end of what it printed, as it is kept",
}
"""What may stand in braces, and what it stands for."""
TITLE = "{job} {what}"
BODY = """\
{job} {what}

slot:     {slot}
state:    {state}
reason:   {reason}
attempt:  {attempt}
node:     {node}
revision: {revision}
owner:    {owner}
run:      {run}
{url}

{output}
"""
_GAPS = re.compile(r"\n{3,}")


def check(template: str) -> str:
    """Return *template* if it can be filled in.

    Raises:
        ValueError: it cannot; the message says what is wrong, and which placeholders there are.
    """
    try:
        for _, name, spec, conversion in Formatter().parse(template):
            if name is not None:
                _check_name(name, plain=not spec and conversion is None)
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ or }}}} for a brace that is meant as one") from None
    return template


def _check_name(name: str, *, plain: bool) -> None:
    if name not in PLACEHOLDERS or not plain:
        raise ValueError(f'"{{{name}}}" is no placeholder; there are {", ".join(PLACEHOLDERS)}')


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template that ``check`` accepts with its placeholders filled in.

    A line whose placeholders are all empty is left out.
    """
    lines = [filled for line in template.split("\n") if (filled := _line(line, values)) is not None]
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


def _line(line: str, values: Mapping[str, str]) -> str | None:
    names = [name for _, name, _, _ in Formatter().parse(line) if name is not None]
    if names and not any(values.get(name) for name in names):
        return None
    return line.format_map({name: values.get(name, "") for name in names})
