"""Connect strings and URLs as people may see them: without what opens the door."""

import re

HIDDEN = "***"
_SECRET = re.compile(r"((?:password|passwd|pwd|token|secret|private_?key)\w*\s*=\s*)([^&)\s;]+)", re.IGNORECASE)
"""A parameter of a URL's query, of easy connect or of a descriptor."""
_CREDENTIALS = re.compile(r"(//[^:/@\s]*:)([^/\s]*)(@)")
"""The password of a URL; it may have an "@" of its own."""


def without_secrets(text: str) -> str:
    """Return *text* with the values of secret parameters, and the passwords of URLs, hidden."""
    return _CREDENTIALS.sub(rf"\g<1>{HIDDEN}\g<3>", _SECRET.sub(rf"\g<1>{HIDDEN}", text))
