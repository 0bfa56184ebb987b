"""YAML: what words mean, what is refused and how, and where things are in the text."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yaml.nodes import Node

from schedsync.sources.yaml_text import RefusedError, build, compose, locate
from schedsync.specs.problem import Problem

SPECS = Path(__file__).parents[2] / "data" / "specs"


def nodes_of(text: str) -> list[Node]:
    nodes = compose(text, "job.yaml")
    assert not isinstance(nodes, Problem), nodes
    return nodes


def value_of(text: str) -> Any:
    (node,) = nodes_of(text)
    return build(node)


def refusal_of(text: str) -> str:
    """Return what is refused in *text*, as ``line:column: message``."""
    nodes = compose(text, "job.yaml")
    if isinstance(nodes, Problem):
        return str(nodes).removeprefix("job.yaml:")
    with pytest.raises(RefusedError) as refused:
        _ = [build(node) for node in nodes]
    return str(refused.value.problem("job.yaml")).removeprefix("job.yaml:")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-15", -15),
        ("8080", 8080),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("1.0e3", 1000.0),
        ("[a, 1]", ["a", 1]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("!!str 5", "5"),
    ],
)
def test_plain_values(written: str, value: object) -> None:
    assert value_of(f"x: {written}\n") == {"x": value}


WORDS = """
on off yes no True NULL 12:30 0755 010 +5 -0 1_000 0o17 0x1F 1e3 .5 1. 01.12 2026-12-01 1.2.3 = .inf .nan 30s
"""


@pytest.mark.parametrize("written", WORDS.split())
def test_words_that_other_readers_convert_stay_text(written: str) -> None:
    assert value_of(f"x: {written}\n") == {"x": written}


def test_keys_are_always_text() -> None:
    assert value_of("on: a\n5: b\ntrue: c\nnull: d\n") == {"on": "a", "5": "b", "true": "c", "null": "d"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n# nothing\n...\n", "~\n"])
def test_empty_documents_are_passed_over(text: str) -> None:
    assert nodes_of(text) == []


def test_documents_come_in_order() -> None:
    assert [build(node) for node in nodes_of("---\na: 1\n---\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]


def test_what_is_merged_gives_way_to_what_is_written() -> None:
    text = "base: &base {x: 1, y: 2}\nother: &other {y: 3, z: 4}\nsum: {y: 5, <<: [*base, *other]}\nsame: {<<: {}}\n"
    assert value_of(text) == {
        "base": {"x": 1, "y": 2},
        "other": {"y": 3, "z": 4},
        "sum": {"x": 1, "y": 5, "z": 4},
        "same": {},
    }


@pytest.mark.parametrize(
    ("file", "refusal"),
    [
        ("tab-indentation", "4:1: a tab is used for indentation; use spaces"),
        ("unquoted-cron", '3:9: a value that begins with "*" must be quoted; quote it: cron: "*/5 * * * *"'),
        (
            "unquoted-cron-in-braces",
            '2:18: a value that begins with "*" must be quoted; quote it: cron: "*/5,10 * * * *"',
        ),
        ("merge-conflict", "2:1: a merge conflict is left here; choose one side and remove the marks"),
        ("unclosed-quote", "2:9: the quotation mark that stands here is not closed"),
        ("template", '4:10: "{{" is not filled in by schedsync; put the whole value in quotes'),
        ("indented-less", "3:1: this does not fit the lines above it; check the indentation and the quotes"),
        ("alias-bomb", "1:4: aliases repeat this until there are more than 100,000 values; use fewer"),
        ("merge-bomb", "1:4: aliases repeat this until there are more than 100,000 values; use fewer"),
        ("duplicate-key", 'the key "schedule" stands twice, at 1:1 and at 5:1; keep one of them'),
    ],
)
def test_files_that_are_refused(file: str, refusal: str) -> None:
    assert refusal_of((SPECS / f"{file}.yaml").read_text()).endswith(refusal)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        pytest.param("a:\n  b: 1\n\tc: 2\n", "3:1: a tab is used for indentation; use spaces", id="tab after a value"),
        pytest.param("a:\n- x\n  \ty: 1\n", "3:3: a tab is used for indentation; use spaces", id="tab after blanks"),
        pytest.param(
            "cron: @daily\n",
            '1:7: a value that begins with "@" must be quoted; quote it: cron: "@daily"',
            id="nickname",
        ),
        pytest.param(
            "- * * * * *\n", '1:3: a value that begins with "*" must be quoted; quote it: "* * * * *"', id="no key"
        ),
        pytest.param(
            "cron: *5 2 * * *\n",
            '1:7: a value that begins with "*" must be quoted; quote it: cron: "*5 2 * * *"',
            id="cron that looks like an alias",
        ),
        pytest.param("x: %d\n", '1:4: a value that begins with "%" must be quoted; quote it: x: "%d"', id="per cent"),
        pytest.param(
            'x: `date` "now"\n',
            '1:4: a value that begins with "`" must be quoted; quote it: x: \'`date` "now"\'',
            id="backtick",
        ),
        pytest.param(
            "x: & sleep\n", '1:4: a value that begins with "&" must be quoted; quote it: x: "& sleep"', id="ampersand"
        ),
        pytest.param(
            "x: *base\n",
            '1:4: "*base" repeats what is marked with "&base", and nothing above is; mark it, or quote it: x: "*base"',
            id="unknown alias",
        ),
        pytest.param(
            "x: {{ name }}\n", '1:4: "{{" is not filled in by schedsync; put the whole value in quotes', id="template"
        ),
        pytest.param(
            "x: {% if a %}\n", '1:4: "{%" is not filled in by schedsync; put the whole value in quotes', id="statement"
        ),
        pytest.param(
            "x: !env HOME\n",
            '1:4: "!env" is a YAML tag, and schedsync knows none; remove it, or quote the value',
            id="tag",
        ),
        pytest.param(
            "x: !!set {a}\n",
            '1:4: "!!set" is a YAML tag, and schedsync knows none; remove it, or quote the value',
            id="tag of YAML",
        ),
        pytest.param(
            "!job {a: 1}\n",
            '1:1: "!job" is a YAML tag, and schedsync knows none; remove it, or quote the value',
            id="tagged mapping",
        ),
        pytest.param(
            "x: !!int ten\n", "1:4: this cannot be read as int; put it in quotes if it is text", id="wrong for its tag"
        ),
        pytest.param(
            f"x: {'9' * 5000}\n", "1:4: this cannot be read as int; put it in quotes if it is text", id="huge number"
        ),
        pytest.param(
            "x: 1.0e999\n", "1:4: this cannot be read as float; put it in quotes if it is text", id="infinite number"
        ),
        pytest.param("? [a]\n: 1\n", '1:3: a key must be text; write "key: value"', id="list as key"),
        pytest.param(
            "x: {<<: 1}\n",
            '1:9: "<<" merges mappings only; write "<<: *name" or "<<: [*one, *other]"',
            id="merging a number",
        ),
        pytest.param(
            "x: a\0b\n",
            '1:5: the control character U+0000 cannot stand here; remove it, or write "\\x00" in double quotes',
            id="nul",
        ),
        pytest.param(
            "a: 1\nx: é\x07b\n",
            '2:5: the control character U+0007 cannot stand here; remove it, or write "\\x07" in double quotes',
            id="bell",
        ),
        pytest.param(
            "x: \ufffe\n",
            '1:4: the control character U+FFFE cannot stand here; remove it, or write "\\ufffe" in double quotes',
            id="not a character",
        ),
        pytest.param(
            'x: "C:\\dir"\n',
            '1:7: YAML does not know this escape in double quotes; write "\\\\" for a backslash, or use single quotes',
            id="escape",
        ),
        pytest.param(
            "x: [a, b\ny: 1\n", '1:4: this "[" is not closed; write "," between the parts and "]" at the end', id="list"
        ),
        pytest.param(
            "x: {a: 1\ny: 2\n",
            '1:4: this "{" is not closed; write "," between the parts and "}" at the end',
            id="mapping",
        ),
        pytest.param(
            "x: at 2: 30\n",
            '1:8: a second ": " cannot stand here; quote the value, or check the indentation',
            id="second colon",
        ),
        pytest.param(
            "a: 1\nfoo\nb: 2\n",
            '2:1: this is no "key: value"; ":" and a blank are missing, or quotes are',
            id="no colon",
        ),
        pytest.param(
            "x: | echo\n  hello\n",
            '1:4: text after "|" begins on the next line, further in; or put it in quotes',
            id="text beside a bar",
        ),
        pytest.param(
            'x: "a" b\n',
            "1:8: this does not fit the lines above it; check the indentation and the quotes",
            id="text after a quote",
        ),
        pytest.param(
            "x: ]\n",
            "1:4: this is not valid YAML: did not find expected node content; check the indentation and the quotes",
            id="anything else",
        ),
        pytest.param(
            f"{'[' * 60}{']' * 60}\n",
            "1:50: this is nested more than 50 levels deep, or contains itself; write it flatter",
            id="deep",
        ),
        pytest.param(
            "x: &x [*x]\n",
            "1:4: this is nested more than 50 levels deep, or contains itself; write it flatter",
            id="a list in itself",
        ),
        pytest.param(
            "x: &x {<<: *x}\n",
            "1:4: this is nested more than 50 levels deep, or contains itself; write it flatter",
            id="a mapping merged with itself",
        ),
    ],
)
def test_texts_that_are_refused(text: str, refusal: str) -> None:
    assert refusal_of(text) == refusal


@pytest.mark.parametrize("bracket", ["[", "{a: "], ids=["lists", "mappings"])
def test_nesting_without_end_is_refused(bracket: str) -> None:
    assert refusal_of(bracket * 100_000)


def test_after_a_syntax_error_nothing_is_taken_from_the_text() -> None:
    assert isinstance(compose("a: 1\n---\nb: [\n", "job.yaml"), Problem)


TEXT = """\
id: a
schedule:
  - cron: "0 25 * * *"
    timezone: Europe/Berln
  - {cron: 0 2 * * moo}
run:
  shell: |
    echo hello
  env: {"A B": 1}
empty:
escaped: "a\\tb c"
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("id",), (1, 5)),
        (("schedule",), (3, 3)),
        (("schedule", 0), (3, 5)),
        (("schedule", 0, "timezone"), (4, 15)),
        (("schedule", 1, "cron"), (5, 12)),
        (("run", 0, "shell"), (7, 10)),
        (("run", "args", 3), (7, 3)),
        (("schedule", 7, "cron"), (3, 3)),
        (("missing", "id"), (1, 1)),
        (("id", "x"), (1, 5)),
        (("empty",), (10, 1)),
    ],
    ids=str,
)
def test_places_of_values(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert locate(nodes_of(TEXT)[0], path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("id",), (1, 1)),
        (("run", "env", "A B"), (9, 9)),
        (("schedule", 1), (5, 5)),
        (("run", "missing"), (7, 3)),
        ((), (1, 1)),
    ],
    ids=str,
)
def test_places_of_keys(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert locate(nodes_of(TEXT)[0], path, at_key=True) == place


@pytest.mark.parametrize(
    ("path", "offset", "place"),
    [
        pytest.param(("schedule", 0, "cron"), 2, (3, 14), id="in quotes"),
        pytest.param(("schedule", 1, "cron"), 8, (5, 20), id="plain"),
        pytest.param(("run", "shell"), 3, (7, 10), id="block"),
        pytest.param(("escaped",), 4, (11, 10), id="with escapes"),
        pytest.param(("schedule", 0, "missing"), 4, (3, 5), id="missing"),
    ],
)
def test_places_inside_values(path: tuple[str | int, ...], offset: int, place: tuple[int, int]) -> None:
    assert locate(nodes_of(TEXT)[0], path, offset=offset) == place


def test_places_of_what_is_merged_are_where_it_is_written() -> None:
    (node,) = nodes_of("base: &base\n  timezone: X\nschedule:\n  <<: *base\n  every: 5m\n")
    assert locate(node, ("schedule", 0, "timezone")) == (2, 13)


def test_columns_count_characters() -> None:
    (node,) = nodes_of("{größe: 𝄞𝄞, x: y}\n")
    assert locate(node, ("x",)) == (1, 16)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_what_yaml_writes_is_read_back(value: dict[str, Any]) -> None:
    assert value_of(yaml.safe_dump(value)) == value


@given(st.text(alphabet="ab:-*&!{}[]<>|'\"%@`#?, \n\t\\~01.", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    nodes = compose(text, "job.yaml")
    for node in [] if isinstance(nodes, Problem) else nodes:
        try:
            build(node)
        except RefusedError as refused:
            problem = refused.problem("job.yaml")
            assert (problem.line or 0) >= 1
            assert (problem.column or 0) >= 1
