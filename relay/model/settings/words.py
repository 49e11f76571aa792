"""The closed words of the configuration file: every option that takes one of a few names.

Errors: none.
"""

from enum import StrEnum


class Off(StrEnum):
    """Stands where a number could: the function is switched off."""

    OFF = "off"


class Auto(StrEnum):
    """Stands where a number could: the relay finds the value itself."""

    AUTO = "auto"


class TlsMode(StrEnum):
    """When a session on this listener is encrypted (RFC 3207, RFC 8314)."""

    OFF = "off"
    STARTTLS = "starttls"
    STARTTLS_REQUIRED = "starttls_required"
    IMPLICIT = "implicit"


class TlsVersion(StrEnum):
    """The oldest TLS version a listener speaks (RFC 8996 retired 1.0 and 1.1)."""

    TLS_1_0 = "1.0"
    TLS_1_1 = "1.1"
    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"

    @property
    def retired(self) -> bool:
        """Whether this is a version for old devices alone."""
        return self in {TlsVersion.TLS_1_0, TlsVersion.TLS_1_1}


class AuthMode(StrEnum):
    """If a client of this listener must give a name and password (RFC 4954)."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"


class Mechanism(StrEnum):
    """The SASL mechanisms: PLAIN (RFC 4616), LOGIN (by custom), CRAM-MD5 (RFC 2195)."""

    PLAIN = "PLAIN"
    LOGIN = "LOGIN"
    CRAM_MD5 = "CRAM-MD5"


class LineEndings(StrEnum):
    """What becomes of a bare line feed in message data (RFC 5321 §2.3.8)."""

    MEND = "mend"
    REFUSE = "refuse"


class IdentifyBy(StrEnum):
    """How a user is told from others: by AUTH, or without it by something about the client."""

    PASSWORD = "password"  # noqa: S105 - a word of the file, not a password
    NETWORK = "network"
    CERTIFICATE = "certificate"


class Lane(StrEnum):
    """Who goes first when the account's rate is short."""

    TRANSACTIONAL = "transactional"
    BULK = "bulk"


class SesHeader(StrEnum):
    """The header fields of SES's SMTP interface that a user may be allowed to set."""

    CONFIGURATION_SET = "X-SES-CONFIGURATION-SET"
    MESSAGE_TAGS = "X-SES-MESSAGE-TAGS"


class Api(StrEnum):
    """Which SES operation sends: v1 SendRawEmail, v2 SendEmail with raw content."""

    V1 = "v1"
    V2 = "v2"
    AUTO = "auto"


class DkimSigner(StrEnum):
    """Who signs the mail of a route (RFC 6376)."""

    RELAY = "relay"
    SES = "ses"


class ExistingSignature(StrEnum):
    """What becomes of a DKIM-Signature that the client's message already carries."""

    REPLACE = "replace"
    KEEP = "keep"
    REFUSE = "refuse"


class RefuseAt(StrEnum):
    """Where a suppressed recipient is turned away: at RCPT, or quietly after DATA."""

    RCPT = "rcpt"
    QUIET = "quiet"


class AccountList(StrEnum):
    """What the relay does with the suppression list of the SES account."""

    OFF = "off"
    READ = "read"
    SYNC = "sync"


class BounceTo(StrEnum):
    """Who hears of a failed message, where it is not one fixed address."""

    SENDER = "sender"
    OFF = "off"


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogRecipients(StrEnum):
    """How recipients appear in the log."""

    FULL = "full"
    HASHED = "hashed"
    DOMAIN = "domain"
