"""Texts with placeholders: names and nothing else."""

import pytest

from schedsync.notify.template import BODY, PLACEHOLDERS, TITLE, check, fill


@pytest.mark.parametrize("text", [TITLE, BODY, "", "no placeholder", "{{braces}} and {job}"])
def test_a_template_of_known_placeholders_is_taken(text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{jbo}", '"{jbo}" is no placeholder; there are job, what, '),
        ("{job.__class__}", '"{job.__class__}" is no placeholder'),
        ("{job[0]}", '"{job[0]}" is no placeholder'),
        ("{job!r}", '"{job}" is no placeholder'),
        ("{job:>{what}}", '"{job}" is no placeholder'),
        ("{}", '"{}" is no placeholder'),
        ("a { b", "write {{ or }} for a brace that is meant as one"),
        ("a } b", "write {{ or }} for a brace that is meant as one"),
    ],
)
def test_what_is_no_placeholder_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="write") as refused:
        check(text)
    assert said in str(refused.value)


def test_lines_of_which_nothing_is_known_are_left_out() -> None:
    values = dict.fromkeys(PLACEHOLDERS, "") | {"job": "a", "what": "is late", "reason": "no success for 2d"}
    assert fill(BODY, values) == "a is late\n\nreason:   no success for 2d"


def test_values_are_not_read_as_templates() -> None:
    assert fill("{job}: {output}", {"job": "a", "output": "{job} {nosuch} }{"}) == "a: {job} {nosuch} }{"
