"""The demo: relay, simulated SES, dashboard and inbox in one process, with nothing to configure.

It makes a certificate and a user, so that STARTTLS and AUTH can be tried; clients of this machine
need no AUTH. Everything it keeps is in one folder, by default a temporary one.

Errors: `Unusable` when an address cannot be had or the folder cannot be written.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from relay.model.clock import SystemClock
from relay.model.settings import (
    NULL_SENDER,
    AddressPattern,
    AuthMode,
    Bind,
    ClearPassword,
    Http,
    IdentifyBy,
    Listener,
    Log,
    LogFormat,
    Queue,
    Route,
    Secret,
    Settings,
    SqliteStore,
    TcpBind,
    Tls,
    TlsMode,
    User,
)
from relay.service.assembly import Outside
from relay.service.certificate import make_certificate
from relay.service.loop import run_loop
from relay.service.notify import ServiceManager
from relay.service.process import run_until_signalled
from relay.service.relay import Relay
from relay.service.snapshot import Unusable
from relay.simulator import Message, Simulator, running
from relay.telemetry import Metrics, adopt_library_logs, stdout_writer
from relay.web import InboxMessage

USER, PASSWORD = "demo", "demo"
DOMAIN = "example.com"  # verified in the simulated account


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo listens, and where it keeps its files (None: a temporary folder)."""

    smtp: Bind
    http: Bind
    ses: str
    state: Path | None = None


class SimulatorInbox:
    """Shows what the simulated SES took; implements `relay.web.Inbox`."""

    def __init__(self, simulator: Simulator) -> None:
        self._mailbox = simulator.mailbox

    def list(self) -> Sequence[InboxMessage]:
        """Give the messages that are kept, newest first."""
        return [_shown(message) for message in reversed(self._mailbox.messages())]

    def get(self, message_id: str) -> InboxMessage | None:
        """Give one message."""
        found = next(
            (message for message in self._mailbox.messages() if message.id == message_id), None
        )
        return None if found is None else _shown(found)


def run_demo(demo: Demo, say: Callable[[str], None]) -> None:
    """Run until a signal ends it; `say` prints a line for the person at the terminal."""
    with _folder(demo.state) as folder:
        run_loop(_serve(demo, folder, say))


async def _serve(demo: Demo, folder: Path, say: Callable[[str], None]) -> None:
    simulator = Simulator()
    async with contextlib.AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(running(simulator, demo.ses))
        except (OSError, ValueError) as error:
            raise Unusable(f"--ses {demo.ses}: {error}") from error
        _use_simulated_credentials()
        settings = _settings(demo, folder, url)
        clock = SystemClock()
        metrics, inbox = Metrics(), SimulatorInbox(simulator)
        log = stdout_writer(settings.log, clock, metrics)
        adopt_library_logs(log)
        relay = Relay(settings, Outside(clock=clock, log=log, metrics=metrics, inbox=inbox))

        def ready() -> None:
            say(_welcome(relay, url))

        await run_until_signalled(
            relay, ServiceManager(os.environ), lambda: "the demo has no configuration", ready
        )


def _settings(demo: Demo, folder: Path, url: str) -> Settings:
    certificate, key = make_certificate(folder)
    everybody = (AddressPattern("*"), AddressPattern(NULL_SENDER))
    return Settings(
        hostname="relay.localhost",
        listeners=(Listener(bind=demo.smtp, tls=TlsMode.STARTTLS, auth=AuthMode.OPTIONAL),),
        tls=Tls(certificate=(certificate,), key=(key,)),
        users=(
            User(name=USER, password=ClearPassword(Secret(PASSWORD)), senders=everybody),
            User(
                name="local",
                identify_by=IdentifyBy.NETWORK,
                networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
                senders=everybody,
            ),
        ),
        routes={"default": Route(region="eu-west-1", endpoint_url=url)},
        queue=Queue(store=SqliteStore(folder / "queue")),
        http=Http(bind=demo.http),
        log=Log(format=LogFormat.CONSOLE),
    )


def _use_simulated_credentials() -> None:
    """Keep real AWS credentials out of a demo, and give the simulator the ones it knows."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "simulator",
        "AWS_SECRET_ACCESS_KEY": "simulator",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _welcome(relay: Relay, url: str) -> str:
    smtp = _reached(relay)
    return (
        f"\nses-relay demo is ready: SMTP {smtp}, simulated SES {url},\n"
        f"dashboard and inbox {relay.http}/\n\n"
        "Send the first message from another terminal:\n\n"
        f"  python3 -c \"import smtplib; smtplib.SMTP('{smtp.host}', {smtp.port}).sendmail("
        f"'me@{DOMAIN}', ['you@example.org'], "
        f"'From: me@{DOMAIN}\\nTo: you@example.org\\nSubject: Hello\\n\\nIt works.')\"\n\n"
        f"Senders @{DOMAIN} are verified in the simulated account, others are refused as by SES.\n"
        f"STARTTLS is offered; AUTH as {USER} with password {PASSWORD} works, without needs none.\n"
        "Stop with Ctrl-C.\n"
    )


def _reached(relay: Relay) -> TcpBind:
    """Say where the socket is, which is not the bind where that left the port to the system."""
    ((name, *_),) = relay.parts.listeners.addresses.values()
    if not isinstance(name, tuple):
        raise TypeError("the demo listens on TCP")
    return TcpBind(str(name[0]), int(name[1]))


@contextlib.contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    if state is None:
        with tempfile.TemporaryDirectory(prefix="ses-relay-demo-") as name:
            yield Path(name)
        return
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"--state {state}: {error.strerror}") from error
    yield state


def _shown(message: Message) -> InboxMessage:
    return InboxMessage(
        id=message.id,
        api=message.api,
        accepted_at=message.accepted_at,
        source=message.source,
        destinations=message.destinations,
        raw=message.raw,
        configuration_set=message.configuration_set,
        tags=message.tags,
        tenant=message.tenant,
    )
