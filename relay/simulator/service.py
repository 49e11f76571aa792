"""The simulated service behind the wires: its account, what it used, and what it received.

Callable in process without any HTTP: `send` takes a `Submission` and says what SES would.
The clock is passed in, so that a test's clock drives rate and quota; signatures and sessions
have a clock of their own, since real clients sign with real time.

SES facts: SES Developer Guide, manage-sending-quotas (recipients count, simulator addresses
only against the rate). The form of MessageId is as seen, not promised by AWS.

Errors: none; a refusal is a value.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from .account import Account
from .delivered import delivered_header
from .fates import Fate, caused
from .identities import is_mailbox_simulator
from .keyring import Keyring
from .mailbox import Mailbox, Message
from .publishing import Publisher
from .rates import Usage
from .refusal import Refusal
from .sending import judge, permission_fault
from .submission import Caller, Submission
from .virus import is_infected

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


class Service:
    """One SES account in all Regions."""

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock = utc_now,
        signing_clock: Clock = utc_now,
        mailbox: Mailbox | None = None,
    ) -> None:
        self.clock = clock
        self.signing_clock = signing_clock
        self.mailbox = Mailbox() if mailbox is None else mailbox
        self.usage = Usage(account.max_send_rate, clock())
        self.keyring = Keyring(account.account_id, account.credentials)
        self.publisher = Publisher(self._happened)
        self._account = account

    @property
    def account(self) -> Account:
        """The account as it stands. Assign a changed one (`dataclasses.replace`)."""
        return self._account

    @account.setter
    def account(self, account: Account) -> None:
        self.usage.change_rate(account.max_send_rate, self.clock())
        self.keyring.change_credentials(account.account_id, account.credentials)
        self._account = account

    def send(self, submission: Submission, caller: Caller) -> Message | Refusal:
        """Accept one message as SES would, or say why not."""
        resolved = judge(submission, self._account, caller)
        if isinstance(resolved, Refusal):
            return resolved
        now = self.clock()
        recipients = len(resolved.recipients)
        counted = recipients - sum(map(is_mailbox_simulator, resolved.recipients))
        throttled = self.usage.sending_refusal(counted, self._account.max_24_hour_send, now)
        if throttled is not None:
            return throttled
        self.usage.charge(recipients, counted, now)
        ses_id = _message_id(now)
        message = Message(
            id=ses_id,
            api=resolved.api,
            accepted_at=now,
            region=caller.region,
            caller_arn=caller.arn,
            source=resolved.sender.address,
            destinations=tuple(box.address for box in resolved.recipients),
            raw=submission.raw,
            delivered_header=delivered_header(resolved, ses_id, caller.region, now),
            delivered_body=resolved.content.body,
            configuration_set=resolved.configuration_set,
            tags=resolved.tags,
            tenant=resolved.tenant,
            infected=is_infected(resolved.content.raw),
        )
        self.mailbox.add(message)
        self.publisher.accepted(message, self._account)
        return message

    def control_call(self, action: str, caller: Caller) -> Refusal | None:
        """Admit one call that is not a send, or say why not: permission, then 1 a second."""
        denied = permission_fault(self._account, caller, f"ses:{action}", ("*",))
        return denied or self.usage.control_call(self.clock())

    def _happened(
        self, fate: Fate, recipients: Sequence[str], message_id: str, at: datetime
    ) -> None:
        wanted = [
            entry
            for entry in caused(fate, recipients, message_id, at)
            if entry.reason in self._account.suppressed_reasons
        ]
        if wanted:
            self.account = self._account.suppressing(wanted)


def _message_id(now: datetime) -> str:
    """The shape seen from SES: 16 hexadecimal digits ending in the milliseconds, a UUID, zeros."""
    milliseconds = int(now.timestamp() * 1000)
    return f"0102{milliseconds:012x}-{uuid4()}-000000"
