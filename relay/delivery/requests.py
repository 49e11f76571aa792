"""The two requests that hand a raw message to SES, parameter by parameter.

The envelope is always explicit: SES never looks for recipients or sender in the headers.

SES facts (API references, SendRawEmail and SendEmail with Content.Raw; Developer Guide,
send-email-raw and sending-authorization):
- v1 `Source` is the envelope's sender, where bounces go. v2 has no such word: `FromEmailAddress`
  stands for it, and bounces go to `FeedbackForwardingEmailAddress` when that is given. It is given
  when it says something new, that is when sender and author differ or an ARN comes with it.
- v2 divides recipients into To, Cc and Bcc, which makes no difference to a raw message.
- v1 has an ARN for each of sender, author and return path; v2 one for the first two together.

Errors: those of botocore; `ValueError` for a success without message id.
"""

from typing import TYPE_CHECKING

from relay.aws import RouteClients
from relay.delivery.answer import Sending
from relay.delivery.exchange import Call, note_leaving, note_status
from relay.model.outcome import Relayed
from relay.model.settings import Api

if TYPE_CHECKING:  # the stubs are a test dependency
    from types_aiobotocore_ses.client import SESClient
    from types_aiobotocore_ses.type_defs import (
        ResponseMetadataTypeDef,
        SendRawEmailRequestTypeDef,
    )
    from types_aiobotocore_sesv2.client import SESV2Client
    from types_aiobotocore_sesv2.type_defs import SendEmailRequestTypeDef


def plain_calls(clients: RouteClients) -> dict[Api, Call]:
    """Give the calls that leave everything to botocore, each message in one piece."""
    for client, event in ((clients.ses, "ses.SendRawEmail"), (clients.sesv2, "sesv2.SendEmail")):
        client.meta.events.register(f"before-send.{event}", note_leaving)
        client.meta.events.register(f"before-parse.{event}", note_status)

    async def by_v1(sending: Sending) -> Relayed:
        return await send_raw_email(clients.ses, sending, sending.message.content.octets())

    async def by_v2(sending: Sending) -> Relayed:
        return await send_email(clients.sesv2, sending, sending.message.content.octets())

    return {Api.V1: by_v1, Api.V2: by_v2}


async def send_raw_email(client: "SESClient", sending: Sending, data: bytes) -> Relayed:
    """Send by the v1 API."""
    answer = await client.send_raw_email(**raw_email(sending, data))
    return _relayed(answer.get("MessageId"), answer["ResponseMetadata"])


async def send_email(client: "SESV2Client", sending: Sending, data: bytes) -> Relayed:
    """Send by the v2 API."""
    answer = await client.send_email(**email(sending, data))
    return _relayed(answer.get("MessageId"), answer["ResponseMetadata"])


def raw_email(sending: Sending, data: bytes) -> "SendRawEmailRequestTypeDef":
    """Write the parameters of SendRawEmail."""
    message = sending.message
    chosen = message.parameters
    request: SendRawEmailRequestTypeDef = {
        "Source": str(message.source),
        "Destinations": [str(address) for address in sending.request.recipients],
        "RawMessage": {"Data": data},
    }
    if chosen.tags:
        request["Tags"] = [{"Name": name, "Value": value} for name, value in chosen.tags]
    if chosen.configuration_set:
        request["ConfigurationSetName"] = chosen.configuration_set
    if chosen.from_arn:
        request["FromArn"] = chosen.from_arn
    if chosen.source_arn:
        request["SourceArn"] = chosen.source_arn
    if chosen.return_path_arn:
        request["ReturnPathArn"] = chosen.return_path_arn
    return request


def email(sending: Sending, data: bytes) -> "SendEmailRequestTypeDef":
    """Write the parameters of SendEmail."""
    message = sending.message
    chosen = message.parameters
    source = str(message.source)
    request: SendEmailRequestTypeDef = {
        "FromEmailAddress": source,
        "Destination": {"ToAddresses": [str(a) for a in sending.request.recipients]},
        "Content": {"Raw": {"Data": data}},
    }
    if chosen.return_path_arn or any(author != message.source for author in message.authors):
        request["FeedbackForwardingEmailAddress"] = source
    if chosen.tags:
        request["EmailTags"] = [{"Name": name, "Value": value} for name, value in chosen.tags]
    if chosen.configuration_set:
        request["ConfigurationSetName"] = chosen.configuration_set
    arn = chosen.from_arn or chosen.source_arn
    if arn:
        request["FromEmailAddressIdentityArn"] = arn
    if chosen.return_path_arn:
        request["FeedbackForwardingEmailAddressIdentityArn"] = chosen.return_path_arn
    if chosen.tenant:
        request["TenantName"] = chosen.tenant
    return request


def _relayed(message_id: str | None, metadata: "ResponseMetadataTypeDef") -> Relayed:
    if not message_id:
        raise ValueError(f"HTTP {metadata['HTTPStatusCode']} without a message id")
    return Relayed(ses_message_id=message_id, ses_request_id=metadata.get("RequestId", ""))
