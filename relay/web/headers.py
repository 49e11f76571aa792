"""Response headers that keep pages inert: no foreign code, no framing, no caching, no guessing.

Standards: CSP Level 3, Fetch (`X-Content-Type-Options`), RFC 9111 §5.2.2.5 (no-store).
Errors: none.
"""

from aiohttp import web

_PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# A message's HTML part: an opaque origin without scripts, forms, pop-ups or anything from the
# network. Styles are let through, or no letter would look like one.
INERT = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


async def harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers to every answer (an `on_response_prepare` signal)."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _PAGE)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cache-Control"] = "no-store"
    # Not "no-referrer": browsers then say `Origin: null` with our own forms, too.
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Server"] = "ses-relay"
