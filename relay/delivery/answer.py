"""What SES answered, in the same form for both APIs, and the request that it answers.

SES facts: v1 errors are XML with Code and Message, v2 errors JSON with the code in the header
`x-amzn-ErrorType`; the same fault comes with and without "Exception" at the end of its name
(SES API reference, CommonErrors).

Errors: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from relay.model.address import Address
from relay.model.message import Message, Request
from relay.model.outcome import Cause, Deferred, Failed, Scope, ScopeKind
from relay.model.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A refusal. `code` is empty when what answered was not SES but something on the way to it."""

    status: int  # HTTP
    code: str  # without "Exception" at its end
    words: str
    request_id: str = ""

    @property
    def detail(self) -> str:
        """Everything in one line, for the log."""
        return f"HTTP {self.status} {self.code or '(not from SES)'}: {self.words}"

    @classmethod
    def parsed(cls, response: Mapping[str, object]) -> "Answer":
        """Read what botocore made of an error answer (`ClientError.response`)."""
        error = _section(response, "Error")
        metadata = _section(response, "ResponseMetadata")
        status = metadata.get("HTTPStatusCode")
        code = str(error.get("Code") or "")
        if code.isdigit():  # botocore found no code and put the status in its place
            code = ""
        return cls(
            status=status if isinstance(status, int) else 0,
            code=code.removesuffix("Exception"),
            words=str(error.get("Message") or ""),
            request_id=str(metadata.get("RequestId") or ""),
        )

    def deferred(self, cause: Cause, scope: Scope, reply: Reply) -> Deferred:
        """Put the request off, in SES's words where it said any."""
        return Deferred(
            cause=cause,
            scope=scope,
            reply=self._worded(reply),
            ses_request_id=self.request_id,
            detail=self.detail,
        )

    def failed(self, reply: Reply, recipients: frozenset[Address] | None = None) -> Failed:
        """Refuse the request, or some of its recipients, in SES's words where it said any."""
        return Failed(
            reply=self._worded(reply),
            recipients=recipients,
            ses_request_id=self.request_id,
            detail=self.detail,
        )

    def _worded(self, reply: Reply) -> Reply:
        return reply.saying(f"Amazon SES: {self.words}") if self.code and self.words else reply


def _section(response: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = response.get(name)
    return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Sending:
    """One request on its way to SES."""

    message: Message
    request: Request

    def scope(self, kind: ScopeKind) -> Scope:
        """Name the thing of that kind which this request depends on."""
        message = self.message
        parameters = message.parameters
        match kind:
            case ScopeKind.MESSAGE:
                return Scope(kind, message.id)
            case ScopeKind.ROUTE:
                return Scope(kind, message.route)
            case ScopeKind.USER:
                return Scope(kind, message.user)
            case ScopeKind.TENANT if parameters.tenant:
                return Scope(kind, parameters.tenant, message.route)
            case ScopeKind.CONFIGURATION_SET if parameters.configuration_set:
                return Scope(kind, parameters.configuration_set, message.route)
            case ScopeKind.CONFIGURATION_SET | ScopeKind.TENANT | ScopeKind.IDENTITY:
                # A configuration set that the request does not name is the identity's default.
                return Scope(ScopeKind.IDENTITY, message.source.domain.lower(), message.route)

    def identity(self, name: str) -> Scope | None:
        """Find the scope of this message that an identity named by SES stands for.

        A verified domain covers its subdomains (SES Developer Guide, creating-identities), so that
        the name may be shorter than the domain in the message.
        """
        wanted = name.lower()
        for scope in self.message.scopes:
            known = scope.name.lower()
            if scope.kind is ScopeKind.IDENTITY and (
                known == wanted or ("@" not in known and known.endswith(f".{wanted}"))
            ):
                return scope
        return None
