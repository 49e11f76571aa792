"""A peer that speaks SES's wire form, word for word as a test wrote it, and three ways to send.

Whatever is said of answers, requests and faults is said of all ways: by botocore itself, past its
middle (`relay.delivery.direct`), and without it (`relay.delivery.lean`).
"""

import pytest
import pytest_asyncio
from wire import Ses, Wire, route

from relay.aws import open_clients
from relay.delivery.direct import direct_calls
from relay.delivery.lean import lean_calls
from relay.delivery.requests import plain_calls


@pytest.fixture(autouse=True, scope="session")
def aws_environment():
    """Credentials from the environment, and no file or metadata service of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.delenv(name, raising=False)
        yield


async def plain(clients):
    return plain_calls(clients)


async def direct(clients):
    calls = await direct_calls(clients)
    assert calls is not None, "botocore has changed: see the log"
    return calls


async def lean(clients):
    # Through a proxy there is no lean way: the relay then goes the direct one.
    calls = await lean_calls(clients)
    assert calls is not None or clients.ses_lean is None, "botocore has changed: see the log"
    return calls or await direct(clients)


WAYS = [plain, direct, lean]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request):
    """How the calls are made."""
    return request.param


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_wire():
    async with Wire() as wire:
        yield wire


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=WAYS, ids=lambda way: way.__name__
)
async def module_way(request, module_wire):
    async with open_clients("default", route(module_wire), 10) as clients:
        yield clients, await request.param(clients), request.param


@pytest.fixture
def ses(module_wire, module_way):
    module_wire.forget()
    clients, calls, _ = module_way
    return Ses(module_wire, clients, calls)
