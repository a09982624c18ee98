"""orlop daemon start | stop | status | run."""

import sys

import click

from orlop.cli.options import config_option, output_option
from orlop.cli.printing import print_json

NOT_RUNNING = 3
"""Exit status of `status`, as the Linux Standard Base has it for init scripts."""


@click.group()
def daemon() -> None:
    """Start, stop and watch the daemon where no systemd does. With systemd: systemctl start orlop."""


@daemon.command()
@config_option
@output_option
@click.option("--wait", default=60.0, show_default=True, help="Seconds until a daemon that does not serve is given up.")
def start(config_path: str | None, output: str, wait: float) -> None:
    """Start the daemon in the background, and return when its socket answers. One that runs already is fine.

    \b
    Example:
      orlop daemon start --config /etc/orlop/orlop.toml
    """
    from orlop.cli.asking import ask
    from orlop.config.loader import load
    from orlop.daemon import starting

    config = load(config_path).config
    started = starting.start(config, config_path, time_limit=wait)
    # A daemon that another command has just started may not listen yet.
    answer = ask(config.daemon.socket, lambda client: client.call("Version", timeout=wait, wait=True))
    if output == "json":
        print_json({"changed": started.changed, "pid": started.pid, "version": answer.runtime_version})
    elif started.changed:
        name = f"{answer.runtime_name} {answer.runtime_version}"
        click.echo(f"{name} serves {config.daemon.socket}, pid {started.pid}, after {started.seconds * 1000:.0f} ms")
    else:
        click.echo(f"The daemon runs already, pid {started.pid}")


@daemon.command()
@config_option
@output_option
def stop(config_path: str | None, output: str) -> None:
    """Stop the daemon and wait for its end. Pods and containers go on. One that does not run is fine."""
    from orlop.config.loader import load
    from orlop.daemon import starting

    stopped = starting.stop(load(config_path).config)
    if output == "json":
        print_json({"changed": stopped})
    else:
        click.echo("The daemon has stopped; containers go on" if stopped else "The daemon does not run")


@daemon.command()
@config_option
@output_option
def status(config_path: str | None, output: str) -> None:
    """Tell whether the daemon runs and its socket is served; the status is 3 when it does not."""
    from orlop.api.sockets import answers
    from orlop.config.loader import load
    from orlop.daemon import starting

    config = load(config_path).config
    pid, served = starting.pid_of(config), answers(config.daemon.socket)
    if output == "json":
        print_json({"running": pid is not None, "pid": pid, "socket": config.daemon.socket, "served": served})
    elif pid is None:
        note = f", but something else serves {config.daemon.socket}" if served else ""
        click.echo(f"The daemon does not run{note}")
    else:
        click.echo(f"The daemon runs, pid {pid}; {config.daemon.socket} is {'served' if served else 'not served yet'}")
    sys.exit(0 if pid is not None else NOT_RUNNING)


@daemon.command()
@config_option
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Instead of the file's.")
def run(config_path: str | None, log_level: str | None) -> None:
    """Run the daemon in the foreground, as `orlopd` does. SIGTERM ends it; SIGHUP makes it read its configuration."""
    from orlop.daemon.running import main

    sys.exit(main(config_path, log_level or ""))
