"""SHAPE: turn what was decided into messages that SES accepts, signed and cut into requests.

Errors: a `Refusal` of `relay.mail`, while the client can still act.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from relay.flow.aside import aside, long
from relay.flow.decide import Group
from relay.flow.outgoing import Outgoing
from relay.flow.submission import Submission
from relay.mail.refusal import Refusal
from relay.mail.shape import Shaped, Shaping, shape
from relay.mail.split import Reading
from relay.model import replies, ses_limits
from relay.model.entry import Held
from relay.model.message import TAG_QUEUE_ID, TAG_USER, Message, Parameters, requests_of, tag_of
from relay.model.ports import QueueKey
from relay.model.settings import Api, DkimSigner, NoStore, Route


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes the messages of one submission."""

    submission: Submission
    now: datetime
    largest: Callable[[QueueKey], int]  # recipients that one request of a key may have

    async def compose(
        self, reading: Reading, groups: tuple[Group, ...]
    ) -> list[Outgoing] | Refusal:
        """Make one message for each group; the first has the submission's own id."""
        batch: list[Outgoing] = []
        for number, group in enumerate(groups, start=1):
            queue_id = self.submission.id if number == 1 else f"{self.submission.id}-{number}"
            shaped = await self._shaped(reading, group, queue_id)
            if isinstance(shaped, Refusal):
                return shaped
            outgoing = self._outgoing(group, queue_id, shaped)
            if isinstance(outgoing, Refusal):
                return outgoing
            batch.append(outgoing)
        return batch

    async def _shaped(self, reading: Reading, group: Group, queue_id: str) -> Shaped | Refusal:
        snapshot, user = self.submission.snapshot, self.submission.user
        route = self._route(group)
        how = Shaping(
            client=self.submission.client,
            queue_id=queue_id,
            hostname=snapshot.hostname,
            now=self.now,
            limit=ses_limits.V1_OCTETS if route.api is Api.V1 else ses_limits.V2_OCTETS,
            signers=snapshot.signers if route.dkim is DkimSigner.RELAY else None,
            threading=user.threading,
            ses_headers=user.ses_headers,
            default_from=user.default_from,
            rewrite_from=group.changes.rewrite_from,
            add_headers=group.changes.add_headers,
            remove_headers=group.changes.remove_headers,
            seven_bit_body=route.seven_bit,
        )
        return await aside(partial(shape, reading, how), when=long(reading.content))

    def _outgoing(self, group: Group, queue_id: str, shaped: Shaped) -> Outgoing | Refusal:
        submission, changes, route = self.submission, group.changes, self._route(group)
        envelope, user = submission.envelope, submission.user
        source = changes.rewrite_sender or envelope.sender or route.null_sender
        if source is None:
            return Refusal(replies.NULL_SENDER_UNROUTED)
        tags = {**dict(changes.tags), **dict(shaped.ses.tags)}
        tags |= {TAG_QUEUE_ID: queue_id, TAG_USER: tag_of(user.name)}
        message = Message(
            id=queue_id,
            session_id=submission.client.session_id,
            user=user.name,
            route=changes.route,
            lane=changes.lane,
            sender=envelope.sender,
            source=source,
            recipients=group.recipients,
            content=shaped.content,
            parameters=Parameters.of(
                route, shaped.ses.configuration_set or changes.configuration_set, tags
            ),
            authors=shaped.authors.all,
            message_id=shaped.message_id,
            received_at=self.now,
            size=shaped.content.size,
            ret=envelope.ret,
            envid=envelope.envid,
            # RFC 5321 §6.1: a report is never answered by a report.
            reports=envelope.sender is not None,
        )
        return Outgoing(
            message=message,
            requests=requests_of(group.recipients, self._per_request(group)),
            lifetime=user.lifetime or submission.snapshot.settings.queue.lifetime,
            held=Held(reason=group.held) if group.held else None,
        )

    def _per_request(self, group: Group) -> int:
        """Give how many recipients one request may have, as the route and the rate allow."""
        most, changes = self._route(group).recipients_per_request, group.changes
        if isinstance(self.submission.snapshot.settings.queue.store, NoStore):
            return most  # RCPT took what fits one request; a second one nobody could keep
        return min(
            most, self.largest(QueueKey(changes.route, changes.lane, self.submission.user.name))
        )

    def _route(self, group: Group) -> Route:
        return self.submission.snapshot.settings.routes[group.changes.route]
