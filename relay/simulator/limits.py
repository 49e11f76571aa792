"""The limits of Amazon SES as numbers and lists, each with the page that states it.

SES facts: SES Developer Guide, pages "quotas", "header-fields" and "mime-types" / "attachments";
SES API reference, SendRawEmail and RawMessage.
"""

from datetime import timedelta
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# SES Developer Guide, quotas: 10 MB for the v1 API. The wire text names exactly 10 MiB.
V1_MESSAGE_OCTETS: Final = 10 * 1024 * 1024
# SES Developer Guide, quotas: 40 MB for the v2 API. UNCERTAIN whether that means 40 MiB or
# 40,000,000 octets; 40 MiB is read by analogy with v1.
V2_MESSAGE_OCTETS: Final = 40 * 1024 * 1024
# Gateway limit of ours, so that an oversized message still gets its own SES answer while
# memory stays bounded. 40 MiB in base64 and JSON is 56 MiB. RequestEntityTooLarge beyond.
REQUEST_OCTETS: Final = 80 * 1024 * 1024

# SES Developer Guide, quotas: To, Cc and Bcc together, not adjustable.
RECIPIENTS_PER_MESSAGE: Final = 50
# SES API reference, RawMessage: 1,000 characters with the CRLF (RFC 5321 §4.5.3.1.6).
LINE_OCTETS: Final = 998
# SES Developer Guide, quotas: MIME parts of one message. UNCERTAIN whether still current.
MIME_PARTS: Final = 500
# SES API reference, MessageTag: ASCII letters, digits, underscore and dash.
TAG_OCTETS: Final = 256

# SES Developer Guide, manage-sending-quotas: evaluated at each call over a rolling day.
QUOTA_WINDOW: Final = timedelta(hours=24)
# SES Developer Guide, quotas: every action but the sending ones, one call a second.
CONTROL_CALLS_PER_SECOND: Final = 1.0
# AWS General Reference, Signature Version 4: how far clocks may differ.
CLOCK_SKEW: Final = timedelta(minutes=5)

# SES Developer Guide, send-an-email-from-console: the mailbox simulator.
MAILBOX_SIMULATOR: Final = "simulator.amazonses.com"

# RFC 5321 §4.5.3.1.1 and §4.5.3.1.2; a label of the DNS has 63 octets.
LOCAL_PART_OCTETS: Final = 64
DOMAIN_OCTETS: Final = 255
LABEL_OCTETS: Final = 63

# SES Developer Guide, header-fields: each of these may appear once at most.
ONCE_ONLY_HEADERS: Final = _words(
    """
    accept-language acceptlanguage archived-at auto-submitted bounces-to comments
    content-alternative content-base content-class content-description content-disposition
    content-duration content-id content-language content-length content-location content-md5
    content-transfer-encoding content-type date delivered-to disposition-notification-options
    disposition-notification-to dkim-signature domainkey-signature errors-to from importance
    in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe
    list-unsubscribe list-unsubscribe-post message-context message-id mime-version organization
    original-from original-message-id original-recipient original-subject precedence priority
    references reply-to return-path return-receipt-to sender solicitation sensitivity subject
    thread-index thread-topic user-agent vbr-info
    """
)

# SES Developer Guide, mime-types (now attachments): refused by the extension of the file name.
REFUSED_EXTENSIONS: Final = _words(
    """
    ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its
    js jse ksh lib lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh
    msh1 msh2 mshxml msh1xml msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs
    sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf
    wsh xnk
    """
)
