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
        return instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without a traceback."""
        fields = [f"{key}={_shown(value)}" for key, value in record.__dict__.items() if key not in _STANDARD]
        return "  ".join([super().formatMessage(record), " ".join(fields)]) if fields else super().formatMessage(record)


class JsonFormatter(FieldFormatter):
    """Writes one JSON object per line: time, level, message, the fields, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"time": self.formatTime(record), "level": record.levelname, "message": record.getMessage()}
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: str, *, as_json: bool = False) -> None:
    """Log to stderr from *level* on; libraries only speak up when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else FieldFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("schedsync").setLevel(level.upper())


def _shown(value: object) -> str:
    text = str(value)
    # Quoted where it would be read wrongly, so that a value with a line break does not become a line of its own.
    plain = text.isprintable() and not any(character in text for character in ' "=') and text
    return plain or json.dumps(text, ensure_ascii=False)
