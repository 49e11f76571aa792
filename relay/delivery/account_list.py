"""The suppression list of one SES account in one Region, as SES's v2 API gives it.

SES facts (SES API v2 reference; SES Developer Guide, sending-email-suppression-list, quotas): the
list is the Region's; GetSuppressedDestination and DeleteSuppressedDestination answer NotFound for
what is not on it; StartDate gives what was put on it or changed since; every call counts against
the one a second that an account has for everything but sending, so that this takes half of it and
leaves the rest to others. The most a page may hold is not published: the size is left to SES where
ours is refused.

Errors: `Unanswered` as a value.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from relay.aws import RouteClients, open_sts
from relay.delivery.control import Pace, heard
from relay.model.ports import Listed, ListedReason, ListPage
from relay.model.settings import Route
from relay.model.unanswered import Unanswered, Why

if TYPE_CHECKING:  # the stubs are a test dependency
    from types_aiobotocore_sesv2.type_defs import (
        ListSuppressedDestinationsRequestTypeDef,
        SuppressedDestinationSummaryTypeDef,
        SuppressedDestinationTypeDef,
    )

BETWEEN_CALLS = 2.2
PAGE = 1_000

T = TypeVar("T")


@dataclass(slots=True)
class SesAccountList:
    """Implements `relay.model.ports.AccountListAtSes`."""

    route: Route
    clients: RouteClients
    pace: Pace
    _page_size: int | None = PAGE

    async def name(self) -> str | Unanswered:
        """Ask STS whose account it is; needs no permission."""
        async with open_sts(self.route, self.clients.credentials) as sts:
            said = await heard(sts.get_caller_identity)
        if isinstance(said, Unanswered):
            return said
        return f"{said['Account']}/{self.route.region}"

    async def page(self, since: datetime | None, token: str | None) -> ListPage | Unanswered:
        """Read a part, in a size of SES's own where ours is refused."""
        page = await self._page(since, token)
        refused = isinstance(page, Unanswered) and page.why is Why.REFUSED
        if refused and self._page_size is not None and token is None:
            self._page_size = None
            page = await self._page(since, token)
        return page

    async def find(self, address: str) -> Listed | Unanswered | None:
        """Look one address up."""
        sesv2 = self.clients.sesv2
        said = await self._heard(lambda: sesv2.get_suppressed_destination(EmailAddress=address))
        if isinstance(said, Unanswered):
            return None if said.why is Why.ABSENT else said
        return _listed(said["SuppressedDestination"])

    async def in_sandbox(self) -> bool | Unanswered:
        """Ask for the account's standing."""
        said = await self._heard(self.clients.sesv2.get_account)
        return said if isinstance(said, Unanswered) else not said["ProductionAccessEnabled"]

    async def put(self, address: str, reason: ListedReason) -> Unanswered | None:
        """Put an address on the list."""
        sesv2 = self.clients.sesv2
        said = await self._heard(
            lambda: sesv2.put_suppressed_destination(EmailAddress=address, Reason=reason.value)
        )
        return said if isinstance(said, Unanswered) else None

    async def delete(self, address: str) -> Unanswered | None:
        """Take an address off the list."""
        sesv2 = self.clients.sesv2
        said = await self._heard(lambda: sesv2.delete_suppressed_destination(EmailAddress=address))
        if isinstance(said, Unanswered) and said.why is not Why.ABSENT:
            return said
        return None

    async def _page(self, since: datetime | None, token: str | None) -> ListPage | Unanswered:
        asked: ListSuppressedDestinationsRequestTypeDef = {}
        if self._page_size is not None:
            asked["PageSize"] = self._page_size
        if since is not None:
            asked["StartDate"] = since
        if token is not None:
            asked["NextToken"] = token
        said = await self._heard(lambda: self.clients.sesv2.list_suppressed_destinations(**asked))
        if isinstance(said, Unanswered):
            return said
        summaries = said.get("SuppressedDestinationSummaries", [])
        return ListPage(
            listed=tuple(_listed(one) for one in summaries), token=said.get("NextToken") or None
        )

    async def _heard(self, call: Callable[[], Awaitable[T]]) -> T | Unanswered:
        """Make a call in its turn. A page of a proxy would look like an empty list."""
        await self.pace.turn()
        said = await heard(call)
        if isinstance(said, Mapping) and not said["ResponseMetadata"].get("RequestId"):
            return Unanswered(why=Why.UNREACHABLE, detail="what answered was not SES")
        return said


def _listed(
    one: "SuppressedDestinationSummaryTypeDef | SuppressedDestinationTypeDef",
) -> Listed:
    # A reason that SES has added since is more like a bounce than like nothing.
    complaint = one["Reason"] == ListedReason.COMPLAINT
    return Listed(
        address=one["EmailAddress"].lower(),
        reason=ListedReason.COMPLAINT if complaint else ListedReason.BOUNCE,
        updated=one["LastUpdateTime"],
    )
