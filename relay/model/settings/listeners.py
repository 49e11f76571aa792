"""Settings of the front door: listeners, their TLS files and what one session may cost.

Standards: RFC 5321 §4.5.3 (sizes, limits, time-outs), RFC 8314 (TLS for submission), RFC 4954.

Errors: none.
"""

from pathlib import Path

from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.values import Bind, Network
from relay.model.settings.words import AuthMode, LineEndings, Mechanism, TlsMode, TlsVersion


@section
class Tls:
    """Certificates and keys, and how TLS is spoken; read again when the files change."""

    certificate: tuple[Path, ...] = required(
        unit=Unit.FILE,
        min_length=1,
        example="cert.pem",
        reason="PEM file with the certificate and its chain. A list gives one for each kind of "
        "key: [ecdsa.pem, rsa.pem].",
    )
    key: tuple[Path, ...] = required(
        unit=Unit.PRIVATE_FILE,
        min_length=1,
        example="key.pem",
        reason="PEM file with the private key; only its owner may read it. A list: in the order of "
        "the certificates.",
    )
    minimum_version: TlsVersion = option(
        default=TlsVersion.TLS_1_2,
        reason="The oldest TLS version spoken: 1.2 or 1.3. 1.0 and 1.1 are for old devices and "
        "need `networks` on the listener; weak signatures are taken with them.",
    )
    ciphers: str | None = option(
        default=None,
        example='"ECDHE+AESGCM:AES256-SHA"',
        reason="Ciphers of TLS 1.2 and older, as `openssl ciphers` reads them; null: those of "
        "Python, or all that OpenSSL holds for fit where 1.0 or 1.1 is spoken.",
    )
    client_ca: Path | None = option(
        default=None,
        unit=Unit.FILE,
        example="clients.pem",
        reason="PEM file with the authorities that sign client certificates, or such certificates "
        "themselves. Clients may then show one: see `identify_by: certificate`.",
    )


@section
class SessionLimits:
    """What one session may cost before it is told to go."""

    recipients_per_transaction: int = option(
        default=1000,
        at_least=100,
        reason="RCPT commands per message; further ones get 452. RFC 5321 asks for at least 100.",
    )
    transactions_per_session: int = option(
        default=10_000,
        at_least=1,
        reason="Messages per connection; then 421, and the client connects again.",
    )
    commands_per_transaction: int = option(
        default=100,
        at_least=10,
        reason="Commands beside RCPT that may pass without a message; then 421.",
    )
    errors_per_session: int = option(
        default=20, at_least=1, reason="Commands refused with 5xx per connection; then 421."
    )
    auth_failures_per_session: int = option(
        default=3, at_least=1, reason="Wrong passwords per connection; then 421."
    )
    idle: float = option(
        default=300.0,
        unit=Unit.SECONDS,
        at_least=1,
        reason="Silence between two commands before 421. RFC 5321 §4.5.3.2.7 asks for 5 minutes.",
    )
    session: float = option(
        default=86_400.0,
        unit=Unit.SECONDS,
        at_least=10,
        reason="Longest life of a connection, busy or not.",
    )
    data_rate: int = option(
        default=512,
        unit=Unit.OCTETS,
        at_least=0,
        reason="Octets per second that message data must arrive with, averaged over a minute; "
        "a client that drips holds memory. 0 switches the check off.",
    )


@section
class Listener:
    """One address on which SMTP clients are served."""

    bind: Bind = required(
        example='"127.0.0.1:1025"',
        reason="host:port, [v6]:port, unix:/path, or fd:NAME for socket activation.",
    )
    name: str | None = option(
        default=None, reason="Name in logs and in rules; the bind itself when left out."
    )
    tls: TlsMode = option(
        default=TlsMode.STARTTLS_REQUIRED,
        reason="off, starttls (offered), starttls_required (before anything else) or implicit "
        "(from the first octet, port 465).",
    )
    tls_files: Tls | None = option(
        default=None, reason="Certificate and key of this listener alone, instead of `tls`."
    )
    auth: AuthMode = option(
        default=AuthMode.REQUIRED,
        reason="required, optional (clients known by network may go without) or off.",
    )
    mechanisms: tuple[Mechanism, ...] = option(
        default=(Mechanism.PLAIN, Mechanism.LOGIN),
        min_length=1,
        reason="SASL mechanisms offered: PLAIN, LOGIN, CRAM-MD5.",
    )
    cleartext_auth: bool = option(
        default=False,
        reason="Take passwords without TLS, for old devices; needs `networks`.",
    )
    networks: tuple[Network, ...] = option(
        default=(),
        example='["10.0.0.0/8"]',
        reason="Who may connect; others get 554 and are closed. Empty: everybody.",
    )
    line_endings: LineEndings = option(
        default=LineEndings.MEND,
        reason="mend: a bare LF becomes CRLF before anything is parsed; refuse: 554. Only "
        "CRLF.CRLF ends a message either way.",
    )
    proxy_protocol: bool = option(
        default=False,
        reason="Expect a HAProxy PROXY header (version 1 or 2) on each connection; `networks` "
        "then names the proxies.",
    )
    max_connections: int = option(
        default=1000, at_least=1, reason="Connections at a time; further ones get 421."
    )
    max_connections_per_client: int = option(
        default=100, at_least=1, reason="The same for each client address."
    )
    strict_addresses: bool = option(
        default=True,
        reason="false: MAIL FROM without angle brackets, trailing dots and the like are read "
        "kindly.",
    )
    default_domain: str | None = option(
        default=None, reason="Completes recipients that have no domain."
    )
    limits: SessionLimits = option(
        default_factory=SessionLimits, reason="What one session may cost."
    )
