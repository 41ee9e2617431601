"""`isnad completion`: what makes the shell complete commands, options and file names.

eval "$(isnad completion bash)"                                       # in ~/.bashrc; zsh: in ~/.zshrc
isnad completion fish > ~/.config/fish/completions/isnad.fish
"""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands and options with Tab.

    For bash and zsh put eval "$(isnad completion bash)" (or zsh) into ~/.bashrc (~/.zshrc); for fish write the script
    to ~/.config/fish/completions/isnad.fish.
    """
    from click.shell_completion import get_completion_class

    of_shell = get_completion_class(shell)
    assert of_shell is not None
    click.echo(of_shell(ctx.find_root().command, {}, "isnad", "_ISNAD_COMPLETE").source())
