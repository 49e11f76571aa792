"""Makes a client's request in botocore's place: fills in the message, signs, sends, reads.

It stands at the client's event `before-call`, where the request is validated and serialised but
for the message. The signature is botocore's own SigV4, the connections are the client's, the
answer is read by botocore's parser.

Standards: AWS Signature Version 4 (AWS General Reference).
Errors: those of the client; `ValueError` when botocore serialised in a way that is not known here.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlencode

from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.endpoint import convert_to_response_dict
from aiobotocore.parsers import create_parser
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.model import OperationModel
from botocore.signers import RequestSigner

from relay.delivery.body import Body, form_body, json_body
from relay.delivery.exchange import note_leaving, note_status
from relay.model.content import Content

Send = Callable[[AWSPreparedRequest], Awaitable[AioAWSResponse]]
# Puts the message into what botocore serialised without it.
Fill = Callable[[object, Content], Awaitable[Body]]
Sign = Callable[[], Awaitable[ReadOnlyCredentials]]

# The message for the call that the current task makes; None for calls that bring none.
outgoing: ContextVar[Content | None] = ContextVar("ses_request_content", default=None)
_EMPTY_DATA = re.compile(rb'(?<="Data":)\s*""')


async def fill_form(serialised: object, content: Content) -> Body:
    """Fill the form of SendRawEmail."""
    if not isinstance(serialised, Mapping) or serialised.get("RawMessage.Data") != "":
        raise ValueError("SendRawEmail is not serialised as a form with RawMessage.Data")
    fields = [(name, value) for name, value in serialised.items() if name != "RawMessage.Data"]
    return await form_body(f"{urlencode(fields)}&RawMessage.Data=".encode("ascii"), content)


async def fill_json(serialised: object, content: Content) -> Body:
    """Fill the JSON of SendEmail; a quote within a value is escaped, so the place is certain."""
    parts = _EMPTY_DATA.split(serialised) if isinstance(serialised, bytes) else []
    if len(parts) != 2:
        raise ValueError("SendEmail is not serialised as JSON with one empty Data")
    return await json_body(parts[0] + b'"', content, b'"' + parts[1])


class Takeover:
    """Stands at a client's event `before-call` and makes the request in botocore's place."""

    def __init__(self, send: Send, credentials: Sign, fill: Fill) -> None:
        self._send = send
        self._credentials = credentials
        self._fill = fill

    async def __call__(
        self,
        *,
        model: OperationModel,
        params: dict[str, Any],
        request_signer: RequestSigner,
        context: dict[str, Any],
        **_: object,
    ) -> tuple[AioAWSResponse, dict[str, Any]] | None:
        """Answer the event; None, and botocore goes on, for a call that brings no content."""
        content = outgoing.get()
        if content is None:
            return None
        body = await self._fill(params["body"], content)
        method, url = params["method"], params["url"]
        request = AWSRequest(method=method, url=url, headers=params["headers"])
        signing = context.get("signing", {})
        _Signature(
            body.sha256,
            await self._credentials(),
            signing.get("signing_name", request_signer.signing_name),
            signing.get("region", request_signer.region_name),
        ).add_auth(request)
        request.headers["Content-Length"] = str(body.size)
        payload: Any = body.payload  # aiohttp takes pieces as well, of which botocore knows nothing
        note_leaving()
        answer = await self._send(
            AWSPreparedRequest(method, url, request.headers, payload, stream_output=False)
        )
        response = await convert_to_response_dict(answer, model)
        note_status(response)
        parser = create_parser(model.service_model.resolved_protocol)
        shape: Any = model.output_shape  # both operations have one
        return answer, await parser.parse(response, shape)


class _Signature(SigV4Auth):
    """SigV4 over a body whose hash is known."""

    def __init__(
        self, sha256: str, credentials: ReadOnlyCredentials, service: str, region: str
    ) -> None:
        super().__init__(credentials, service, region)
        self._sha256 = sha256

    def payload(self, request: AWSRequest) -> str:
        """Give the hash; called by `SigV4Auth` in place of reading the body."""
        del request
        return self._sha256
