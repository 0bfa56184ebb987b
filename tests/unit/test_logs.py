"""Lines of the log: whatever jobs and servers say, a line is one line, and steers no terminal."""

import json
import logging

import pytest

from schedsync.logs import FieldFormatter, JsonFormatter

STEERING = "\x1b]0;title\x07 \x9b31m \x7f \u202e \udc80\r"
ESCAPED = r"\u001b]0;title\u0007 \u009b31m \u007f \u202e \udc80\r"


def record(message: str = "run ended", *, error: BaseException | None = None, **fields: object) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("schedsync", logging.INFO, __file__, 1, message, None, info)
    made.created = 0.0
    made.__dict__ |= fields
    return made


def raised(message: str) -> ValueError:
    def fail() -> None:
        raise ValueError(message)

    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


def test_a_line_is_a_sentence_and_its_fields() -> None:
    line = FieldFormatter().format(record(job_id="a", reason="says no", state="na\xefve \u65e5\u672c", code=3))
    start = "1970-01-01T00:00:00.000Z INFO    run ended  "
    assert line == f'{start}job_id=a reason="says no" state="na\xefve \u65e5\u672c" code=3'


def test_what_a_field_has_that_is_not_printable_is_escaped() -> None:
    line = FieldFormatter().format(record(reason=STEERING, broken="a\nb"))
    assert line.endswith(rf'reason="{ESCAPED}" broken="a\nb"')
    assert line.isprintable()


def test_so_is_what_a_library_says() -> None:
    assert FieldFormatter().format(record(f"lost\n{STEERING}")).endswith(rf"lost\n{ESCAPED}")


def test_so_is_what_a_traceback_shows() -> None:
    error = raised(f"the server said: {STEERING}\nand more")
    lines = FieldFormatter().format(record("failed", error=error, job_id="a")).split("\n")
    assert lines[0].endswith("failed  job_id=a")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-2:] == [f"ValueError: the server said: {ESCAPED}", "and more"]
    assert all(line.isprintable() for line in lines)


def test_json_means_the_same_and_is_printable() -> None:
    line = JsonFormatter().format(record("failed", error=raised(STEERING), reason=STEERING, language="\u65e5\u672c"))
    assert line.isprintable()
    assert "\u65e5\u672c" in line
    assert json.loads(line)["reason"] == STEERING
    assert json.loads(line)["traceback"].endswith(f"ValueError: {STEERING}")


@pytest.mark.parametrize("value", [{"a": 1}, None, 1.5, ["x y"]], ids=str)
def test_other_values_are_shown_as_they_were(value: object) -> None:
    text = str(value)
    shown = text if " " not in text else json.dumps(text)
    assert FieldFormatter().format(record(value=value)).endswith(f"value={shown}")
