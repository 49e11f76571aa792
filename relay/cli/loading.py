"""The configuration as the verbs need it: found, loaded, or explained on stderr with exit 2."""

import os
from pathlib import Path
from typing import Annotated

import typer

from relay.config import Faults, find, load
from relay.model.settings import Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file. Default: $SES_RELAY_CONFIG, ./config.yaml, "
        "/etc/ses-relay/config.yaml.",
        show_default=False,
    ),
]


def config_path(given: Path | None) -> Path:
    """Name the configuration file, or end with exit 2."""
    path = given or find(os.environ)
    if path is None:
        typer.echo(
            "no configuration: no ./config.yaml and no /etc/ses-relay/config.yaml; name one with "
            "--config FILE, or write one from `ses-relay config example`",
            err=True,
        )
        raise typer.Exit(2)
    return path


def settings(given: Path | None) -> Settings:
    """Load the configuration, or print all its faults and end with exit 2."""
    loaded = load(config_path(given), os.environ)
    if isinstance(loaded, Faults):
        typer.echo(str(loaded), err=True)
        raise typer.Exit(2)
    return loaded
