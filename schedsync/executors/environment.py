"""The environment of a run of another user, out of the way of the programs that run as root before it.

The dynamic loader, the C library and what they load heed variables (``LD_LIBRARY_PATH``, ``GCONV_PATH``, and more with
each version), so whoever says what these are says what runs. Programs that run as root get the values under names that
nobody heeds. The last one before the run's own runs as its user already: it is ``env``, which gives them their names
again. It is told the names only, since arguments are for everybody to see and values may be secrets.
"""

import re
from collections.abc import Mapping

from schedsync.executors.base import Launch
from schedsync.executors.orphans import MARKER

_BEYOND_ENV = re.compile(r"[=\s]")
"""What is in the name of a program that ``env`` takes for a variable, or speaks about in words of its own."""


def invocation(launch: Launch) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return the arguments and the environment with which the first program of *launch* is started."""
    confinement = launch.confinement
    if confinement.restorer is None:
        return (*confinement.wrapper, *launch.argv), launch.env
    env, nice = confinement.restorer
    aside, words = _set_aside(launch.env)
    starter = (nice, "-n", "0", "--") if _BEYOND_ENV.search(launch.argv[0]) else ()
    return (*confinement.wrapper, env, "-S", words, *starter, *launch.argv), aside


def _set_aside(environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the values under other names, and what ``env -S`` has to be told to have them as they were."""
    names = {name: f"_{number}" for number, name in enumerate(environ)}
    aside = {other: environ[name] for name, other in names.items()}
    if MARKER in environ:  # by which the programs of this run are found, too
        aside[MARKER] = environ[MARKER]
    return aside, " ".join(["-i", "--", *(f"{_literal(name)}=${{{other}}}" for name, other in names.items())])


def _literal(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
