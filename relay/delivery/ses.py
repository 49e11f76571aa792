"""The `Transport` of one route: which API, one repetition where it is safe, and the verdict.

A request is repeated at once only after SES itself refused it, so that it cannot arrive twice: by
v2 when it is too long for v1, and with renewed credentials.

SES facts: v1 takes 10 MiB, v2 40 MB (SES Developer Guide, quotas); tenants exist in v2 only.
Errors: none leaves `send` but cancellation and bugs of ours.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from botocore.exceptions import CredentialRetrievalError

from relay.aws import RenewableCredentials, RouteClients, open_clients
from relay.delivery import replies
from relay.delivery.answer import Answer, Sending
from relay.delivery.answers import Hold, Refuse, judge, verdict_on
from relay.delivery.exchange import (
    Call,
    Heard,
    deadline,
    exchange,
    note_leaving,
    note_status,
)
from relay.delivery.requests import send_email, send_raw_email
from relay.delivery.verified import Verified
from relay.model.message import Message, Request
from relay.model.outcome import Cause, Outcome, Relayed
from relay.model.ses_limits import V1_OCTETS
from relay.model.settings import Api, Route


class SesTransport:
    """Hands the requests of one route to SES."""

    def __init__(self, api: Api, clients: RouteClients, verified: Verified | None = None) -> None:
        self._api = api
        self._credentials: RenewableCredentials = clients.credentials
        self._verified = verified or Verified()
        self._calls: dict[Api, Call] = {
            Api.V1: lambda sending: send_raw_email(clients.ses, sending),
            Api.V2: lambda sending: send_email(clients.sesv2, sending),
        }
        for client, operation in ((clients.ses, "SendRawEmail"), (clients.sesv2, "SendEmail")):
            service = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register(f"before-send.{service}.{operation}", note_leaving)
            client.meta.events.register(f"before-parse.{service}.{operation}", note_status)

    async def send(self, message: Message, request: Request) -> Outcome:
        """Make one request; what became of it, within `deadline(message.size)` per repetition."""
        sending = Sending(message, request)
        api = self._choose(message)
        generation = self._credentials.generation
        heard = await self._ask(api, sending)
        if self._too_long_for_v1(api, heard):
            api = Api.V2
            heard = await self._ask(api, sending)
        if _refused_credentials(heard) and await self._renewed(generation):
            heard = await self._ask(api, sending)
        match heard:
            case Answer():
                return judge(heard, sending, self._verified)
            case Relayed():
                self._verified.remember((message.source, *message.authors))
        return heard

    def _choose(self, message: Message) -> Api:
        if self._api is not Api.AUTO:
            return self._api
        too_long = message.content.size > V1_OCTETS
        return Api.V2 if too_long or message.parameters.tenant else Api.V1

    async def _ask(self, api: Api, sending: Sending) -> Heard:
        return await exchange(self._calls[api], sending, deadline(sending.message.content.size))

    def _too_long_for_v1(self, api: Api, heard: Heard) -> bool:
        return (
            api is Api.V1
            and self._api is Api.AUTO
            and isinstance(heard, Answer)
            and bool(heard.code)
            and verdict_on(heard) == Refuse(replies.TOO_LARGE)
        )

    async def _renewed(self, generation: int) -> bool:
        try:
            await self._credentials.renew(generation)
        except CredentialRetrievalError:
            # The refusal that SES gave is the better word on what is wrong.
            return False
        return True


def _refused_credentials(heard: Heard) -> bool:
    if not isinstance(heard, Answer):
        return False
    verdict = verdict_on(heard)
    return isinstance(verdict, Hold) and verdict.cause is Cause.CREDENTIALS


@asynccontextmanager
async def open_transport(name: str, route: Route, connections: int) -> AsyncIterator[SesTransport]:
    """Open the way to SES for a route, with room for that many requests at a time.

    Raises `relay.aws.UnusableRoute` when the route's settings cannot work.
    """
    async with open_clients(name, route, connections) as clients:
        yield SesTransport(route.api, clients)
