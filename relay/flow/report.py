"""Mail that tells a sender what became of theirs: composed, shaped and signed like any mail.

SES takes no null sender, so a report comes from `bounces.from`. A flag in its entry stops loops:
reports, and mail that came with the null sender, never cause another report. It goes by the route
of the mail that it is about, or by the default one where that was removed meanwhile.

Standards: RFC 3461 §5 (who is to hear what), RFC 3464, RFC 5321 §6.1, RFC 3834 §2.
Errors: a report that cannot be made (its content is gone, SES would refuse it) is logged as a fault
of the store or of ours; the failure it would report stands in the log in any case.
"""

from collections.abc import Awaitable, Callable, Sequence

from relay.flow.outgoing import Outgoing
from relay.flow.snapshot import Snapshot
from relay.mail.bounce import Action, Report, Status, Subject, report
from relay.mail.refusal import Refusal as Unshapable
from relay.mail.shape import Shaped, Shaping, shape
from relay.mail.split import Reading
from relay.model import ids, ses_limits
from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.content import Content
from relay.model.envelope import Client, Notify, Recipient
from relay.model.message import TAG_QUEUE_ID, TAG_USER, Message, Parameters, requests_of
from relay.model.ports import Corrupt, NewEntry, StoreFault
from relay.model.progress import Refusal
from relay.model.reply import Reply
from relay.model.settings import DEFAULT_ROUTE, BounceTo, DkimSigner, Lane
from relay.telemetry import Telemetry

Fetch = Callable[[str], Awaitable[Content | Corrupt | StoreFault]]

_HANDED_ON = Reply(250, "2.0.0", "Handed on to Amazon SES")


class BounceReports:
    """Implements `relay.model.ports.Reports`."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], fetch: Fetch, telemetry: Telemetry, clock: Clock
    ) -> None:
        self._snapshot = snapshot
        self._fetch = fetch
        self._telemetry = telemetry
        self._clock = clock

    async def failed(self, message: Message, refusal: Refusal) -> Sequence[NewEntry]:
        """Report recipients that will not get it, unless they asked for silence."""
        statuses = [
            Status(recipient, refusal.reply)
            for recipient in _among(message, refusal.recipients)
            if not recipient.notify or Notify.FAILURE in recipient.notify
        ]
        return await self._report(message, Action.FAILED, tuple(statuses))

    async def relayed(self, message: Message, recipients: Sequence[Address]) -> Sequence[NewEntry]:
        """Report recipients whose sender asked to hear of success."""
        statuses = [
            Status(recipient, _HANDED_ON)
            for recipient in _among(message, recipients)
            if Notify.SUCCESS in recipient.notify
        ]
        return await self._report(message, Action.RELAYED, tuple(statuses))

    async def _report(
        self, message: Message, action: Action, statuses: tuple[Status, ...]
    ) -> Sequence[NewEntry]:
        snapshot = self._snapshot()
        bounces = snapshot.settings.bounces
        to = message.sender if bounces.to is BounceTo.SENDER else bounces.to
        if not statuses or not message.reports or bounces.from_ is None:
            return ()
        if not isinstance(to, Address):  # bounces are off
            return ()
        content = message.content if message.content.fields else await self._fetch(message.id)
        if isinstance(content, Corrupt | StoreFault):
            self._telemetry.store.fault("report", content.reason, queue_id=message.id)
            return ()
        now = self._clock.now()
        what = Report(
            id=ids.queue_id(now),
            action=action,
            about=Subject(
                queue_id=message.id,
                content=content,
                received_at=message.received_at,
                message_id=message.message_id,
                ret=message.ret,
                envid=message.envid,
            ),
            statuses=statuses,
            sender=bounces.from_,
            to=to,
            hostname=snapshot.hostname,
            now=now,
        )
        shaped = _shaped(what, message, snapshot)
        if isinstance(shaped, Unshapable):
            self._telemetry.store.fault("report", str(shaped.reply), queue_id=message.id)
            return ()
        outgoing = _outgoing(what, message, shaped, snapshot)
        self._telemetry.message.bounced(message, outgoing.message)
        return (NewEntry(entry=outgoing.entry(now), content=shaped.content),)


def _among(message: Message, addresses: Sequence[Address]) -> list[Recipient]:
    keys = {address.key for address in addresses}
    return [recipient for recipient in message.recipients if recipient.address.key in keys]


def _route_of(message: Message, snapshot: Snapshot) -> str:
    return message.route if message.route in snapshot.settings.routes else DEFAULT_ROUTE


def _shaped(what: Report, message: Message, snapshot: Snapshot) -> Shaped | Unshapable:
    route = snapshot.settings.routes[_route_of(message, snapshot)]
    ourselves = Client(
        session_id=message.session_id,
        address=None,
        helo=snapshot.hostname,
        esmtp=False,
        tls=None,
        user=message.user,
        authenticated=False,
        listener="reports",
    )
    how = Shaping(
        client=ourselves,
        queue_id=what.id,
        hostname=snapshot.hostname,
        now=what.now,
        limit=ses_limits.V2_OCTETS,
        signers=snapshot.signers if route.dkim is DkimSigner.RELAY else None,
        threading=False,
    )
    return shape(Reading(report(what)), how)


def _outgoing(what: Report, message: Message, shaped: Shaped, snapshot: Snapshot) -> Outgoing:
    name = _route_of(message, snapshot)
    route = snapshot.settings.routes[name]
    tags = {**route.tags, TAG_QUEUE_ID: what.id}
    tags |= {name: value for name, value in message.parameters.tags if name == TAG_USER}
    recipients = (Recipient(what.to),)
    bounce = Message(
        id=what.id,
        session_id=message.session_id,
        user=message.user,
        route=name,
        lane=Lane.TRANSACTIONAL,
        sender=None,
        source=what.sender,
        recipients=recipients,
        content=shaped.content,
        parameters=Parameters.of(route, route.configuration_set, tags),
        authors=shaped.authors.all,
        message_id=shaped.message_id,
        received_at=what.now,
        size=shaped.content.size,
        reports=False,
    )
    return Outgoing(
        message=bounce,
        requests=requests_of(recipients, 1),
        lifetime=snapshot.settings.queue.lifetime,
    )
