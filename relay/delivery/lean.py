"""Sends a message without botocore: written, signed and read here, over connections of our own.

botocore takes 0.4 ms for a request of SES, whatever its size; this takes a fifth of it. What the
two requests look like is botocore's word all the same: when a route opens, each is made by the
public client, caught before it leaves, and held against what is written here, field for field, the
signature included. Where anything differs (a new botocore, an endpoint of another kind, a proxy)
`lean_calls` gives None, and `relay.delivery.direct` sends.

SES's plain yes is read here; every other answer by botocore's parser.

SES facts: SES API references, SendRawEmail and SendEmail (requests and responses).
Errors: `NotReached` and `AnswerLost` of `relay.aws`; those of botocore for credentials, parameters
and answers that cannot be read.
"""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from botocore.awsrequest import HeadersDict
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ParamValidationError
from botocore.model import OperationModel
from botocore.parsers import create_parser

from relay.aws import Connections, HttpAnswer, RouteClients
from relay.delivery.answer import Answer, Sending
from relay.delivery.body import Body, form_body, json_body
from relay.delivery.exchange import Call, note_leaving, note_status
from relay.delivery.learned import Operation, Write, learn
from relay.delivery.requests import email, raw_email
from relay.model.outcome import Relayed
from relay.model.settings import Api

_V1_YES = re.compile(
    rb'<SendRawEmailResponse xmlns="[^"<>]*">\s*<SendRawEmailResult>\s*'
    rb"<MessageId>([\w-]+)</MessageId>\s*</SendRawEmailResult>\s*<ResponseMetadata>\s*"
    rb"<RequestId>([\w-]+)</RequestId>\s*</ResponseMetadata>\s*</SendRawEmailResponse>\s*"
)
_V2_YES = re.compile(rb'\s*\{\s*"MessageId"\s*:\s*"([\w-]+)"\s*\}\s*')
_EMPTY_DATA = b'"Data": ""'

_log = logging.getLogger(__name__)


async def lean_calls(clients: RouteClients) -> Mapping[Api, Call] | None:
    """Give the calls that need no botocore, or None where that cannot be."""
    if clients.ses_lean is None or clients.sesv2_lean is None:
        return None  # a proxy, or the like: the operator's will, and no fault
    sign = clients.credentials.get_frozen_credentials
    try:
        v1 = await learn(clients.ses, "send_raw_email", raw_email, write_form)
        v2 = await learn(clients.sesv2, "send_email", email, write_json)
    except Exception:  # noqa: BLE001 - a library of the future may fail in any way
        _log.warning("this botocore writes requests in another way; using its own", exc_info=True)
        return None
    return {
        Api.V1: LeanCall(v1, clients.ses_lean, sign, write_form),
        Api.V2: LeanCall(v2, clients.sesv2_lean, sign, write_json),
    }


@dataclass(frozen=True, slots=True)
class LeanCall:
    """Implements `relay.delivery.exchange.Call`."""

    operation: Operation
    connections: Connections
    credentials: Callable[[], Awaitable[ReadOnlyCredentials]]
    write: Write

    async def __call__(self, sending: Sending) -> Relayed | Answer:
        """Make the request."""
        body = await self.write(sending)
        credentials = await self.credentials()
        connection = await self.connections.take()
        head = self.operation.signer.head(credentials, datetime.now(UTC), body.size, body.sha256)
        note_leaving()
        answer = await self.connections.post(connection, head, body.gathered)
        return plain_yes(answer) or _parsed(answer, self.operation.model)


# --- the request ---------------------------------------------------------------------------------


async def write_form(sending: Sending) -> Body:
    """Write SendRawEmail as botocore does: a form."""
    request = raw_email(sending, b"")
    fields = ["Action=SendRawEmail&Version=2010-12-01&Source=", _quoted(request["Source"])]
    for number, recipient in enumerate(request["Destinations"], start=1):
        fields += (f"&Destinations.member.{number}=", _quoted(recipient))
    for number, tag in enumerate(request.get("Tags", ()), start=1):
        fields += (f"&Tags.member.{number}.Name=", _quoted(tag["Name"]))
        fields += (f"&Tags.member.{number}.Value=", _quoted(tag["Value"]))
    for name in ("ConfigurationSetName", "FromArn", "SourceArn", "ReturnPathArn"):
        if name in request:
            fields += (f"&{name}=", _quoted(request[name]))
    fields.append("&RawMessage.Data=")
    return await form_body("".join(fields).encode("ascii"), sending.message.content)


async def write_json(sending: Sending) -> Body:
    """Write SendEmail as botocore does: JSON."""
    request: Mapping[str, Any] = email(sending, b"")
    _check_texts([value for tag in request.get("EmailTags", ()) for value in tag.values()])
    plain = {**request, "Content": {"Raw": {"Data": ""}}}
    before, _, after = json.dumps(plain).encode("ascii").partition(_EMPTY_DATA)
    if _EMPTY_DATA in after:  # an address or a tag may not look like the message
        raise ValueError("the place of the message is not certain")
    return await json_body(before + b'"Data": "', sending.message.content, b'"' + after)


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def _quoted(text: str) -> str:
    """Quote for a form; most texts are plain but for the at-sign."""
    if not isinstance(text, str):
        _check_texts([text])
    start, at, end = text.partition("@")
    if _PLAIN.fullmatch(start) and _PLAIN.fullmatch(end):
        return f"{start}%40{end}" if at else start
    return quote_plus(text)


def _check_texts(values: list[Any]) -> None:
    """Refuse in botocore's words what botocore would refuse: a bug of ours."""
    for value in values:
        if not isinstance(value, str):
            raise ParamValidationError(report=f"Invalid type for a parameter: {type(value)}")


# --- the answer ----------------------------------------------------------------------------------


def plain_yes(answer: HttpAnswer) -> Relayed | None:
    """Read SES's yes; None for anything that is not exactly that."""
    if answer.status != 200:
        return None
    if found := _V1_YES.fullmatch(answer.body):
        return Relayed(
            ses_message_id=found[1].decode("ascii"), ses_request_id=found[2].decode("ascii")
        )
    request_id = answer.headers.get("x-amzn-requestid", "")
    if (found := _V2_YES.fullmatch(answer.body)) and request_id:
        return Relayed(ses_message_id=found[1].decode("ascii"), ses_request_id=request_id)
    return None


def _parsed(answer: HttpAnswer, model: OperationModel) -> Relayed | Answer:
    """Read any other answer as botocore does."""
    response: dict[str, Any] = {
        "headers": HeadersDict(answer.headers),
        "status_code": answer.status,
        "body": answer.body,
        "context": {"operation_name": model.name},
    }
    note_status(response)
    shape: Any = model.output_shape  # both operations have one
    parsed = create_parser(model.service_model.resolved_protocol).parse(response, shape)
    if answer.status >= 300:
        return Answer.parsed(parsed)
    if not parsed.get("MessageId"):
        raise ValueError(f"HTTP {answer.status} without a message id")
    request_id = parsed["ResponseMetadata"].get("RequestId", "")
    return Relayed(ses_message_id=parsed["MessageId"], ses_request_id=request_id)
