"""What the author of a wrong job is told: where, and a sentence that says what to write instead."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schedsync.specs.actions import ACTIONS
from schedsync.specs.fields import allowed_at, home_of
from schedsync.specs.job import JobSpec
from schedsync.specs.later import LATER
from schedsync.specs.messages import FieldError, explain
from schedsync.specs.triggers import TRIGGERS
from tests.builders import document
from tests.unit.specs.strategies import REPRODUCIBLE, documents, json_values, words

MISSING = object()
UNIT = 'write it with a unit: "30s", "15m", "2h", "1d", "1h30m", or ISO 8601 such as "PT15M"'
FIELDS = ", ".join(sorted(JobSpec.model_fields))


def mistakes(**fields: Any) -> list[FieldError]:
    given = {name: value for name, value in document(**fields).items() if value is not MISSING}
    with pytest.raises(ValidationError) as refused:
        JobSpec.model_validate(given)
    return explain(refused.value)


def mistake(**fields: Any) -> FieldError:
    (only,) = mistakes(**fields)
    return only


def dotted(found: FieldError) -> str:
    return ".".join(str(part) for part in found.path)


def _cases(*cases: tuple[str, dict[str, Any], str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("fields", "path", "sentence"), [pytest.param(*case[1:], id=case[0]) for case in cases]
    )


# A case is two lines: what is written, and what is said about it.
# fmt: off
@_cases(
    ("no schedule", {"schedule": MISSING}, "",
     ('"schedule" is missing; write e.g. schedule: {every: 15m} or schedule: {cron: "30 2 * * *"};'
      " or after: {other-job: succeeded}")),
    ("no run", {"run": MISSING}, "",
     '"run" is missing; write e.g. run: {shell: echo hello}'),
    ("no id", {"id": MISSING}, "",
     '"id" is missing'),
    ("a slip", {"timeuot": "5m"}, "timeuot",
     'unknown key "timeuot"; did you mean "timeout"?'),
    ("capitals", {"Timeout": "5m"}, "Timeout",
     'unknown key "Timeout"; did you mean "timeout"?'),
    ("nothing like it", {"frobnicate": 1}, "frobnicate",
     f'unknown key "frobnicate"; allowed: {FIELDS}'),
    ("a key of a schedule", {"every": "5m"}, "every",
     'unknown key "every" here; write it under "schedule:"'),
    ("a key of an action", {"env": {}}, "env",
     'unknown key "env" here; write it under "run:"'),
    ("a key of a retry", {"attempts": 3}, "attempts",
     'unknown key "attempts" here; write it under "retry:"'),
    ("a key of a misfire", {"grace": "1h"}, "grace",
     'unknown key "grace" here; write it under "misfire:"'),
    ("a key of the job in its action", {"run": {"shell": "x", "timeout": "5m"}}, "run.timeout",
     'unknown key "timeout" here; write it beside "run:", not under it'),
    ("a key of the action in a schedule", {"schedule": {"every": "1h", "cwd": "/"}}, "schedule.0.cwd",
     'unknown key "cwd" here; write it under "run:"'),
    ("args of a shell", {"run": {"shell": "x", "args": []}}, "run.args",
     'unknown key "args"; allowed: cwd, env, limits, nice, shell, umask, user'),
    ("a misspelt key of a calendar", {"schedule": {"calendar": {"month": 1, "day": 1}}}, "schedule.0.calendar.month",
     'unknown key "month"; did you mean "months"?'),
    ("two triggers in one", {"schedule": {"every": "1h", "cron": "@daily"}}, "schedule.0.every",
     '"every" cannot stand beside another kind; write a list of triggers under schedule'),
    ("no connection", {"run": {"sql": "x"}}, "run",
     '"connection" is missing; write e.g. connection: erp, for [connections.erp] in the settings'),
    ("a statement's file without its name", {"run": {"sql": {}, "connection": "erp"}}, "run.sql",
     '"file" is missing; write e.g. {file: close.sql}'),
    ("a slip in a statement's file", {"run": {"sql": {"file": "a", "fil": "b"}, "connection": "erp"}}, "run.sql.fil",
     'unknown key "fil"; did you mean "file"?'),
    ("variables of a statement", {"run": {"sql": "x", "connection": "erp", "env": {}}}, "run.env",
     'unknown key "env"; allowed: binds, connection, sql'),
    ("OUT binds of a statement", {"run": {"sql": "x", "connection": "erp", "out": {}}}, "run.out",
     'unknown key "out"; allowed: binds, connection, sql'),
    ("a bind that cannot be one", {"run": {"sql": "x", "connection": "erp", "binds": {":a": 1}}}, "run.binds.:a",
     'binds: ":a" is not the name of a bind; write cutoff for :cutoff in the statement'),
    ("a block and a statement", {"run": {"sql": "x", "plsql": "y", "connection": "erp"}}, "run.plsql",
     '"plsql" cannot stand beside another kind; a job has one action'),
    ("a request to nowhere", {"run": {"http": {}}}, "run.http",
     '"url" is missing; write e.g. url: https://erp.example.com/close'),
    ("a key of a request beside it", {"run": {"http": {"url": "https://a"}, "headers": {}}}, "run.headers",
     'unknown key "headers" here; write it under "http:"'),
    ("a slip in a request", {"run": {"http": {"url": "https://a", "jason": 1}}}, "run.http.jason",
     'unknown key "jason"; did you mean "json"?'),
    ("a slip in what is expected", {"run": {"http": {"url": "https://a", "expect": {"stat": 1}}}},
     "run.http.expect.stat", 'unknown key "stat"; did you mean "status"?'),
    ("the timeout of a request", {"run": {"http": {"url": "https://a", "timeout": "5s"}}}, "run.http.timeout",
     'unknown key "timeout" here; write it beside "run:", not under it'),
    ("variables of a request", {"run": {"http": {"url": "https://a"}, "env": {}}}, "run.env",
     'unknown key "env"; allowed: http'),
    ("a header that cannot be one", {"run": {"http": {"url": "https://a", "headers": {"a b": "c"}}}},
     "run.http.headers.a b", 'headers: "a b" is not the name of a header; use letters, digits and hyphens'),
    ("a header that is not the author's", {"run": {"http": {"url": "https://a", "headers": {"Content-Length": 1}}}},
     "run.http.headers.Content-Length",
     'headers: "Content-Length" is set by schedsync as the request needs it; remove it'),
    ("two actions in one", {"run": {"shell": "x", "script": "y"}}, "run.script",
     '"script" cannot stand beside another kind; a job has one action'),
    ("a slip in a list", {"schedule": [{"every": "1h"}, {"cron": "@daily", "timzone": "UTC"}]}, "schedule.1.timzone",
     'unknown key "timzone"; did you mean "timezone"?'),
    ("a key that is named like a kind", {"CronTrigger": 1}, "CronTrigger",
     f'unknown key "CronTrigger"; allowed: {FIELDS}'),
    ("a key that is named like another's end", {"myAction": 1}, "myAction",
     f'unknown key "myAction"; allowed: {FIELDS}'),
    ("a key in brackets", {"[key]": 1}, "[key]",
     f'unknown key "[key]"; allowed: {FIELDS}'),
    ("a variable that cannot be one", {"run": {"shell": "x", "env": {"1A": "b"}}}, "run.env.1A",
     'env: "1A" is not a variable name; use letters, digits and "_", no digit first'),
    ("a variable that runs are given",
     {"run": {"shell": "x", "env": {"SCHEDSYNC_RUN_ID": "b"}}}, "run.env.SCHEDSYNC_RUN_ID",
     'env: "SCHEDSYNC_RUN_ID" is set by schedsync for each run; choose another name'),
    ("a variable that runs after others are given",
     {"run": {"shell": "x", "env": {"SCHEDSYNC_UPSTREAM_STATE": "b"}}}, "run.env.SCHEDSYNC_UPSTREAM_STATE",
     'env: "SCHEDSYNC_UPSTREAM_STATE" is set by schedsync for each run; choose another name'),
)
def test_keys_that_are_missing_or_wrong(fields: dict[str, Any], path: str, sentence: str) -> None:
    found = mistake(**fields)
    assert (dotted(found), found.at_key, found.message) == (path, True, sentence)


@_cases(
    ("an empty list", {"schedule": []}, "schedule",
     "schedule: expected at least one entry, found an empty list"),
    ("nothing", {"schedule": None}, "schedule",
     "schedule: expected a mapping, found nothing; write e.g. schedule: {every: 15m}"),
    ("a number", {"schedule": 5}, "schedule",
     "schedule: expected a mapping, found 5; write e.g. schedule: {every: 15m}"),
    ("a cron expression", {"schedule": "0 * * * *"}, "schedule",
     'schedule: expected a mapping, found "0 * * * *"; write e.g. schedule: {cron: "0 * * * *"}'),
    ("a wrong cron expression", {"schedule": "0 25 * * *"}, "schedule",
     'schedule: expected a mapping, found "0 25 * * *"; write e.g. schedule: {cron: "0 25 * * *"}'),
    ("a nickname", {"schedule": "@daily"}, "schedule",
     'schedule: expected a mapping, found "@daily"; write e.g. schedule: {cron: "@daily"}'),
    ("a duration", {"schedule": "2h"}, "schedule",
     'schedule: expected a mapping, found "2h"; write e.g. schedule: {every: 2h}'),
    ("a time", {"schedule": "2027-01-01T12:00"}, "schedule",
     'schedule: expected a mapping, found "2027-01-01T12:00"; write e.g. schedule: {at: 2027-01-01T12:00}'),
    ("an empty mapping", {"schedule": {}}, "schedule.0",
     "schedule: one of cron, every, at, calendar is needed"),
    ("a misspelt kind", {"schedule": {"evry": "1h"}}, "schedule.0",
     'schedule: one of cron, every, at, calendar is needed; did you mean "every"?'),
    ("a list with a text", {"schedule": [{"every": "1h"}, "@daily"]}, "schedule.1",
     'schedule: expected a mapping, found "@daily"; write e.g. schedule: {cron: "@daily"}'),
    ("a calendar without a unit", {"schedule": {"calendar": {"day": 1}}}, "schedule.0.calendar",
     "calendar: one of months, weeks and days is needed, found none of them"),
    ("a calendar with two", {"schedule": {"calendar": {"months": 1, "days": 2}}}, "schedule.0.calendar",
     "calendar: one of months, weeks and days is needed, found months and days"),
    ("a calendar that is a text", {"schedule": {"calendar": "monthly"}}, "schedule.0.calendar",
     'calendar: expected a mapping of keys to values, found "monthly"; write calendar: {months: monthly}'),
    ("months without a day", {"schedule": {"calendar": {"months": 1}}}, "schedule.0.calendar",
     "calendar: months need a day of the month; write day: 1 to 31, or day: last"),
    ("months with a weekday", {"schedule": {"calendar": {"months": 1, "day": "fri"}}}, "schedule.0.calendar",
     "calendar: months need a day of the month; write day: 1 to 31, or day: last"),
    ("weeks with a number", {"schedule": {"calendar": {"weeks": 1, "day": 5}}}, "schedule.0.calendar",
     "calendar: weeks need a day of the week; write day: mon to sun"),
    ("days with a day", {"schedule": {"calendar": {"days": 2, "day": 5}}}, "schedule.0.calendar",
     'calendar: days have no day; leave out day: "5", or count weeks or months'),
    ("a 32nd", {"schedule": {"calendar": {"months": 1, "day": 32}}}, "schedule.0.calendar.day",
     "day: 32 is not a day; write 1 to 31 or last for months, or mon to sun for weeks"),
    ("a distance of none", {"schedule": {"calendar": {"days": 0}}}, "schedule.0.calendar.days",
     "days: 0 is no distance; write 1 to 1200"),
    ("a wrong time", {"schedule": {"calendar": {"days": 1, "time": "24:00"}}}, "schedule.0.calendar.time",
     'time: "24:00" is not a time of the day; write it like "06:00" or "06:00:30", up to "23:59:59"'),
    ("a time that is a number", {"schedule": {"calendar": {"days": 1, "time": 6}}}, "schedule.0.calendar.time",
     'time: 6 is not a time of the day; write it like "06:00" or "06:00:30", up to "23:59:59"'),
    ("which months?", {"schedule": {"calendar": {"months": 3, "day": 1}}}, "schedule.0.calendar",
     "start is missing: every 3 months says not which ones; write the first day, as in start: 2026-12-01"),
    ("no month has it",
     {"schedule": {"calendar": {"months": 12, "day": 30}, "start": "2027-02-01"}}, "schedule.0.start",
     "this would never fire: it has no slot after start (2027-02-01)"),
    ("a number for a cron", {"schedule": {"cron": 5}}, "schedule.0.cron",
     "cron: expected text, found 5"),
    ("a wrong cron", {"schedule": {"cron": "0 25 * * *"}}, "schedule.0.cron",
     'cron: "25" is not a valid hour; allowed are 0-23'),
    ("a wrong cron in a list", {"schedule": [{"every": "1h"}, {"cron": "x"}]}, "schedule.1.cron",
     "cron: has 1 field instead of five: minute, hour, day of month, month and day of week"),
    ("a bare number", {"schedule": {"every": 5}}, "schedule.0.every",
     f"every: 5 has no unit; {UNIT}"),
    ("a wrong zone", {"schedule": {"every": "1h", "timezone": "Berlin"}}, "schedule.0.timezone",
     'timezone: "Berlin" is not a time zone; did you mean "Europe/Berlin"?'),
    ("fields that contradict each other", {"schedule": {"every": "1h", "jitter": "2h"}}, "schedule.0.jitter",
     "jitter (2h) must be shorter than every (1h)"),
)
def test_schedules(fields: dict[str, Any], path: str, sentence: str) -> None:
    found = mistake(**fields)
    assert (dotted(found), found.at_key, found.message) == (path, False, sentence)


@_cases(
    ("nothing", {"run": None}, "run",
     "run: expected a mapping, found nothing; write e.g. run: {shell: echo hello}"),
    ("a number", {"run": 5}, "run",
     "run: expected a mapping, found 5; write e.g. run: {shell: echo hello}"),
    ("a text", {"run": "echo hello"}, "run",
     'run: expected a mapping, found "echo hello"; write e.g. run: {shell: echo hello}'),
    ("a text that needs quotes", {"run": "a, b"}, "run",
     'run: expected a mapping, found "a, b"; write e.g. run: {shell: "a, b"}'),
    ("a list", {"run": ["rsync", "-a", "x: y"]}, "run",
     'run: expected a mapping, found a list; write e.g. run: {command: [rsync, "-a", "x: y"]}'),
    ("an empty mapping", {"run": {}}, "run",
     "run: one of command, shell, script, python, sql, plsql, http is needed"),
    ("a misspelt kind", {"run": {"Comand": ["x"]}}, "run",
     'run: one of command, shell, script, python, sql, plsql, http is needed; did you mean "command"?'),
    ("a later kind", {"run": {"executor": "etl"}}, "run",
     "run: choosing an executor is not supported in this version; every job runs on the machine of the service"),
    ("a request without its kind", {"run": {"url": "https://a"}}, "run",
     "run: a request is written under http; write e.g. run: {http: {url: https://erp.example.com/close}}"),
    ("a command as text", {"run": {"command": "rsync -a /srv/a/"}}, "run.command",
     ('command: a command is a list; write "command: [rsync, -a, /srv/a/]", or "shell: rsync -a /srv/a/" to '
     'have bash read it')),
    ("a command as text with quotes", {"run": {"command": "echo 'a b'"}}, "run.command",
     ('command: a command is a list; write "command: [program, argument]", or "shell:" before the text to have '
     'bash read it')),
    ("an empty command", {"run": {"command": []}}, "run.command",
     "command: expected at least one entry, found an empty list"),
    ("a command without a program", {"run": {"command": ["", "a"]}}, "run.command",
     "command: the program, its first entry, is empty"),
    ("an argument that is nothing", {"run": {"command": ["a", None]}}, "run.command.1",
     "command: entry 2: expected text, found nothing"),
    ("an argument with a point", {"run": {"command": ["a", 1.5]}}, "run.command.1",
     "command: entry 2: a number with a point can be written in more than one way; put it in quotes"),
    ("an empty shell", {"run": {"shell": ""}}, "run.shell",
     'shell: expected some text, found ""'),
    ("a NUL", {"run": {"shell": "a\0b"}}, "run.shell",
     "shell: a NUL character cannot be passed to a process"),
    ("an empty folder", {"run": {"shell": "a", "cwd": ""}}, "run.cwd",
     'cwd: expected some text, found ""'),
    ("no function", {"run": {"python": "package.function"}}, "run.python",
     'python: "package.function" does not name a function; write it like "package.module:function"'),
    ("no number", {"run": {"python": "a:b", "args": [[float("nan")]]}}, "run.args",
     "args: at [0][0], nan is no number that JSON has; hand it over as text"),
    ("infinity", {"run": {"python": "a:b", "kwargs": {"x": float("inf")}}}, "run.kwargs",
     "kwargs: at x, inf is no number that JSON has; hand it over as text"),
    ("a large number", {"run": {"python": "a:b", "args": [1 << 2000]}}, "run.args",
     "args: at [0], the number is too large; hand it over as text"),
    ("a tuple", {"run": {"python": "a:b", "kwargs": {"x": {"y": (1,)}}}}, "run.kwargs",
     ("kwargs: at x.y, a value of the type tuple cannot be handed over; use text, numbers, true, false, null, "
     "lists and mappings")),
    ("half a character", {"run": {"python": "a:b", "args": ["\ud83d"]}}, "run.args",
     "args: at [0], the text contains half a character (a lone surrogate)"),
    ("a number as a key", {"run": {"python": "a:b", "args": [{1: 2}]}}, "run.args",
     "args: at [0], the key 1 is not text; put it in quotes"),
    ("variables as a list", {"run": {"shell": "a", "env": ["A=1"]}}, "run.env",
     "env: expected a mapping of keys to values, found a list; write e.g. env: {NAME: value}"),
    ("a variable that is nothing", {"run": {"shell": "a", "env": {"A": None}}}, "run.env.A",
     "A: expected text, found nothing"),
    ("a variable named like a kind", {"run": {"shell": "a", "env": {"ShellAction": None}}}, "run.env.ShellAction",
     "ShellAction: expected text, found nothing"),
    ("a statement that is no text", {"run": {"sql": 5, "connection": "erp"}}, "run.sql",
     "sql: expected text, found 5"),
    ("an empty statement", {"run": {"plsql": "", "connection": "erp"}}, "run.plsql",
     'plsql: expected some text, found ""'),
    ("a statement's file that is empty", {"run": {"sql": {"file": ""}, "connection": "erp"}}, "run.sql.file",
     'file: expected some text, found ""'),
    ("a connection that is nothing", {"run": {"sql": "x", "connection": None}}, "run.connection",
     "connection: expected text, found nothing"),
    ("binds as a list", {"run": {"sql": "x", "connection": "erp", "binds": ["a"]}}, "run.binds",
     "binds: expected a mapping of keys to values, found a list; write e.g. binds: {name: value}"),
    ("a list in a bind", {"run": {"sql": "x", "connection": "erp", "binds": {"ids": [1]}}}, "run.binds.ids",
     "ids: a bind is text, a number, true, false or null; bind each value by itself"),
    ("no number in a bind", {"run": {"sql": "x", "connection": "erp", "binds": {"a": float("nan")}}}, "run.binds.a",
     "a: nan is no number that JSON has; hand it over as text"),
    ("a bind of no kind", {"run": {"plsql": "x", "connection": "erp", "out": {"total": "numbr"}}}, "run.out.total",
     'total: expected one of string or number (did you mean "number"?), found "numbr"'),
    ("OUT binds as a list", {"run": {"plsql": "x", "connection": "erp", "out": ["total"]}}, "run.out",
     "out: expected a mapping of keys to values, found a list; write e.g. out: {name: number}"),
    ("a request as text", {"run": {"http": "https://a"}}, "run.http",
     'http: expected a mapping of keys to values, found "https://a"; write http: {url: "https://a"}'),
    ("no address", {"run": {"http": {"url": "erp.example.com/close"}}}, "run.http.url",
     ('url: "erp.example.com/close" is no address of a web service; write it like https://erp.example.com/close')),
    ("another scheme", {"run": {"http": {"url": "ftp://a"}}}, "run.http.url",
     'url: "ftp://a" is no address of a web service; write it like https://erp.example.com/close'),
    ("a port that cannot be one", {"run": {"http": {"url": "http://a:99999"}}}, "run.http.url",
     "url: it is no url: Port out of range 0-65535"),
    ("a password in an address", {"run": {"http": {"url": "https://me:hunter2@a"}}}, "run.http.url",
     ("url: a user or password in a url is seen by everybody; send it in a header that comes from a file: headers: "
     "{Authorization: {file: token.txt}}")),
    ("a space in an address", {"run": {"http": {"url": "https://a/b c"}}}, "run.http.url",
     "url: a url has no spaces and only ASCII signs; write others percent-encoded, e.g. %20, and in a host as xn--..."),
    ("a place in a page", {"run": {"http": {"url": "https://a/b#c"}}}, "run.http.url",
     'url: what follows the "#" in "https://a/b#c" is never sent; remove it'),
    ("no method", {"run": {"http": {"url": "https://a", "method": "GE T"}}}, "run.http.method",
     'method: "GE T" is not a method for a request; write GET, POST, PUT, PATCH or DELETE'),
    ("a method for proxies", {"run": {"http": {"url": "https://a", "method": "connect"}}}, "run.http.method",
     'method: "connect" is not a method for a request; write GET, POST, PUT, PATCH or DELETE'),
    ("a header of two lines", {"run": {"http": {"url": "https://a", "headers": {"X": "hunter2\r\nY: z"}}}},
     "run.http.headers.X",
     "X: the value of a header is one line of ASCII; it has a line break or other signs in it"),
    ("a header from nowhere", {"run": {"http": {"url": "https://a", "headers": {"X": {"secret": "hunter2"}}}}},
     "run.http.headers.X",
     "X: a mapping here names one source of the value; write text, {file: path} or {env: NAME}"),
    ("a header from a setting", {"run": {"http": {"url": "https://a", "headers": {"X": {"env": "SCHEDSYNC_A"}}}}},
     "run.http.headers.X.env",
     'env: "SCHEDSYNC_A" is a setting of schedsync, which jobs do not get; give the value a name of its own'),
    ("a header twice", {"run": {"http": {"url": "https://a", "headers": {"X-A": "a", "x-a": "b"}}}}, "run.http.headers",
     'headers: "X-A" and "x-a" are one header; write it once'),
    ("a body of a GET", {"run": {"http": {"url": "https://a", "body": "x"}}}, "run.http.body",
     "body: a GET request has no body; write method: POST"),
    ("JSON of a HEAD", {"run": {"http": {"url": "https://a", "method": "HEAD", "json": {}}}}, "run.http.json",
     "json: a HEAD request has no body; write method: POST"),
    ("two bodies", {"run": {"http": {"url": "https://a", "method": "POST", "body": "x", "json": 1}}}, "run.http.json",
     "json: a request has one body; remove body or json"),
    ("a body of values", {"run": {"http": {"url": "https://a", "method": "POST", "body": {"month": 1}}}},
     "run.http.body", "body: expected text or {file: path}, found a mapping; what is to be sent as JSON is json:"),
    ("no JSON", {"run": {"http": {"url": "https://a", "method": "POST", "json": [float("inf")]}}}, "run.http.json",
     "json: at [0], inf is no number that JSON has; hand it over as text"),
    ("no status", {"run": {"http": {"url": "https://a", "expect": {"status": ["2xx"]}}}}, "run.http.expect.status.0",
     'status: entry 1: "2xx" is not a status; write 200, or a range such as 200-299'),
    ("a status the wrong way round", {"run": {"http": {"url": "https://a", "expect": {"status": "299-200"}}}},
     "run.http.expect.status.0", 'status: entry 1: "299-200" is not a status; write 200, or a range such as 200-299'),
    ("what is expected as a number", {"run": {"http": {"url": "https://a", "expect": 200}}}, "run.http.expect",
     "expect: expected a mapping of keys to values, found 200; write expect: {status: 200}"),
    ("no pattern", {"run": {"http": {"url": "https://a", "expect": {"body": "(a"}}}}, "run.http.expect.body",
     'body: "(a" is not a regular expression: missing ), unterminated subpattern at position 0'),
    ("a key alone", {"run": {"http": {"url": "https://a", "tls": {"key": "a.key"}}}}, "run.http.tls.key",
     "key: a key needs its certificate; write cert: client.pem beside it"),
    ("nothing to check with a CA", {"run": {"http": {"url": "https://a", "tls": {"ca": "a", "verify": False}}}},
     "run.http.tls.verify", "verify: with verify: false nothing is checked, so ca has no use; remove one of them"),
    ("certificates without TLS", {"run": {"http": {"url": "http://a", "tls": {"ca": "a.pem"}}}}, "run.http.tls",
     "tls: tls is for https, and the url begins with http://; correct one of them"),
    ("a proxy that is none", {"run": {"http": {"url": "http://a", "proxy": "https://b"}}}, "run.http.proxy",
     'proxy: "https://b" is no proxy; write it like http://proxy.example.com:3128'),
    ("no user", {"run": {"shell": "a", "user": "oracle dba"}}, "run.user",
     'user: "oracle dba" does not name a user; write oracle, or oracle:dba with a group'),
    ("no mask", {"run": {"shell": "a", "umask": 27}}, "run.umask",
     'umask: "27" is not a mask; write three digits from 0 to 7, e.g. "027"'),
    ("too nice", {"run": {"shell": "a", "nice": 20}}, "run.nice",
     "nice: expected 19 or less, found 20"),
    ("a limit alone", {"run": {"shell": "a", "limits": "2GiB"}}, "run.limits",
     'limits: expected a mapping of keys to values, found "2GiB"; write limits: {memory: "2GiB"}'),
    ("a size without unit", {"run": {"shell": "a", "limits": {"memory": 2048}}}, "run.limits.memory",
     'memory: 2048 has no unit; write it with a unit: "512MiB", "2GiB", or "2GB" for 2000000000 bytes'),
    ("a size in letters", {"run": {"shell": "a", "limits": {"file_size": "2G"}}}, "run.limits.file_size",
     'file_size: "2G" is not a size; write it with a unit: "512MiB", "2GiB", or "2GB" for 2000000000 bytes'),
    ("no memory", {"run": {"shell": "a", "limits": {"memory": "1MiB"}}}, "run.limits.memory",
     "memory: must be at least 16MiB, or no program can start"),
    ("no time for the processor", {"run": {"shell": "a", "limits": {"cpu": 600}}}, "run.limits.cpu",
     f"cpu: 600 has no unit; {UNIT}"),
    ("no files", {"run": {"shell": "a", "limits": {"files": 3}}}, "run.limits.files",
     "files: expected 16 or more, found 3"),
    ("a value from nowhere", {"run": {"shell": "a", "env": {"A": {}}}}, "run.env.A",
     "A: a mapping here names one source of the value; write text, {file: path} or {env: NAME}"),
    ("a value from two places", {"run": {"shell": "a", "env": {"A": {"file": "x", "env": "Y"}}}}, "run.env.A",
     "A: a mapping here names one source of the value; write text, {file: path} or {env: NAME}"),
    ("a value from a list", {"run": {"shell": "a", "env": {"A": {"file": ["x"]}}}}, "run.env.A.file",
     "file: expected text, found a list"),
    ("a setting of the service", {"run": {"shell": "a", "env": {"A": {"env": "SCHEDSYNC_DATABASE__URL"}}}},
     "run.env.A.env",
     ('env: "SCHEDSYNC_DATABASE__URL" is a setting of schedsync, which jobs do not get; give the value a name of its '
     "own")),
    ("a setting in small letters", {"run": {"shell": "a", "env": {"A": {"env": "schedsync_node"}}}}, "run.env.A.env",
     'env: "schedsync_node" is a setting of schedsync, which jobs do not get; give the value a name of its own'),
    ("no variable of the service", {"run": {"shell": "a", "env": {"A": {"env": "a b"}}}}, "run.env.A.env",
     'env: "a b" is not a variable name; use letters, digits and "_", no digit first'),
    ("a channel alone", {"notify": "ops-mail"}, "notify",
     'notify: expected a mapping of keys to values, found "ops-mail"; write notify: {to: ops-mail}'),
    ("a channel that cannot be one", {"notify": {"to": ["Ops Mail"]}}, "notify.to.0",
     'to: entry 1: "Ops Mail" cannot be the name of a channel: use a-z, 0-9, _ and -, a letter first'),
    ("a slip in an event", {"notify": {"to": "a", "on": ["fialed"]}}, "notify.on.0",
     'on: entry 1: expected one of failed, recovered, late, lost or gave_up (did you mean "failed"?), found "fialed"'),
    ("no event", {"notify": {"to": "a", "on": []}}, "notify.on",
     "on: expected at least one entry, found an empty list"),
    ("a monitor without a URL", {"healthcheck": "hc.example.com/secret-uuid"}, "healthcheck.url",
     "url: expected a URL that begins with http:// or https://"),
    ("a number for a monitor", {"healthcheck": 5}, "healthcheck",
     "healthcheck: expected a URL, or a mapping with one of url, file, env"),
    ("a truth value for notices", {"notify": True}, "notify",
     "notify: expected a mapping of keys to values, found true; write notify: {to: ops-mail}"),
    ("a monitor with a password", {"healthcheck": "https://me:secret@hc.example.com/uuid"}, "healthcheck.url",
     "url: a monitor gets no user or password; write a URL without"),
    ("two monitors", {"healthcheck": {"file": "a", "env": "B"}}, "healthcheck",
     "healthcheck: give one of url, file, env; there are 2"),
)
def test_actions(fields: dict[str, Any], path: str, sentence: str) -> None:
    found = mistake(**fields)
    assert (dotted(found), found.at_key, found.message) == (path, False, sentence)


@_cases(
    ("an id with a blank", {"id": "a b"}, "id",
     'id: "a b" cannot be an id: use up to 200 letters, digits, ".", "_" and "-", a letter or digit first'),
    ("the present id as the former", {"renamed_from": "job"}, "renamed_from",
     'renamed_from: "job" is the id that the job has now; write the one that it had before, or remove it'),
    ("nothing", {"description": None}, "description",
     "description: expected text, found nothing"),
    ("a number with a point", {"description": 1.5}, "description",
     "description: a number with a point can be written in more than one way; put it in quotes"),
    ("one tag", {"tags": "erp"}, "tags",
     'tags: expected a list, found "erp"; write tags: [erp]'),
    ("no tag", {"tags": ["a", None]}, "tags.1",
     "tags: entry 2: expected text, found nothing"),
    ("a truth value for tags", {"tags": True}, "tags",
     "tags: expected a list, found true"),
    ("an empty tag", {"tags": [""]}, "tags.0",
     'tags: entry 1: expected some text, found ""'),
    ("a wrong duration", {"timeout": "5 minutes"}, "timeout",
     f'timeout: "5 minutes" is not a duration; {UNIT}'),
    ("no time at all", {"timeout": "0s"}, "timeout",
     "timeout: must be at least 1s"),
    ("a yes of old YAML", {"suspend": "yes"}, "suspend",
     'suspend: expected true or false, found "yes"'),
    ("a misspelt choice", {"overlap": "Skp"}, "overlap",
     'overlap: expected one of skip, queue, allow or replace (did you mean "skip"?), found "Skp"'),
    ("a group that settings could not name", {"group": "ERP"}, "group",
     'group: "ERP" cannot be a group: use a-z, 0-9, "-" and single "_", a letter first, e.g. erp-load'),
    ("a group of jobs that may overlap", {"overlap": "allow", "group": "erp"}, "group",
     "group: a group is for jobs that do not run beside each other; remove it, or overlap: allow"),
    ("a queue without a place", {"max_queued": 0}, "max_queued",
     "max_queued: expected 1 or more, found 0"),
    ("no choice", {"prune": None}, "prune",
     "prune: expected one of auto, confirm or never, found nothing"),
    ("attempts alone", {"retry": 3}, "retry",
     "retry: expected a mapping of keys to values, found 3; write retry: {attempts: 3}"),
    ("a policy alone", {"misfire": "skip"}, "misfire",
     'misfire: expected a mapping of keys to values, found "skip"; write misfire: {policy: skip}'),
    ("a list for a mapping", {"history": []}, "history",
     "history: expected a mapping of keys to values, found an empty list; write history: {keep: 100}"),
    ("a number in quotes", {"retry": {"attempts": "3"}}, "retry.attempts",
     'attempts: expected a whole number, found "3"'),
    ("a truth value", {"retry": {"backoff": True}}, "retry.backoff",
     "backoff: expected a number, found true"),
    ("too few", {"retry": {"attempts": 0}}, "retry.attempts",
     "attempts: expected 1 or more, found 0"),
    ("too many", {"retry": {"attempts": 101}}, "retry.attempts",
     "attempts: expected 100 or less, found 101"),
    ("no number", {"retry": {"backoff": float("nan")}}, "retry.backoff",
     "backoff: expected 100 or less, found nan"),
    ("one exit code", {"success_exit_codes": 3}, "success_exit_codes",
     "success_exit_codes: expected a list, found 3; write success_exit_codes: [3]"),
    ("no exit code", {"success_exit_codes": []}, "success_exit_codes",
     "success_exit_codes: expected at least one entry, found an empty list"),
    ("an exit code that there is not", {"success_exit_codes": [0, 256]}, "success_exit_codes.1",
     "success_exit_codes: entry 2: expected 255 or less, found 256"),
    ("no exit code but one that there is not", {"success_exit_codes": [256]}, "success_exit_codes.0",
     "success_exit_codes: entry 1: expected 255 or less, found 256"),
    ("an exit code in quotes", {"success_exit_codes": ["0"]}, "success_exit_codes.0",
     'success_exit_codes: entry 1: expected a whole number, found "0"'),
    ("exit codes of a statement", {"success_exit_codes": [0, 3], "run": {"sql": "x", "connection": "erp"}},
     "success_exit_codes",
     ("success_exit_codes: only processes have exit codes; what this job runs fails by its errors; remove the field")),
    ("no expression", {"fail_on_output": ""}, "fail_on_output",
     'fail_on_output: expected some text, found ""'),
    ("a broken expression", {"fail_on_output": "ORA-(00|01"}, "fail_on_output",
     'fail_on_output: "ORA-(00|01" is not a regular expression at character 5: unclosed group'),
    ("an expression of Perl", {"fail_on_output": "ERROR(?!: 0)"}, "fail_on_output",
     ('fail_on_output: "ERROR(?!: 0)" is not a regular expression at character 6: look-around, including look-ahead '
      "and look-behind, is not supported; write what is to be there, each way of it with | between")),
    ("an expression that looks back", {"fail_on_output": r"(a)\1"}, "fail_on_output",
     r'fail_on_output: "(a)\1" is not a regular expression at character 4: backreferences are not supported'),
    ("a huge expression", {"fail_on_output": "(a{1000}){1000}"}, "fail_on_output",
     ('fail_on_output: "(a{1000}){1000}" is not a regular expression: it needs too much memory; use smaller '
      "repetitions")),
    ("a long expression", {"fail_on_output": "a" * 1001}, "fail_on_output",
     "fail_on_output: the expression is longer than 1000 characters"),
    ("an expression of two lines", {"fail_on_output": "a\nb"}, "fail_on_output",
     r'fail_on_output: "a\nb" has a line end, and each line is searched by itself; write | between'),
    ("one state", {"retry": {"on": "failed"}}, "retry.on",
     'on: expected a list, found "failed"; write on: [failed]'),
    ("a misspelt state", {"retry": {"on": ["lost", "faild"]}}, "retry.on.1",
     'on: entry 2: expected one of failed, timed_out or lost (did you mean "failed"?), found "faild"'),
)
def test_other_fields(fields: dict[str, Any], path: str, sentence: str) -> None:
    found = mistake(**fields)
    assert (dotted(found), found.at_key, found.message) == (path, False, sentence)


# fmt: on
def test_a_mistake_says_apart_what_was_found_and_what_was_expected() -> None:
    choice = mistake(overlap="skp")
    assert (choice.found, choice.expected) == ('"skp"', "one of skip, queue, allow or replace")
    key = mistake(timeuot="5m")
    assert (key.found, key.expected) == ('the key "timeuot"', None)
    missing = mistake(run=MISSING)
    assert (missing.found, missing.expected) == (None, "run")


def test_a_mistake_in_a_cron_expression_points_into_it() -> None:
    found = mistake(schedule={"cron": "0 2 31 feb *"})
    assert (found.path, found.found, found.offset) == (("schedule", 0, "cron"), '"0 2 31 feb *"', 4)


def test_a_mistake_in_an_expression_points_into_it() -> None:
    assert mistake(fail_on_output="ORA-(00|01").offset == 4


def test_each_mistake_is_named() -> None:
    found = mistakes(timeout=5, overlap="x", run={"shell": "a", "b": 1}, schedule=[{"every": 1}, {"cron": "x"}])
    assert [error.path for error in found] == [
        ("schedule", 0, "every"),
        ("schedule", 1, "cron"),
        ("run", "b"),
        ("timeout",),
        ("overlap",),
    ]


@pytest.mark.parametrize("value", ["hunter2", 12345, 67.89], ids=str)
def test_values_of_variables_are_not_repeated(value: object) -> None:
    long = mistakes(run={"shell": "x", "env": {"PGPASSWORD": value, "1": value}})
    long += mistakes(run={"sql": "x", "connection": "erp", "binds": {"1": value, "a": [value]}})
    assert long
    assert str(value) not in "".join(f"{error.message}{error.found}{error.expected}" for error in long)


def test_a_long_value_is_cut_and_a_control_character_written_out() -> None:
    found = mistake(overlap="\x1b[31m" + "x" * 1_000_000)
    assert len(found.message) < 200
    assert found.found is not None
    assert found.found.startswith('"\\x1b[31mxxx')


def test_a_long_cron_expression_makes_no_long_message() -> None:
    found = mistake(schedule={"cron": "0 " + "1" * 1_000_000 + " * * *"})
    assert len(found.message) < 600
    assert found.message.endswith("allowed are 0-23")


@REPRODUCIBLE
@given(documents, st.sampled_from([*JobSpec.model_fields, "x"]), json_values)
def test_whatever_is_written_is_explained(value: dict[str, Any], field: str, wrong: Any) -> None:
    found: list[FieldError] = []
    try:
        JobSpec.model_validate(value | {field: wrong})
    except ValidationError as error:
        found = explain(error)
    assert all(error.message and error.message.isprintable() for error in found)


@REPRODUCIBLE
@given(
    st.sampled_from(["schedule", "run", "retry", "misfire", "history"]), st.dictionaries(words, json_values, min_size=1)
)
def test_whatever_keys_are_written_are_explained(field: str, wrong: dict[str, Any]) -> None:
    mains = {"schedule": {"every": "1h"}, "run": {"shell": "x"}}
    found = mistakes(**{field: {**wrong, **mains.get(field, {})}})
    assert {error.path[0] for error in found} == {field}


# Fields of later versions


DESIGNED = set(
    """
    id description tags owner schedule cron every at calendar timezone jitter start end exclude run script shell command
    python http sql args env cwd timeout kill_grace retry attempts delay backoff max_delay on overlap group max_queued
    misfire policy grace limit success_exit_codes fail_on_output user umask nice limits
    after executor queue notify healthcheck prune renamed_from suspend history keep days
    """.split()  # noqa: SIM905 - fifty words read best as words
)


def test_each_field_of_the_design_is_there_or_refused_by_name() -> None:
    models: list[type[BaseModel]] = [JobSpec, *TRIGGERS.values(), *ACTIONS.values()]
    known = {field for model in models for field in model.model_fields}
    grouped = {field for field in DESIGNED if home_of(field)}
    assert DESIGNED - known - grouped - set(LATER) == set()
    assert set(LATER) & (known | grouped) == set()


@pytest.mark.parametrize("field", LATER)
def test_a_field_of_later_is_refused_with_a_sentence(field: str) -> None:
    places: dict[str, dict[str, Any]] = {
        field: {field: 1},
        f"run.{field}": {"run": {"shell": "x", field: 1}},
        f"schedule.0.{field}": {"schedule": {"every": "1h", field: 1}},
    }
    for path, fields in places.items():
        found = mistake(**fields)
        assert (dotted(found), found.at_key, found.message) == (path, True, LATER[field])
    assert re.search(r"(is|are) not supported in this version", LATER[field])


def test_what_may_be_a_secret_of_a_request_is_not_shown() -> None:
    for request in (
        {"url": "https://me:hunter2@a"},
        {"url": "https://a", "proxy": "http://me:hunter2@a"},
        {"url": "https://a", "headers": {"X": "hunter2\n"}},
        {"url": "https://a", "headers": {"X": 1.5}},
    ):
        found = mistake(run={"http": request})
        assert found.found is None
        assert "hunter2" not in found.message


def test_a_field_of_later_is_no_excuse_where_it_never_was() -> None:
    assert mistake(history={"executor": 1}).message == 'unknown key "executor"; allowed: days, keep'


# Where keys belong


@pytest.mark.parametrize(
    ("location", "allowed"),
    [
        ((), set(JobSpec.model_fields)),
        (("retry",), {"attempts", "delay", "backoff", "max_delay", "jitter", "on"}),
        (("misfire",), {"policy", "grace", "limit"}),
        (("schedule", 0, "AtTrigger"), {"at", "timezone", "jitter", "start", "end", "exclude", "only", "shift"}),
        (("schedule", 0, "AtTrigger", "exclude", 0, "ranges", 0), {"from", "to"}),
        (("run", "HttpAction", "http", "tls"), {"ca", "cert", "key", "verify"}),
        (("run", "ScriptAction"), {"script", "args", "env", "cwd", "user", "umask", "nice", "limits"}),
        (("run", "ShellAction", "limits"), {"memory", "cpu", "files", "processes", "file_size", "core"}),
    ],
)
def test_the_keys_that_may_stand_somewhere(location: tuple[str | int, ...], allowed: set[str]) -> None:
    assert set(allowed_at(location)) == allowed


@pytest.mark.parametrize(
    ("key", "home"),
    [
        ("cron", "schedule"),
        ("jitter", "schedule"),
        ("kwargs", "run"),
        ("on", "retry"),
        ("keep", "history"),
        ("id", None),
        ("x", None),
    ],
)
def test_where_a_key_belongs(key: str, home: str | None) -> None:
    assert home_of(key) == home
