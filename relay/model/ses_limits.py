"""How much SES takes in one request.

SES facts: SES Developer Guide, quotas: 10 MB by the v1 API, 40 MB by v2. For v1 the exact limit is
known from its refusal (`Message length is more than 10485760 bytes long`). UNCERTAIN for v2: it may
be 40 MiB; the smaller reading is safe.
"""

V1_OCTETS = 10 * 1024 * 1024
V2_OCTETS = 40_000_000
# Left free for what the relay adds (Received, DKIM-Signature) and what SES may count besides.
HEADROOM = 64 * 1024
RECIPIENTS = 50  # per request, To, Cc and Bcc together
