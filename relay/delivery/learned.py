"""What botocore says of an operation: learned when a route opens, by a call that never leaves.

The public client is called with samples and caught at its event `before-call`, where the request
stands written. What the relay writes and signs for the same samples must say the same.

Errors: `ValueError` where it does not; whatever else a new botocore raises.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.model import OperationModel
from botocore.signers import RequestSigner

from relay.delivery.answer import Sending
from relay.delivery.body import Body
from relay.delivery.samples import SAMPLES
from relay.delivery.signature import Endpoint, Signer

Write = Callable[[Sending], Awaitable[Body]]

_TRIAL = ReadOnlyCredentials("AKIDTRIAL", "trial", "token", None)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation at one endpoint."""

    signer: Signer
    model: OperationModel


async def learn(
    client: Any,  # noqa: ANN401 - the stubs know each client, and no common one
    method: str,
    parameters: Callable[[Sending, bytes], Mapping[str, Any]],
    write: Write,
) -> Operation:
    """Learn an operation from the public client, and hold what we write against what it writes."""
    operation = None
    for sample in SAMPLES:
        caught = await _caught(client, method, parameters(sample, sample.message.content.octets()))
        request, (service, region) = caught.request, caught.scope
        body = await write(sample)
        written, theirs = b"".join(body.pieces), request["body"]
        if isinstance(theirs, Mapping):
            same = sorted(written.split(b"&")) == sorted(urlencode(theirs).encode().split(b"&"))
        else:
            same = json.loads(written) == json.loads(theirs)
        if not same or request["method"] != "POST":
            raise ValueError(f"{method} is written otherwise: {theirs!r}")
        operation = Operation(_signer(request, service, region, body), caught.model)
    assert operation is not None, "there are samples"
    return operation


class _Caught(Exception):  # noqa: N818 - it carries what was caught
    def __init__(
        self, model: OperationModel, request: dict[str, Any], scope: tuple[str, str]
    ) -> None:
        super().__init__()
        self.model, self.request, self.scope = model, request, scope


def _catch(
    *,
    model: OperationModel,
    params: dict[str, Any],
    request_signer: RequestSigner,
    context: dict[str, Any],
    **_: object,
) -> None:
    signing = context.get("signing", {})
    scope = (
        signing.get("signing_name", request_signer.signing_name),
        signing.get("region", request_signer.region_name),
    )
    raise _Caught(model, params, scope)


async def _caught(client: Any, method: str, parameters: Mapping[str, Any]) -> _Caught:  # noqa: ANN401 - see learn
    event = f"before-call.{client.meta.service_model.service_name}"
    client.meta.events.register_first(event, _catch)
    try:
        await getattr(client, method)(**parameters)
    except _Caught as caught:
        return caught
    finally:
        client.meta.events.unregister(event, _catch)
    raise ValueError(f"{method} cannot be caught before it leaves")


def _signer(request: Mapping[str, Any], service: str, region: str, body: Body) -> Signer:
    """Make the signer, and sign once by botocore to see that both say the same."""
    headers = dict(request["headers"])
    endpoint = Endpoint.of(request["url"], service, region)
    if endpoint is None or headers.keys() - {"Content-Type", "User-Agent", "Content-Length"}:
        raise ValueError(f"another kind of request: {request['url']} {sorted(headers)}")
    signer = Signer(endpoint, headers["Content-Type"], headers["User-Agent"])
    signed = AWSRequest(
        method="POST",
        url=request["url"],
        headers={"Content-Type": headers["Content-Type"]},
        data=b"".join(body.pieces),
    )
    SigV4Auth(_TRIAL, service, region).add_auth(signed)
    stamp = datetime.strptime(signed.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = signer.head(_TRIAL, stamp, body.size, body.sha256)
    if f"Authorization: {signed.headers['Authorization']}\r\n".encode("ascii") not in ours:
        raise ValueError("botocore signs otherwise")
    return signer
