"""The reference of the command line says what the commands take: nothing is missing, nothing is invented."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from schedsync.cli.main import COMMANDS, cli, load
from schedsync.cli.options import REMOTE

REFERENCE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()


def commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield *command*, or those of the group that it is, by the words that call them."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for inner, sub_command in command.commands.items():
        yield from commands(f"{name} {inner}", sub_command)


ALL = {path: command for name in COMMANDS for path, command in commands(name, load(name))}


def sections() -> dict[str, str]:
    """Return the text below each heading of a command, by the words of the command."""
    parts = re.split(r"^### schedsync (.*)\n", REFERENCE, flags=re.MULTILINE)[1:]
    bare = [re.sub(r" \[?[A-Z]+\]?$", "", heading) for heading in parts[::2]]
    texts = [re.split(r"^## ", text, flags=re.MULTILINE)[0] for text in parts[1::2]]
    return dict(zip(bare, texts, strict=True))


def options(command: click.Command) -> set[str]:
    """Return how the options of *command* are written."""
    return {name for param in command.params if isinstance(param, click.Option) for name in param.opts}


def options_in(text: str) -> set[str]:
    """Return the options in the first column of the tables of *text*."""
    cells = re.findall(r"^\| (`-.*?) \| ", text.replace("\\|", "/"), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(--?[a-z][a-z-]*)", cell)}


COMMON = options(cli)


def test_each_command_has_a_section_and_each_section_a_command() -> None:
    assert sections().keys() == ALL.keys()


@pytest.mark.parametrize("name", ALL)
def test_each_option_is_in_the_section_and_each_in_the_section_is_one(name: str) -> None:
    assert options_in(sections()[name]) == options(ALL[name]) - COMMON


def test_the_options_of_every_command_are_those_of_the_program() -> None:
    section = REFERENCE.partition("## Options of every command")[2].partition("###")[0]
    assert options_in(section) == COMMON | {"-h", "--help"}


@pytest.mark.parametrize("name", ALL)
def test_arguments_are_in_the_heading(name: str) -> None:
    heading = next(line for line in REFERENCE.splitlines() if re.match(rf"### schedsync {name}( \[?[A-Z]+\]?)?$", line))
    assert len(heading.split()) - len(name.split()) - 2 == sum(isinstance(p, click.Argument) for p in ALL[name].params)


@pytest.mark.parametrize("name", ALL)
def test_what_can_ask_a_service_is_marked_and_shows_the_option(name: str) -> None:
    shows = any(param.name == "server" and not getattr(param, "hidden", False) for param in ALL[name].params)
    assert shows is (name in REMOTE)
    assert ("**remote.**" in sections()[name]) is shows


@pytest.mark.parametrize("name", ALL)
def test_each_section_says_what_is_answered_in_json(name: str) -> None:
    assert "JSON" in sections()[name]
