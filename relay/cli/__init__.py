"""The command `ses-relay`: one module per group of verbs, each thin.

Exit codes: 0 done; 1 what was asked about is not right, one line on stderr with the fix; 2 wrong
usage or configuration.
"""

import typer

from relay.cli.check import check_all
from relay.cli.config import app as config_app
from relay.cli.demo import demo
from relay.cli.dkim import app as dkim_app
from relay.cli.explain import explain_message
from relay.cli.hold import hold, release
from relay.cli.queue import app as queue_app
from relay.cli.report import report
from relay.cli.serve import serve
from relay.cli.simulator import simulator
from relay.cli.suppression import app as suppression_app
from relay.cli.trace import trace
from relay.cli.user import app as user_app

app = typer.Typer(
    name="ses-relay",
    help="SMTP relay gateway in front of Amazon SES.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # a frame's locals may hold a password
)
app.command()(demo)
app.command()(serve)
app.command()(simulator)
app.command("check")(check_all)
app.command("explain")(explain_message)
app.add_typer(queue_app, name="queue")
app.command("hold")(hold)
app.command("release")(release)
app.command("trace")(trace)
app.command("report")(report)
app.add_typer(suppression_app, name="suppression")
app.add_typer(dkim_app, name="dkim")
app.add_typer(user_app, name="user")
app.add_typer(config_app, name="config")


def main() -> None:
    """Run the command line."""
    app()
