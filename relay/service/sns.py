"""The path that SNS posts to: on the address of `http`, or on one of its own.

Its own address speaks TLS where `tls` has a certificate; files that were replaced are read at the
next handshake. Without `tls`, and on the address of `http`, it speaks plain HTTP, for a proxy in
front that ends TLS; the messages are signed either way.

Errors: `Unusable` when the address or the certificate cannot be used.
"""

from contextlib import AsyncExitStack
from ssl import SSLContext, SSLObject

from aiohttp import web

from relay.feedback.sns import Fetch, SnsReceiver, fetch
from relay.model.settings import Bind, SnsEndpoint, Tls
from relay.service.feedback import Feedback
from relay.service.snapshot import Unusable
from relay.smtp.certificates import Certificate, CertificateFault
from relay.smtp.sockets import ListenFault, open_sockets
from relay.telemetry import Telemetry
from relay.web import Signed, make_signed_app, serve

# SNS Developer Guide: a message has 256 KB at most; its text is escaped in JSON.
_MOST_OCTETS = 512 * 1024 + 16 * 1024


def receiver_of(sns: SnsEndpoint, feedback: Feedback, fetching: Fetch = fetch) -> Signed:
    """Make what takes the messages of SNS."""
    receiver = SnsReceiver(
        topics=frozenset(sns.topics),
        learn=feedback.learner.learn,
        fetch=fetching,
        telemetry=feedback.learner.telemetry,
        clock=feedback.learner.clock,
    )

    async def take(request: web.Request) -> web.Response:
        answer = await receiver.take(await request.read())
        return web.Response(status=answer.status, text=f"{answer.reason}\n")

    return Signed(sns.path, take, _MOST_OCTETS)


async def open_sns(
    bind: Bind, files: Tls | None, signed: Signed, telemetry: Telemetry, stack: AsyncExitStack
) -> str:
    """Listen for SNS on an address of its own; gives the URL. On that of `http`: `open_http`."""
    context = None if files is None else _context(files, telemetry)
    sockets = open_sockets(bind)
    if isinstance(sockets, ListenFault):
        raise Unusable(f"feedback.sns.bind: {sockets}")
    names = []
    for listening in sockets:
        served = await serve(make_signed_app(signed), listening, context)
        stack.push_async_callback(served.close)
        names.append(served.address)
    scheme = "http" if context is None else "https"
    match names:
        case [(str(host), int(port), *_), *_]:
            return f"{scheme}://{host}:{port}{signed.path}"
        case _:
            return str(bind)


def _context(files: Tls, telemetry: Telemetry) -> SSLContext:
    certificate = Certificate.load(files)
    if isinstance(certificate, CertificateFault):
        raise Unusable(f"feedback.sns: tls: {certificate.reason}")

    def renew(handshake: SSLObject, _name: str | None, _context: SSLContext) -> None:
        fault = certificate.refresh()
        if fault is not None:  # the old ones stay in use
            telemetry.relay.fault("certificate", fault.error)
        handshake.context = certificate.context

    # The server is given one context for good; called at each handshake, with and without SNI.
    context = certificate.context
    context.sni_callback = renew
    return context
