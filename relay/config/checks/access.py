"""Checks of who gets in: open relays, passwords without TLS, AUTH that nobody can use.

Standards: RFC 4954 §4 (no plaintext mechanism without TLS), RFC 6409 §4.3 (submission asks for
authorisation), RFC 2195 (CRAM-MD5 computes with the password itself), RFC 8996 (TLS 1.0 and 1.1
are retired).

Errors: none; findings.
"""

from collections.abc import Iterable, Iterator

from relay.config.fault import Finding, Loc
from relay.model.settings import (
    AuthMode,
    ClearPassword,
    IdentifyBy,
    Listener,
    Mechanism,
    Network,
    Settings,
    TlsMode,
    local_only,
)


def check_access(settings: Settings) -> Iterator[Finding]:
    """Find listeners that let in too many, or nobody."""
    passwords = [
        user.password for user in settings.users if user.identify_by is IdentifyBy.PASSWORD
    ]
    by_certificate = any(user.identify_by is IdentifyBy.CERTIFICATE for user in settings.users)
    readable = any(isinstance(password, ClearPassword) for password in passwords)
    for n, listener in enumerate(settings.listeners):
        loc: Loc = ("listeners", n)
        yield from _open_relay(listener, loc)
        yield from _proxies(listener, loc)
        yield from _cleartext(listener, loc)
        yield from _retired_tls(listener, settings, loc)
        files = settings.tls_of(listener)
        shows_certificate = by_certificate and files is not None and files.client_ca is not None
        if listener.auth is AuthMode.REQUIRED and not passwords and not shows_certificate:
            yield Finding(
                (*loc, "auth"),
                "required, and there is no user with a password",
                "add a user with a password, or write auth: optional with `networks`",
                rests_on=("users",),
            )
        if listener.auth is AuthMode.OFF:
            continue
        if Mechanism.CRAM_MD5 in listener.mechanisms and not readable:
            yield Finding(
                (*loc, "mechanisms"),
                "CRAM-MD5 needs a user whose password is readable, and there is none",
                "write password: {secret: …} for that user, or remove CRAM-MD5",
                rests_on=("users",),
            )


def _open_relay(listener: Listener, loc: Loc) -> Iterator[Finding]:
    if (
        _reachable(listener)
        and listener.auth is not AuthMode.REQUIRED
        and _anybody(listener.networks)
    ):
        yield Finding(
            (*loc, "auth"),
            f"{listener.auth} lets everybody who reaches {listener.bind} send: an open relay",
            'write auth: required, or name the clients: networks: ["10.0.0.0/8"]',
        )


def _proxies(listener: Listener, loc: Loc) -> Iterator[Finding]:
    believed = listener.proxy_protocol and not local_only(listener.bind)
    if believed and _anybody(listener.networks):
        yield Finding(
            (*loc, "proxy_protocol"),
            "believes everybody who says where a client comes from",
            'name the proxies: networks: ["10.0.0.4/32"]',
        )


def _cleartext(listener: Listener, loc: Loc) -> Iterator[Finding]:
    if listener.cleartext_auth and _reachable(listener) and _anybody(listener.networks):
        yield Finding(
            (*loc, "cleartext_auth"),
            "takes passwords without TLS from everybody",
            'name the old devices: networks: ["10.0.5.0/24"], or write cleartext_auth: false',
        )
    if (
        listener.tls is TlsMode.OFF
        and listener.auth is not AuthMode.OFF
        and not listener.cleartext_auth
    ):
        yield Finding(
            (*loc, "auth"),
            f"{listener.auth}, but with tls: off no password is ever taken",
            "write tls: starttls_required, or cleartext_auth: true with `networks`, or auth: off",
        )


def _retired_tls(listener: Listener, settings: Settings, loc: Loc) -> Iterator[Finding]:
    files = settings.tls_of(listener)
    if files is None or not files.minimum_version.retired:
        return
    if _reachable(listener) and _anybody(listener.networks):
        yield Finding(
            (*loc, "networks"),
            f"let everybody in, and TLS {files.minimum_version} is for old devices alone",
            'name them: networks: ["10.0.5.0/24"], or give the listener `tls_files` with '
            'minimum_version: "1.2"',
            rests_on=("tls",),
        )


def _reachable(listener: Listener) -> bool:
    """Say if others than this machine get here; a proxy brings them to a local bind as well."""
    return listener.proxy_protocol or not local_only(listener.bind)


def _anybody(networks: Iterable[Network]) -> bool:
    """Say if the networks keep nobody out: none named, or all the Internet."""
    named = list(networks)
    return not named or any(network.prefixlen == 0 for network in named)
