"""orlop completion."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      orlop completion bash > /etc/bash_completion.d/orlop
      orlop completion zsh > ~/.zfunc/_orlop
      orlop completion fish > ~/.config/fish/completions/orlop.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "orlop", "_ORLOP_COMPLETE").source())
