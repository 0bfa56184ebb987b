"""Log lines: a constant sentence, then its fields."""

import json
import logging
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class FieldFormatter(logging.Formatter):
    """Writes ``time level sentence  key=value ...``, with the time in UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Return the record's instant."""
        del datefmt
        instant = datetime.fromtimestamp(record.created, UTC)
        return instant.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without a traceback."""
        line = f"{record.asctime} {record.levelname:<7} {_escaped(record.message)}"
        fields = [f"{key}={_shown(value)}" for key, value in record.__dict__.items() if key not in _STANDARD]
        return f"{line}  {' '.join(fields)}" if fields else line

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback below it where there is one; what a server said may be in that, too."""
        line, *more = super().format(record).split("\n")
        return "\n".join((line, *map(_escaped, more)))


class JsonFormatter(FieldFormatter):
    """Writes one JSON object per line: time, level, message, the fields, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"time": self.formatTime(record), "level": record.levelname, "message": record.getMessage()}
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _as_json(line)


def configure(level: str, *, as_json: bool = False) -> None:
    """Log to stderr from *level* on; libraries only speak up when something is wrong."""
    _note_less()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else FieldFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("schedsync").setLevel(level.upper())


def _shown(value: object) -> str:
    text = str(value)
    # Quoted where it would be read wrongly, so that a value with a line break does not become a line of its own.
    plain = text.isprintable() and not (" " in text or '"' in text or "=" in text) and text
    return plain or _as_json(text)


def _as_json(value: object) -> str:
    # JSON escapes what comes before the space, and not what else steers terminals or lets text be read backwards.
    return _escaped(json.dumps(value, ensure_ascii=False, default=str))


def _escaped(text: str) -> str:
    """Return *text* with what is not printable as JSON writes it: jobs and servers may say anything."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _note_less() -> None:
    """Let records not be given what no line shows, as the manual of logging advises where there are many of them."""
    logging._srcfile = None  # noqa: SLF001 - the documented way
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
