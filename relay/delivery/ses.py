"""The `Transport` of one route: which API, one repetition where it is safe, and the verdict.

A request is repeated at once only after SES itself refused it, so that it cannot arrive twice: by
v2 when it is too long for v1, and with renewed credentials.

SES facts: v1 takes 10 MiB, v2 40 MB (SES Developer Guide, quotas); tenants exist in v2 only.
Errors: none leaves `send` but cancellation and bugs of ours.
"""

import asyncio
from collections.abc import Container, Mapping

from botocore.exceptions import CredentialRetrievalError

from relay.aws import RenewableCredentials, RouteClients
from relay.delivery import replies
from relay.delivery.answer import Answer, Sending
from relay.delivery.answers import Hold, Named, Refuse, judge, verdict_on
from relay.delivery.direct import direct_calls
from relay.delivery.exchange import Call, Heard, deadline, exchange
from relay.delivery.lean import lean_calls
from relay.delivery.requests import plain_calls
from relay.delivery.verified import Verified
from relay.model.message import Message, Request
from relay.model.outcome import Cause, Outcome, Relayed
from relay.model.ses_limits import V1_OCTETS
from relay.model.settings import Api


def chosen(api: Api, message: Message) -> Api:
    """Say which API a message goes out by, where the route leaves the choice open."""
    if api is not Api.AUTO:
        return api
    too_long = message.content.size > V1_OCTETS
    return Api.V2 if too_long or message.parameters.tenant else Api.V1


class SesTransport:
    """Hands the requests of one route to SES."""

    def __init__(
        self,
        api: Api,
        calls: Mapping[Api, Call],
        credentials: RenewableCredentials,
        verified: Verified,
    ) -> None:
        self._api = api
        self._calls = calls
        self._credentials = credentials
        self._verified = verified

    async def send(self, message: Message, request: Request) -> Outcome:
        """Make one request and say what became of it, within `deadline(message.content.size)`."""
        sending = Sending(message, request)
        ends = asyncio.get_running_loop().time() + deadline(message.content.size)
        api = chosen(self._api, message)
        generation = self._credentials.generation
        heard = await exchange(self._calls[api], sending, ends)
        if self._too_long_for_v1(api, heard):
            api = Api.V2
            heard = await exchange(self._calls[api], sending, ends)
        if _refused_credentials(heard) and await self._renewed(generation, ends):
            heard = await exchange(self._calls[api], sending, ends)
        match heard:
            case Answer():
                return judge(heard, sending, await self._known(heard, message))
            case Relayed():
                self._verified.remember((message.source, *message.authors))
        return heard

    async def _known(self, answer: Answer, message: Message) -> Container[str]:
        """Say who was verified before, where SES says that somebody is not."""
        if verdict_on(answer) is not Named.UNVERIFIED:
            return ()
        return await self._verified.among((message.source, *message.authors))

    def _too_long_for_v1(self, api: Api, heard: Heard) -> bool:
        return (
            api is Api.V1
            and self._api is Api.AUTO
            and isinstance(heard, Answer)
            and bool(heard.code)
            and verdict_on(heard) == Refuse(replies.TOO_LARGE)
        )

    async def _renewed(self, generation: int, ends: float) -> bool:
        try:
            async with asyncio.timeout_at(ends):
                await self._credentials.renew(generation)
        except (CredentialRetrievalError, TimeoutError):
            # The refusal that SES gave is the better word on what is wrong.
            return False
        return True


def _refused_credentials(heard: Heard) -> bool:
    if not isinstance(heard, Answer):
        return False
    verdict = verdict_on(heard)
    return isinstance(verdict, Hold) and verdict.cause is Cause.CREDENTIALS


async def ses_transport(api: Api, clients: RouteClients, verified: Verified) -> SesTransport:
    """Give the way to SES over a route's clients, which stay the caller's to close."""
    calls = await lean_calls(clients) or await direct_calls(clients) or plain_calls(clients)
    return SesTransport(api, calls, clients.credentials, verified)
