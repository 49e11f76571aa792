"""The SES clients of one route: both API versions, opened once, closed in order.

SES facts: neither API has an idempotency token (SES API references, SendRawEmail and SendEmail),
so that botocore must never repeat a request by itself: one attempt in all.

Errors: `UnusableRoute` when the configuration names what does not exist (a profile, a Region, a
URL). Credentials that cannot be had are no error here: see `relay.aws.credentials`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader, create_loader

from relay.aws.connections import Connections, open_connections
from relay.aws.credentials import RenewableCredentials, Source, assumed_role
from relay.model.settings import Route

if TYPE_CHECKING:  # the stubs are a test dependency
    from types_aiobotocore_ses.client import SESClient
    from types_aiobotocore_sesv2.client import SESV2Client
    from types_aiobotocore_sts.client import STSClient

CONNECT_SECONDS = 10.0
# From the last octet of the request to the first of the answer, and between any two of it.
READ_SECONDS = 60.0


class UnusableRoute(Exception):  # noqa: N818 - it names the fault, like the configuration's own
    """A route whose settings cannot work, in a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class RouteClients:
    """One route's clients, which share their credentials.

    Beside each client stands the pool of connections that it sends through, for requests that are
    written without botocore (proxies, TLS and time-outs are the pool's business), and a leaner
    one, where the way to the endpoint is a plain one.
    """

    ses: "SESClient"
    ses_http: AIOHTTPSession
    ses_lean: Connections | None
    sesv2: "SESV2Client"
    sesv2_http: AIOHTTPSession
    sesv2_lean: Connections | None
    credentials: RenewableCredentials


class _Pool:
    """Makes the HTTP session that a client asks for, and keeps hold of it."""

    session: AIOHTTPSession
    settings: Mapping[str, object]

    def __call__(self, **settings: object) -> AIOHTTPSession:
        self.settings = settings
        self.session = AIOHTTPSession(**settings)  # type: ignore[arg-type]  # botocore's own, passed on
        return self.session


@asynccontextmanager
async def open_clients(name: str, route: Route, connections: int) -> AsyncIterator[RouteClients]:
    """Open the clients of a route with room for that many requests at a time in each."""
    async with AsyncExitStack() as stack:
        try:
            credentials = RenewableCredentials(lambda: _chain(route))
            session = session_of(route, credentials)
            ses_pool, sesv2_pool = _Pool(), _Pool()
            ses = await stack.enter_async_context(
                session.client(
                    "ses", endpoint_url=route.endpoint_url, config=_config(connections, ses_pool)
                )
            )
            sesv2 = await stack.enter_async_context(
                session.client(
                    "sesv2",
                    endpoint_url=route.endpoint_url,
                    config=_config(connections, sesv2_pool),
                )
            )
            lean = [
                open_connections(client.meta.endpoint_url, pool.settings)
                for client, pool in ((ses, ses_pool), (sesv2, sesv2_pool))
            ]
        except (BotoCoreError, OSError, ValueError) as exc:  # OSError: no such CA bundle
            raise UnusableRoute(f"routes.{name}: {exc}") from exc
        for connections_kept in filter(None, lean):
            stack.callback(connections_kept.close)
        yield RouteClients(
            ses=ses,
            ses_http=ses_pool.session,
            ses_lean=lean[0],
            sesv2=sesv2,
            sesv2_http=sesv2_pool.session,
            sesv2_lean=lean[1],
            credentials=credentials,
        )


@asynccontextmanager
async def open_sts(route: Route, credentials: RenewableCredentials) -> AsyncIterator["STSClient"]:
    """Open a client that can say whose a route's credentials are.

    An endpoint of Amazon's own (a VPC's) is SES's alone; anything else is a double, which speaks
    for all of AWS.
    """
    host = urlsplit(route.endpoint_url or "").hostname or ""
    double = None if host.endswith((".amazonaws.com", ".api.aws")) else route.endpoint_url
    session = session_of(route, credentials)
    async with session.client("sts", endpoint_url=double, config=_config(1, _Pool())) as sts:
        yield sts


def _config(connections: int, pool: _Pool) -> AioConfig:
    return AioConfig(
        http_session_cls=pool,  # type: ignore[arg-type]  # whatever makes a session will do
        retries={"mode": "standard", "total_max_attempts": 1},
        # A constant text spares botocore from composing one for each request.
        user_agent="ses-relay",
        max_pool_connections=connections,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )


def session_of(route: Route, credentials: RenewableCredentials | None = None) -> aioboto3.Session:
    """Make a session of a route's account, with credentials of its own unless they are given."""
    credentials = credentials or RenewableCredentials(lambda: _chain(route))
    plain = AioSession(profile=route.profile)
    plain.register_component("data_loader", _descriptions())
    plain.register_component("credential_provider", credentials)
    return aioboto3.Session(region_name=route.region, botocore_session=plain)


@cache
def _descriptions() -> Loader:
    """Read the descriptions of the APIs once for all routes; they take long to parse."""
    return create_loader()


async def _chain(route: Route) -> Source | None:
    """Run the credential chain in a session of its own, which caches nothing from earlier runs."""
    session = AioSession(profile=route.profile)
    session.set_config_variable("region", route.region)
    source: Source | None = await session.get_credentials()
    if source is None or route.role_arn is None:
        return source
    return assumed_role(session, source, route.role_arn, route.external_id)
