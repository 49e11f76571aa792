"""Checks of each listener by itself, and of the addresses that are listened on.

Errors: none; findings.
"""

import ssl
from collections.abc import Iterator

from relay.config.checks.syntax import check_domain
from relay.config.fault import Finding, Loc, key_path, shown
from relay.model.settings import (
    Bind,
    Listener,
    NoStore,
    Settings,
    TcpBind,
    Tls,
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
    if settings.sns_bind is not None:
        binds.append((("feedback", "sns", "bind"), settings.sns_bind))
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
    if listener.tls is not TlsMode.OFF and settings.tls_of(listener) is None:
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


def check_tls(settings: Settings) -> Iterator[Finding]:
    """Find certificates without their keys, and ciphers that nobody can speak."""
    sections: list[tuple[Loc, Tls | None]] = [(("tls",), settings.tls)]
    sections += (
        (("listeners", n, "tls_files"), listener.tls_files)
        for n, listener in enumerate(settings.listeners)
    )
    for loc, files in sections:
        if files is None:
            continue
        if len(files.certificate) != len(files.key):
            yield Finding(
                (*loc, "key"),
                f"{len(files.key)} for {len(files.certificate)} of certificate",
                "name one key for each certificate, in the same order",
            )
        if files.ciphers is not None and not _any_cipher(files.ciphers):
            yield Finding(
                (*loc, "ciphers"),
                f"OpenSSL finds no cipher in {shown(files.ciphers)}",
                "write what `openssl ciphers` takes, or remove it",
            )


def _any_cipher(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(text)
    except (ssl.SSLError, ValueError):  # ValueError: a NUL in it
        return False
    return True


def keeps_nothing(settings: Settings) -> bool:
    """Say if the relay has no store and so never takes responsibility."""
    return isinstance(settings.queue.store, NoStore)
