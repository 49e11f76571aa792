"""`ses-relay config`: the example file and the schema for editors."""

import json

import typer

from relay.config import example, schema

app = typer.Typer(help="The configuration file.", no_args_is_help=True)


@app.command("example")
def print_example() -> None:
    """Print the annotated example file.

    Example: `ses-relay config example > config.yaml`
    """
    typer.echo(example(), nl=False)


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the file, for editors that check YAML while you type.

    Example: `ses-relay config schema > ses-relay.schema.json`
    """
    typer.echo(json.dumps(schema(), indent=2))
