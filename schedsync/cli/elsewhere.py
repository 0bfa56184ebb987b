"""Which service commands ask, and the token that it asks for: from options and variables."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click

SERVER, TOKEN = "SCHEDSYNC_SERVER", "SCHEDSYNC_TOKEN"
_EXAMPLE = "https://schedsync.example.com or http://127.0.0.1:5000"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A service elsewhere, and who asks."""

    url: SplitResult
    """Without a slash at the end of its path."""
    token: str | None = field(default=None, repr=False)


def elsewhere(server: str | None, token: str | None, token_file: Path | None) -> Elsewhere | None:
    """Return the service that the options or variables name; None: they name none.

    Raises:
        UsageError: they cannot be used as they are; no token is in the sentence.
    """
    if token is not None and token_file is not None:
        raise click.UsageError("--token and --token-file exclude each other.")
    named = server or os.environ.get(SERVER)
    if not named:
        if token is not None or token_file is not None:
            raise click.UsageError(f"A token goes with --server URL, or with the variable {SERVER}.")
        return None
    origin = "--server" if server else f"the variable {SERVER}"
    return Elsewhere(_url(named, origin), _token(token, token_file))


def _url(text: str, origin: str) -> SplitResult:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise click.UsageError(f"{origin}: that is no URL: {error}; write e.g. {_EXAMPLE}") from None
    if url.username is not None or url.query or url.fragment:
        raise click.UsageError(f'{origin}: leave out what stands before "@" and behind "?" and "#"')
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
        raise click.UsageError(f'{origin}: "{text}" is no address of a service; write e.g. {_EXAMPLE}')
    return url._replace(path=url.path.rstrip("/"))


def _token(given: str | None, file: Path | None) -> str | None:
    if file is not None:
        return _checked(_read(file), f"--token-file {file}")
    if given is not None:
        return _checked(given, "--token")
    variable = os.environ.get(TOKEN)
    return _checked(variable, f"the variable {TOKEN}") if variable else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"--token-file: {file} cannot be read: {cause}") from None


def _checked(token: str, origin: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(f"{origin}: that is no token; one is a single word, like sst_...")
    return token
