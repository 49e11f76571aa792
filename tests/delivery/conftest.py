"""A peer that speaks SES's wire form, word for word as a test wrote it, and mail to send to it."""

import pytest
import pytest_asyncio
from wire import Wire, mail, route

from relay.aws import open_clients
from relay.delivery.ses import SesTransport
from relay.model.message import Request


@pytest.fixture(autouse=True, scope="session")
def aws_environment():
    """Credentials from the environment, and no file or metadata service of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.delenv("AWS_PROFILE", raising=False)
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        yield


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_wire():
    async with Wire() as wire:
        yield wire


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_clients(module_wire):
    async with open_clients("default", route(module_wire), 10) as clients:
        yield clients


class Ses:
    """A scripted SES and the way to it."""

    def __init__(self, wire, clients):
        self.script = wire.script
        self.seen = wire.seen
        self._clients = clients

    async def send(self, api, message=None, verified=None):
        """Send one message in one request and give the outcome."""
        message = message or mail()
        recipients = tuple(recipient.address for recipient in message.recipients)
        transport = SesTransport(api, self._clients, verified)
        return await transport.send(message, Request(number=1, recipients=recipients))


@pytest.fixture
def ses(module_wire, module_clients):
    module_wire.forget()
    return Ses(module_wire, module_clients)
