"""Job files: how many jobs they have, what defaults add, and what their authors are told."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsync.plan.state import Source
from schedsync.sources.defaults import Chain, Defaults, read_defaults
from schedsync.sources.job_file import ParsedFile, parse_job_file
from schedsync.specs.actions import ProcessAction
from schedsync.specs.fingerprint import schedule_digest, spec_digest
from schedsync.specs.job import JobSpec
from schedsync.specs.problem import Problem
from schedsync.specs.references import FileReference, VariableReference

SPECS = Path(__file__).parents[2] / "data" / "specs"
GOOD = "schedule: {every: 15m}\nrun: {shell: echo hello}\n"


def parse(text: str, file: str = "job.yaml", *, chain: Chain = (), timezone: str = "UTC") -> ParsedFile:
    return parse_job_file(text.encode(), file, chain=chain, timezone=timezone)


def parse_named(name: str) -> ParsedFile:
    return parse_job_file((SPECS / f"{name}.yaml").read_bytes(), f"{name}.yaml")


def spec_of(parsed: ParsedFile) -> JobSpec:
    assert [str(problem) for problem in parsed.problems] == []
    (job,) = parsed.jobs
    return job.spec


def sentences(parsed: ParsedFile) -> list[str]:
    return [str(problem) for problem in parsed.problems]


def defaults(text: str, file: str = "_defaults.yaml", *, outer: Chain = ()) -> Defaults:
    result = read_defaults(text.encode(), file, outer=outer, timezone="UTC")
    assert isinstance(result, Defaults), result
    return result


def defaults_problems(text: str, *, outer: Chain = ()) -> tuple[Problem, ...]:
    result = read_defaults(text.encode(), "_defaults.yaml", outer=outer, timezone="UTC")
    return () if isinstance(result, Defaults) else result


# --- jobs of a file ------------------------------------------------------------------------------


def test_a_file_with_every_field_is_read() -> None:
    spec = spec_of(parse_named("everything"))
    assert (spec.id, len(spec.schedule), spec.timeout) == ("erp.nightly-dump", 3, timedelta(minutes=30))
    assert spec.model_dump()["run"]["args"] == ("--full", "8080", "on", "0755")
    assert isinstance(spec.run, ProcessAction)
    assert spec.run.env == {
        "PGUSER": "dump",
        "PGPORT": "5432",
        "VERBOSE": "no",
        "PGPASSWORD": FileReference(file="/run/secrets/erp"),
        "TOKEN": VariableReference(env="ERP_TOKEN"),
    }


def test_a_job_knows_its_place_and_digests() -> None:
    (job,) = parse(f"# a comment\n\n{GOOD}", "erp/dump.yaml").jobs
    assert job.source == Source("erp/dump.yaml", 3)
    assert (job.digest, job.schedule_digest) == (spec_digest(job.spec), schedule_digest(job.spec))
    assert job.renamed_at is None


def test_a_job_knows_where_the_id_stands_that_it_had() -> None:
    once, over = "renamed_from: x, schedule: {every: 15m}, run: {shell: a}", GOOD.replace("run", "  run")
    jobs = parse(f"jobs:\n- {{id: a, {once}}}\n- id: b\n  renamed_from:\n    y\n  {over}").jobs
    assert [job.renamed_at for job in jobs] == [(2, 25), (5, 5)]


@pytest.mark.parametrize(
    ("file", "job_id"),
    [("dump.yaml", "dump"), ("erp/night/dump.yml", "erp.night.dump"), ("a.b/c.d.yaml", "a.b.c.d")],
)
def test_the_default_id_is_the_path(file: str, job_id: str) -> None:
    assert spec_of(parse(GOOD, file)).id == job_id


def test_a_path_that_is_no_id_asks_for_one() -> None:
    parsed = parse(GOOD, "my job.yaml")
    (problem,) = parsed.problems
    assert (problem.place, problem.field) == ("my job.yaml:1:1", "id")
    assert problem.message.endswith(
        '; it is made of the file\'s name: write "id: ..." into the file, or rename the file'
    )
    assert spec_of(parse(f"id: x\n{GOOD}", "my job.yaml")).id == "x"


def test_several_documents_are_several_jobs() -> None:
    jobs = parse_named("several-documents").jobs
    assert [(job.spec.id, job.source.line) for job in jobs] == [("first", 4), ("second", 8)]


def test_a_list_of_jobs_may_share_by_anchors() -> None:
    jobs = parse_named("anchors").jobs
    assert [(job.spec.id, job.source.line, job.spec.timeout) for job in jobs] == [
        ("dump-north", 2, timedelta(minutes=30)),
        ("dump-south", 7, timedelta(minutes=30)),
    ]
    assert [job.spec.schedule[0].timezone for job in jobs] == ["Europe/Oslo", "Europe/Rome"]


def test_a_list_with_one_job_has_the_default_id() -> None:
    assert spec_of(parse("jobs:\n- schedule: {every: 15m}\n  run: {shell: echo}\n", "one.yaml")).id == "one"


def test_several_jobs_need_ids() -> None:
    assert sentences(parse(f"{GOOD}---\nid: b\n{GOOD}")) == [
        'job.yaml:1:1: "id" is missing; a file with several jobs needs one in each'
    ]


def test_one_bad_job_leaves_the_others_alone() -> None:
    parsed = parse_named("good-among-bad")
    assert [job.spec.id for job in parsed.jobs] == ["good", "also-good"]
    assert [(problem.place, problem.job_id) for problem in parsed.problems] == [
        ("good-among-bad.yaml:8:5", None),
        ("good-among-bad.yaml:9:5", None),
        ("good-among-bad.yaml:11:5", None),
        ("good-among-bad.yaml:14:18", "wrong"),
    ]


def test_one_id_twice_is_left_to_the_diff() -> None:
    parsed = parse(f"id: a\n{GOOD}---\nid: a\n{GOOD}")
    assert ([job.spec.id for job in parsed.jobs], parsed.problems) == (["a", "a"], ())


@pytest.mark.parametrize("text", ["# only a comment\n", "jobs: []\n", "---\n# nothing\n"])
def test_a_file_may_have_no_job(text: str) -> None:
    assert parse(text) == ParsedFile()


@pytest.mark.parametrize("text", ["", "  \n\n", "\ufeff"])
def test_an_empty_file_is_one_that_is_not_written_yet(text: str) -> None:
    assert sentences(parse(text)) == ["job.yaml:1:1: the file is empty; write a job into it, or remove it"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "- a\n", '1:1: a job is a mapping, and this is a list; write "jobs:" above a list of jobs', id="list"
        ),
        pytest.param(
            "hello\n",
            '1:1: a job is a mapping; write "schedule: ..." and "run: ..." on lines of their own',
            id="text",
        ),
        pytest.param("jobs: {a: 1}\n", '1:7: "jobs" is a list; write "- " before each job', id="jobs as a mapping"),
        pytest.param("jobs:\n", '1:6: "jobs" is a list; write "- " before each job', id="jobs left empty"),
    ],
)
def test_documents_that_are_no_jobs(text: str, sentence: str) -> None:
    assert sentences(parse(text)) == [f"job.yaml:{sentence}"]


def test_nothing_stands_beside_a_list_of_jobs() -> None:
    parsed = parse_named("jobs-beside-others")
    assert parsed.jobs == ()
    assert sentences(parsed) == [
        'jobs-beside-others.yaml:1:1: "timeout", "owner" cannot stand beside "jobs"; write it into each job'
    ]


# --- bytes ---------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_dropped() -> None:
    assert spec_of(parse_job_file(b"\xef\xbb\xbfid: a\n" + GOOD.encode(), "job.yaml")).id == "a"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(
            "# größer\nowner: Zoë\n".encode("latin-1"),
            "1:5: the file is not a text file in UTF-8: 0xF6 is no character; save it as UTF-8",
            id="latin-1",
        ),
        pytest.param(
            "a: 1\nx: größer".encode() + b"\xe9\n",
            "2:10: the file is not a text file in UTF-8: 0xE9 is no character; save it as UTF-8",
            id="columns count characters",
        ),
        pytest.param(
            b"\xef\xbb\xbfx: \xe9\n",
            "1:4: the file is not a text file in UTF-8: 0xE9 is no character; save it as UTF-8",
            id="after a byte order mark",
        ),
        pytest.param(
            b"\x7fELF\x02\0\0",
            "1:6: the file is not a text file: there is a NUL byte here; remove it",
            id="binary",
        ),
        pytest.param("id: a".encode("utf-16"), "1:1: the file is UTF-16; save it as UTF-8", id="utf-16"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, sentence: str) -> None:
    assert sentences(parse_job_file(data, "job.yaml")) == [f"job.yaml:{sentence}"]


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert isinstance(parse_job_file(data, "job.yaml"), ParsedFile)


# --- mistakes ------------------------------------------------------------------------------------


Mistake = tuple[str, str]
"""Line and column, and words that the sentence has; the sentences themselves are tested with the specs."""


def mistakes(parsed: ParsedFile, expected: list[Mistake]) -> list[Mistake]:
    """Return the mistakes of *parsed* in the form of *expected*, by place; whole sentences where words are missing."""
    found = []
    in_order = sorted(parsed.problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    for number, problem in enumerate(in_order):
        words = expected[number][1] if number < len(expected) else "nothing"
        place = problem.place.removeprefix(f"{problem.file}:")
        found.append((place, words if words in problem.message else problem.message))
    return found


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("unknown-key", [("5:1", 'did you mean "timeout"?'), ("7:3", 'did you mean "attempts"?')]),
        ("later-field", [("4:3", "not supported in this version"), ("5:1", "not supported in this version")]),
        (
            "wrong-cron",
            [
                ("2:20", '"moonday" is not a valid day of week'),
                ("3:13", '"25" is not a valid hour'),
                ("4:18", "4 fields"),
            ],
        ),
        ("wrong-zone", [("3:13", 'did you mean "Europe/Berlin"?')]),
        ("bare-number-duration", [("2:10", "15 has no unit"), ("5:10", "30 has no unit")]),
        ("duplicate-key", [("5:1", 'the key "schedule" stands twice, at 1:1 and at 5:1; keep one of them')]),
        ("missing-run", [("2:1", '"run" is missing')]),
        ("command-as-string", [("4:12", "[rsync, -a, /srv/a/, /srv/b/]")]),
        ("two-kinds", [("3:3", '"every" cannot stand beside another'), ("5:3", '"shell" cannot stand beside another')]),
        ("start-after-end", [("3:10", "start (2027-12-31) is after end (2026-12-01)")]),
        ("tab-indentation", [("4:1", "a tab is used for indentation; use spaces")]),
        ("unquoted-cron", [("3:9", 'quote it: cron: "*/5 * * * *"')]),
    ],
)
def test_mistakes_in_files(file: str, expected: list[Mistake]) -> None:
    parsed = parse_named(file)
    assert mistakes(parsed, expected) == expected
    assert {problem.file for problem in parsed.problems} == {f"{file}.yaml"}
    assert parsed.jobs == ()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param("run: {shell: echo}\n", "1:1", '"schedule" is missing', id="no schedule"),
        pytest.param(
            "schedule: 5 * * * *\nrun: {shell: echo}\n", "1:11", 'schedule: {cron: "5 * * * *"}', id="no key of cron"
        ),
        pytest.param("schedule:\nrun: {shell: echo}\n", "1:1", "found nothing", id="empty schedule"),
        pytest.param("schedule: {evry: 5m}\nrun: {shell: echo}\n", "1:11", 'did you mean "every"?', id="misspelt kind"),
        pytest.param("schedule: {every: 5m}\nrun: echo hello\n", "2:6", "{shell: echo hello}", id="no key of shell"),
        pytest.param(f"{GOOD}overlap: skp\n", "3:10", 'did you mean "skip"?', id="choice"),
        pytest.param(
            "schedule: {every: 5m}\nrun:\n  shell: x\n  env: {1X: a}\n",
            "4:9",
            "not a variable name",
            id="variable name",
        ),
        pytest.param(f"id: a b\n{GOOD}", "1:5", '"a b" cannot be an id', id="id"),
    ],
)
def test_mistakes(text: str, place: str, words: str) -> None:
    assert mistakes(parse(text), [(place, words)]) == [(place, words)]


def test_of_very_many_mistakes_the_first_are_shown() -> None:
    problems = parse("jobs:\n" + "- {id: a}\n" * 100).problems
    assert len(problems) == 51
    assert problems[-1].message == "150 more mistakes in this file are not shown"


def test_a_problem_names_job_field_and_values() -> None:
    (problem,) = parse(f"id: a\n{GOOD}retry: {{attempts: three}}\n").problems
    assert problem == Problem(
        file="job.yaml",
        line=4,
        column=19,
        message=problem.message,
        job_id="a",
        field="retry.attempts",
        found='"three"',
        expected=problem.expected,
    )
    assert problem.expected is not None
    assert problem.expected in problem.message


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("schedule: {every: 5m}\n", "run"),
        ("schedule: {cron: 0 25 * * *}\nrun: {shell: x}\n", "schedule.0.cron"),
        (f"{GOOD}timout: 5m\n", "timout"),
    ],
)
def test_a_problem_names_the_field_that_is_missing_or_wrong(text: str, field: str) -> None:
    (problem,) = parse(text).problems
    assert (problem.field, problem.job_id) == (field, "job")


def test_values_of_variables_are_not_repeated() -> None:
    (problem,) = parse("schedule: {every: 5m}\nrun: {shell: x, env: {TOKEN: [hunter2]}}\n").problems
    assert "hunter2" not in f"{problem}{problem.found}"


# --- defaults ------------------------------------------------------------------------------------

TOKYO = "schedule: {timezone: Asia/Tokyo}\n"


def merged(job: str, *layers: str, timezone: str = "UTC") -> dict[str, Any]:
    chain: Chain = ()
    for number, text in enumerate(reversed(layers)):
        chain = (defaults(text, f"{number}/_defaults.yaml", outer=chain), *chain)
    return spec_of(parse(job, chain=chain, timezone=timezone)).model_dump(mode="json", exclude_defaults=True)


def test_a_job_wins_over_its_defaults_and_the_nearest_defaults_over_others() -> None:
    spec = merged(f"{GOOD}owner: me\n", "owner: near\ntimeout: 5m\n", "owner: far\ntimeout: 9m\nkill_grace: 3s\n")
    assert (spec["owner"], spec["timeout"], spec["kill_grace"]) == ("me", "5m", "3s")


def test_mappings_merge_and_lists_replace() -> None:
    spec = merged(f"{GOOD}retry: {{attempts: 2}}\ntags: [mine]\n", "retry: {attempts: 9, delay: 5s}\ntags: [a, b]\n")
    assert spec["retry"] == {"attempts": 2, "delay": "5s"}
    assert spec["tags"] == ["mine"]


def test_variables_merge_whatever_the_action_is() -> None:
    job = "schedule: {every: 5m}\nrun: {command: [dump], env: {A: job, B: job}}\n"
    assert merged(job, "run: {cwd: /srv, env: {B: near, C: near}}\n")["run"] == {
        "command": ["dump"],
        "cwd": "/srv",
        "env": {"A": "job", "B": "job", "C": "near"},
    }


def test_the_place_of_a_value_is_not_merged_with_another_place() -> None:
    job = "schedule: {every: 15m}\nrun: {shell: echo, env: {A: {env: MINE}, file: x}}\n"
    env = merged(job, "run: {env: {A: {file: theirs}, B: {file: theirs}}}\n")["run"]["env"]
    assert env == {"A": {"env": "MINE"}, "B": {"file": "theirs"}, "file": "x"}


def test_a_schedule_of_defaults_goes_into_each_trigger() -> None:
    job = "schedule: [{every: 5m}, {cron: 0 2 * * *, timezone: Europe/Rome}]\nrun: {shell: x}\n"
    schedule = spec_of(parse(job, chain=(defaults(TOKYO),), timezone="Europe/Oslo")).schedule
    assert [trigger.timezone for trigger in schedule] == ["Asia/Tokyo", "Europe/Rome"]


def test_the_zone_of_the_settings_is_the_last_default() -> None:
    assert merged(GOOD, timezone="Europe/Oslo")["schedule"][0]["timezone"] == "Europe/Oslo"
    assert merged(GOOD, TOKYO, timezone="Europe/Oslo")["schedule"][0]["timezone"] == "Asia/Tokyo"


def test_a_list_that_a_job_replaces_leaves_no_trace() -> None:
    whole = "schedule: [{every: 1h, timezone: Europe/Rome}]\n"
    assert merged(GOOD, whole, TOKYO)["schedule"] == [{"every": "15m", "timezone": "Asia/Tokyo"}]


def test_a_whole_schedule_and_action_may_be_defaults() -> None:
    spec = merged("owner: me\n", GOOD)
    assert (spec["run"], len(spec["schedule"])) == ({"shell": "echo hello"}, 1)


@pytest.mark.parametrize(
    ("job", "missing"),
    [("run: {shell: x}\n", "schedule"), ("schedule: {every: 5m}\n", "run")],
)
def test_details_in_defaults_do_not_hide_that_something_is_missing(job: str, missing: str) -> None:
    chain = (defaults(f"{TOKYO}run: {{env: {{A: b}}}}\n"),)
    (problem,) = parse(job, chain=chain).problems
    assert (problem.file, problem.line, problem.field) == ("job.yaml", 1, missing)


def test_a_mistake_that_came_from_defaults_is_placed_there() -> None:
    chain = (defaults("owner: near\n", "erp/_defaults.yaml"), defaults("owner: far\nrun:\n  args: [a]\n"))
    (problem,) = parse(GOOD, "erp/dump.yaml", chain=chain).problems
    assert str(problem) == '_defaults.yaml:3:3: unknown key "args"; allowed: cwd, env, limits, nice, shell, umask, user'
    assert problem.job_id == "erp.dump"


def test_defaults_for_processes_leave_statements_alone() -> None:
    job = "run: {sql: x}\nschedule: {every: 5m}\n"
    spec = merged(job, "run: {connection: erp}\n", "run: {env: {A: b}, cwd: /}\n")
    assert spec["run"] == {"sql": "x", "connection": "erp"}


def test_defaults_for_other_kinds_leave_requests_alone() -> None:
    job = "run: {http: {url: https://a}}\nschedule: {every: 5m}\n"
    spec = merged(job, "run: {connection: erp}\n", "run: {env: {A: b}, cwd: /}\n")
    assert spec["run"] == {"http": {"url": "https://a"}}


def test_defaults_for_requests_leave_other_kinds_alone() -> None:
    shared = "run: {http: {tls: {ca: ca.pem}}}\n"
    for action in ("{shell: x}", "{sql: x, connection: erp}"):
        assert "http" not in merged(f"run: {action}\nschedule: {{every: 5m}}\n", shared)["run"]
        assert "http" not in merged(f"run: {action}\nschedule: {{every: 5m}}\n", "run: {env: {A: b}}\n", shared)["run"]


MIXED = "run: {http: {tls: {verify: false}}, connection: erp, env: {A: b}}\nsuccess_exit_codes: [0, 3]\n"


@pytest.mark.parametrize(
    ("action", "theirs"),
    [
        ("shell: x", {"env": {"A": "b"}}),
        ("sql: x", {"connection": "erp"}),
        ("http: {url: https://a}", {"http": {"url": "https://a", "tls": {"verify": False}}}),
    ],
)
@pytest.mark.parametrize("layers", [[MIXED], ["run: {env: {A: b}}\n", MIXED], [MIXED, "run: {connection: far}\n"]])
def test_each_kind_takes_its_own_from_defaults_for_all_kinds(
    action: str, theirs: dict[str, Any], layers: list[str]
) -> None:
    spec = merged(f"run: {{{action}}}\nschedule: {{every: 5m}}\n", *layers)
    assert {key: value for key, value in spec["run"].items() if key not in ("shell", "sql")} == theirs
    assert ("success_exit_codes" in spec) == (action == "shell: x")


def test_a_whole_action_in_defaults_takes_nothing_of_other_kinds() -> None:
    layers = ("run: {connection: erp}\nsuccess_exit_codes: [0, 3]\n", "run: {shell: x, http: {tls: {verify: false}}}\n")
    spec = merged("schedule: {every: 5m}\n", *layers)
    assert (spec["run"], spec["success_exit_codes"]) == ({"shell": "x"}, [0, 3])


def test_details_of_all_kinds_do_not_hide_that_the_action_is_missing() -> None:
    (problem,) = parse("schedule: {every: 5m}\n", chain=(defaults(MIXED),)).problems
    assert (problem.file, problem.field) == ("job.yaml", "run")


def test_headers_are_added_by_defaults_and_not_mixed() -> None:
    job = "run: {http: {url: https://a, headers: {authorization: {env: A}}}}\nschedule: {every: 5m}\n"
    spec = merged(job, "run: {http: {headers: {Authorization: {file: a}, Accept: text/csv}}}\n")
    assert spec["run"]["http"]["headers"] == {"authorization": {"env": "A"}, "Accept": "text/csv"}


def test_exit_codes_of_defaults_leave_statements_alone() -> None:
    statement = "schedule: {every: 15m}\nrun: {sql: SELECT 1, connection: erp}\n"
    assert "success_exit_codes" not in merged(statement, "success_exit_codes: [0, 3]\n")
    assert merged(GOOD, "success_exit_codes: [0, 3]\n")["success_exit_codes"] == [0, 3]


def test_a_mistake_between_job_and_defaults_is_placed_in_the_job() -> None:
    parsed = parse("schedule: {every: 5m}\nrun: {shell: x}\n", chain=(defaults("schedule: {jitter: 10m}\n"),))
    assert mistakes(parsed, [("1:11", "must be shorter than every")]) == [("1:11", "must be shorter than every")]
    assert {problem.file for problem in parsed.problems} == {"job.yaml"}


@pytest.mark.parametrize(
    "text",
    [
        "# nothing yet\n",
        "run: {args: [a]}\n",
        "run: {kwargs: {a: 1}}\n",
        "run: {binds: {a: 1}}\n",
        "run: {out: {a: number}}\n",
        "run: {http: {tls: {ca: ca.pem}, headers: {Accept: text/csv}}}\n",
        "run: {http: {tls: {verify: false}}, env: {A: b}}\n",
        "run: {connection: erp, env: {A: b}}\n",
        "run: {connection: erp}\nsuccess_exit_codes: [0, 3]\n",
        "schedule: {jitter: 2h}\n",
        GOOD,
    ],
)
def test_good_defaults(text: str) -> None:
    assert defaults_problems(text) == ()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param("timout: 5m\n", "1:1", 'did you mean "timeout"?', id="unknown key"),
        pytest.param("owner: me\nid: x\n", "2:1", '"id" cannot be a default; write it in the job', id="id"),
        pytest.param("renamed_from: x\n", "1:1", '"renamed_from" cannot be a default', id="renamed_from"),
        pytest.param("schedule: {timezone: Mars}\n", "1:22", '"Mars" is not a time zone', id="zone"),
        pytest.param("run: {env: {A B: a}}\n", "1:13", "not a variable name", id="variable"),
        pytest.param("run: {connection: erp, evn: {A: b}}\n", "1:24", 'unknown key "evn"', id="key of no kind"),
        pytest.param("run: {connection: erp, nice: 99}\n", "1:30", "expected 19 or less", id="of one kind"),
        pytest.param("run: {shell: x, sql: y}\n", "1:17", "a job has one action", id="two actions"),
        pytest.param("executor: x\n", "1:1", "not supported in this version", id="later"),
        pytest.param("timeout: 5m\ntimeout: 6m\n", "2:1", 'the key "timeout" stands twice', id="twice"),
        pytest.param("timeout: [\n", "2:1", 'the text ends before each "[" and "{" is closed', id="syntax"),
        pytest.param("- a\n", "1:1", 'defaults are a mapping; write e.g. "timeout: 30m"', id="list"),
        pytest.param("owner: a\n---\nowner: b\n", "3:1", "a defaults file has one document", id="two documents"),
        pytest.param("", "1:1", "the file is empty; write defaults into it, or remove it", id="empty"),
        pytest.param("owner: \0\n", "1:8", "the file is not a text file", id="binary"),
    ],
)
def test_mistakes_in_defaults(text: str, place: str, words: str) -> None:
    parsed = ParsedFile(problems=defaults_problems(text))
    assert mistakes(parsed, [(place, words)]) == [(place, words)]
    assert {problem.file for problem in parsed.problems} == {"_defaults.yaml"}


def test_defaults_are_checked_together_with_those_above() -> None:
    outer = (defaults("schedule: {every: 5m}\n"),)
    (problem,) = defaults_problems("schedule: {jitter: 10m}\n", outer=outer)
    assert problem.place == "_defaults.yaml:1:20"
    assert "must be shorter than every" in problem.message


# --- schedules: each mistake at its value ---------------------------------------------------------

SCHEDULES = [
    ('cron: "0 25 * * *"', "25 * * *", "allowed are 0-23"),
    ('cron: "0 0 32 * *"', "32 * *", "allowed are 1-31, and L, L-3, LW and 15W"),
    ('cron: "0 0 30 2 *"', "30 2", "write a day that exists"),
    ('cron: "@daily", timezone: Europe/Berln', "Europe/Berln", 'did you mean "Europe/Berlin"?'),
    (
        'cron: "@daily", start: 2026-12-02, end: 2026-12-01',
        "2026-12-02",
        "start (2026-12-02) is after end (2026-12-01)",
    ),
    ('cron: "0 0 31 * *", start: 2026-11-01, end: 2026-11-30', "2026-11-30", "this would never fire"),
    ("calendar: {months: 1, day: 32}", "32", "write 1 to 31 or last for months"),
    ("calendar: {months: 1, day: 1, time: 25:00}", "25:00", 'write it like "06:00"'),
    ('cron: "@daily", exclude: [holidays]', "holidays", "write it as calendars/holidays.yaml in the jobs folder"),
    ('cron: "@daily", only: holidays', "holidays", "write it as calendars/holidays.yaml in the jobs folder"),
    ('cron: "@daily", exclude: [{dates: [2026-02-30]}]', "2026-02-30", "write it like 2026-12-24"),
    ('cron: "*/5 * * * *", exclude: [{yearly: [12-25]}], shift: next', "*/5", "write fixed times, or remove shift"),
    ('cron: "@daily", shift: next', "next", "add exclude or only"),
    ("every: 5m, jitter: 10m", "10m", "must be shorter than every"),
]


@pytest.mark.parametrize(("schedule", "value", "said"), SCHEDULES, ids=[schedule for schedule, _, _ in SCHEDULES])
def test_a_mistake_in_a_schedule_is_at_its_value_and_says_what_to_write(schedule: str, value: str, said: str) -> None:
    text = f"schedule: {{{schedule}}}\nrun: {{shell: x}}\n"
    (problem,) = parse(text).problems
    assert (problem.line, problem.column) == (1, text.index(value) + 1)
    assert said in problem.message
