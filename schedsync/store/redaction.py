"""Connect strings and URLs as people may see them: without what opens the door."""

import re
from contextlib import suppress

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

HIDDEN = "***"
_SECRET = re.compile(r"((?:password|passwd|pwd|token|secret|private_?key)\w*\s*=\s*)([^&)\s;]+)", re.IGNORECASE)
"""A parameter of a URL's query, of easy connect or of a descriptor."""
_CREDENTIALS = re.compile(r"(//[^:/@\s]*:)(\S*)(@)")
"""The password of a URL; it may have an "@" or a "/" of its own."""


def without_secrets(text: str) -> str:
    """Return *text* with the values of secret parameters, and the passwords of URLs, hidden."""
    return _CREDENTIALS.sub(rf"\g<1>{HIDDEN}\g<3>", _SECRET.sub(rf"\g<1>{HIDDEN}", text))


def shown_url(url: str) -> str:
    """Return a database URL as people may see it, whatever its password consists of."""
    with suppress(ArgumentError, ValueError):  # no URL, but it may look like one
        url = make_url(url).render_as_string(hide_password=True)
    return without_secrets(url)
