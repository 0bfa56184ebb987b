"""``schedsync completion``: what a shell has to know to complete words."""

import click
from click.shell_completion import get_completion_class

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command
from schedsync.cli.output import say_json, say_raw

VARIABLE = "_SCHEDSYNC_COMPLETE"
"""How the shell asks: with this variable set, the program prints words and does nothing else."""


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(options: Options, *, shell: str) -> int:
    """Print the script that lets a shell complete commands, options and jobs.

    For bash, put eval "$(schedsync completion bash)" into ~/.bashrc; for zsh, the same with zsh into ~/.zshrc, below
    compinit; for fish, the script itself into ~/.config/fish/completions/schedsync.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell  # noqa: S101 - the choice above names those that there are
    script = kind(click.get_current_context().find_root().command, {}, "schedsync", VARIABLE).source().strip() + "\n"
    if options.as_json:
        say_json({"shell": shell, "script": script})
    else:
        say_raw(script)
    return Exit.OK
