"""Checks of each listener by itself, and of the addresses that are listened on.

Errors: none; findings.
"""

from collections.abc import Iterator

from relay.config.checks.syntax import check_domain
from relay.config.fault import Finding, Loc, key_path
from relay.model.settings import (
    Bind,
    Listener,
    NoStore,
    Settings,
    TcpBind,
    TlsMode,
)


def check_listeners(settings: Settings) -> Iterator[Finding]:
    """Find binds and names that stand twice, TLS without files, and limits at odds."""
    yield from check_domain(settings.hostname, ("hostname",))
    yield from _twice(settings)
    names: dict[str, int] = {}
    for n, listener in enumerate(settings.listeners):
        loc: Loc = ("listeners", n)
        yield from check_domain(listener.default_domain, (*loc, "default_domain"))
        yield from _tls(listener, settings, loc)
        if listener.limits.idle > listener.limits.session:
            yield Finding(
                (*loc, "limits", "idle"),
                "is longer than limits.session, the life of the whole session",
                "make limits.session longer or this shorter",
            )
        if listener.name is not None:
            first = names.setdefault(listener.name, n)
            if first != n:
                yield Finding(
                    (*loc, "name"),
                    f"listeners[{first}] has the same name",
                    "give each listener a name of its own",
                )


def _twice(settings: Settings) -> Iterator[Finding]:
    """Find addresses that two servers of this process would open."""
    binds: list[tuple[Loc, Bind]] = [
        (("listeners", n, "bind"), listener.bind) for n, listener in enumerate(settings.listeners)
    ]
    binds.append((("http", "bind"), settings.http.bind))
    if settings.feedback.sns is not None and settings.feedback.sns.bind is not None:
        binds.append((("feedback", "sns", "bind"), settings.feedback.sns.bind))
    seen: dict[Bind, Loc] = {}
    for loc, bind in binds:
        if isinstance(bind, TcpBind) and bind.port == 0:
            continue  # the system gives each its own port
        first = seen.setdefault(bind, loc)
        if first != loc:
            yield Finding(
                loc,
                f"{key_path(first)} listens on {bind} already",
                "choose another address or port",
                rests_on=(str(first[0]),),
            )


def _tls(listener: Listener, settings: Settings, loc: Loc) -> Iterator[Finding]:
    if listener.tls is not TlsMode.OFF and listener.tls_files is None and settings.tls is None:
        yield Finding(
            (*loc, "tls"),
            f"{listener.tls} needs a certificate and there is none",
            "write tls: {certificate: cert.pem, key: key.pem}, or tls: off for this listener",
            rests_on=("tls",),
        )
    if listener.tls is TlsMode.OFF and listener.tls_files is not None:
        yield Finding(
            (*loc, "tls_files"),
            "the listener has a certificate and tls: off",
            "write tls: starttls_required, or remove tls_files",
        )


def keeps_nothing(settings: Settings) -> bool:
    """Say if the relay has no store and so never takes responsibility."""
    return isinstance(settings.queue.store, NoStore)
