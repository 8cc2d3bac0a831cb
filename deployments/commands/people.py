"""Who is at the keyboard, as a command declares it."""

import getpass
import subprocess

import click


def declared_name() -> str:
    """git's user.name, else the login name."""
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return getpass.getuser()
    return done.stdout.strip() or getpass.getuser()


as_name = click.option(
    "--as",
    "who",
    metavar="NAME",
    default=declared_name,
    show_default="git's user",
    help="Who decides; it goes on record.",
)
