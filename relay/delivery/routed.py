"""One `Transport` for all routes: each message goes the way of its own route.

Errors: `KeyError` for a route that nobody opened; the configuration makes sure there is none.
"""

from collections.abc import Mapping

from relay.model.message import Message, Request
from relay.model.outcome import Outcome
from relay.model.ports import Transport


class RoutedTransport:
    """Sends by the transport of the message's route."""

    def __init__(self, transports: Mapping[str, Transport]) -> None:
        self._transports = transports

    async def send(self, message: Message, request: Request) -> Outcome:
        """Make the request over `message.route`."""
        return await self._transports[message.route].send(message, request)
