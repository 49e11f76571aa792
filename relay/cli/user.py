"""`ses-relay user`: values for `users[]` of the configuration."""

import sys

import argon2
import typer

from relay.cli.options import Json

app = typer.Typer(help="Users of the relay.", no_args_is_help=True)

# OWASP's first choice for Argon2id; about 20 ms of CPU, which the relay's cache spends once per
# client and not once per connection.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@app.callback()
def _group() -> None:
    """Keep `user` a group although it has one verb."""


@app.command("hash")
def hash_password(
    as_json: Json = False,  # noqa: FBT002 - typer's flags
) -> None:
    """Turn a password into the value of `users[].password`.

    Asks for the password; without a terminal it is the first line of standard input.

    Example: `ses-relay user hash`
    """
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        typer.echo("the password is empty; type one, or give it as a line on stdin", err=True)
        raise typer.Exit(1)
    hashed = _HASHER.hash(password)
    typer.echo(f'"{hashed}"' if as_json else hashed)
