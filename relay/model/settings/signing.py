"""Settings of DKIM: one entry per key.

Standards: RFC 6376. SES facts: a submitted message may carry one signature, RSA, that covers
neither Date nor Message-ID (SES Developer Guide, send-email-authentication-dkim-manual).

Errors: none.
"""

from datetime import datetime

from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.values import Secret
from relay.model.settings.words import ExistingSignature


@section
class DkimKey:
    """One signing key, for one domain, while it is active."""

    domain: str = required(
        min_length=1, example="example.com", reason="Author domain that this key signs for."
    )
    selector: str = required(
        min_length=1, example="s1", reason="Name of the DNS record: SELECTOR._domainkey.DOMAIN."
    )
    key: Secret = required(
        unit=Unit.PRIVATE_FILE,
        example="{file: s1.pem}",
        reason="PEM private key (RSA, 2048 bits), best as {file: PATH}.",
    )
    existing: ExistingSignature = option(
        default=ExistingSignature.REPLACE,
        reason="A signature that is already there: replace, keep (only a lone one that covers "
        "neither Date nor Message-ID, because SES changes both) or refuse the message.",
    )
    active_from: datetime | None = option(
        default=None,
        example="2027-01-01T00:00:00Z",
        reason="Not used before; write the time zone. Null: at once.",
    )
    active_until: datetime | None = option(
        default=None,
        example="2028-01-01T00:00:00Z",
        reason="Not used from then on. Null: for ever.",
    )
