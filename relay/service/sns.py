"""The address that SNS posts to: one path, one method, TLS where `tls` has a certificate.

Files of `tls` that were replaced are read at the next handshake.

Without `tls` it speaks plain HTTP, for a proxy in front that ends TLS; the messages are signed
either way.

Errors: `Unusable` when the address or the certificate cannot be used.
"""

from contextlib import AsyncExitStack
from ssl import SSLContext, SSLObject

from aiohttp import web

from relay.feedback.sns import Fetch, SnsReceiver, fetch
from relay.model.settings import Settings
from relay.service.feedback import Feedback
from relay.service.snapshot import Unusable
from relay.smtp.certificates import Certificate, CertificateFault
from relay.smtp.sockets import ListenFault, open_sockets
from relay.telemetry import Telemetry

# SNS Developer Guide: a message has 256 KB at most; its text is escaped in JSON.
_MOST_OCTETS = 1024 * 1024


async def open_sns(
    settings: Settings, feedback: Feedback, stack: AsyncExitStack, fetching: Fetch = fetch
) -> str:
    """Listen for SNS where the configuration wants it; gives the address, empty where not."""
    sns = settings.feedback.sns
    if sns is None or sns.bind is None:
        return ""
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

    app = web.Application(client_max_size=_MOST_OCTETS)
    app.router.add_post(sns.path, take)
    context = _context(settings, receiver.telemetry)
    sockets = open_sockets(sns.bind)
    if isinstance(sockets, ListenFault):
        raise Unusable(f"feedback.sns.bind: {sockets}")
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    for listening in sockets:
        await web.SockSite(runner, listening, ssl_context=context).start()
    scheme = "http" if context is None else "https"
    name = runner.addresses[0]
    return f"{scheme}://{name[0]}:{name[1]}{sns.path}" if isinstance(name, tuple) else str(name)


def _context(settings: Settings, telemetry: Telemetry) -> SSLContext | None:
    if settings.tls is None:
        return None
    certificate = Certificate.load(settings.tls)
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
