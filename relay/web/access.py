"""Who may see the dashboard and the API.

With `http.token`: whoever sends it, as `Authorization: Bearer` or through the login form, which
gives a cookie that is derived from the token and ends after half a day. Without a token: whoever
reaches the loopback address under a loopback name (another name means that a foreign page had its
own name resolved to us). Without a token beyond loopback: nobody. Health and metrics are open, and
so is the one handler that knows its callers by their signature (SNS).

What changes something must come from our own pages: browsers send `Origin` with every POST.

Standards: RFC 6750 §2.1 (bearer tokens), RFC 6265 (cookies), RFC 2104 (HMAC).
Errors: a refusal is a response, given by `guard`.
"""

import hashlib
import hmac
from datetime import datetime
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from relay.model.clock import Clock
from relay.model.settings import Bind, Secret, local_only

COOKIE = "ses_relay_session"
SESSION_SECONDS = 12 * 3600

# Everything else is guarded; a new path is guarded until it is written here.
OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
_BEFORE_LOGIN = frozenset({"/login", "/assets/style.css"})
_SAFE = frozenset({"GET", "HEAD"})


class Door(Enum):
    """How the guarded paths are kept."""

    LOOPBACK = "loopback"
    TOKEN = "token"  # noqa: S105 - a word, not a token
    CLOSED = "closed"


class Access:
    """Keeps the door of one application."""

    def __init__(self, bind: Bind, token: Secret | None, clock: Clock) -> None:
        self._key = token.reveal().encode() if token else b""
        self._clock = clock
        if self._key:
            self.door = Door.TOKEN
        elif local_only(bind):
            self.door = Door.LOOPBACK
        else:
            self.door = Door.CLOSED

    def opens(self, offered: str) -> bool:
        """Say if this is the token."""
        return bool(self._key) and hmac.compare_digest(_octets(offered), self._key)

    def session(self) -> str:
        """Make the value of a login cookie."""
        until = int(self._clock.now().timestamp()) + SESSION_SECONDS
        return f"{until}.{self._seal(str(until))}"

    def admits(self, request: web.Request) -> bool:
        """Say if the request carries the token or a login made with it."""
        scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.opens(offered.strip()):
            return True
        until, _, seal = request.cookies.get(COOKIE, "").partition(".")
        return (
            hmac.compare_digest(_octets(seal), _octets(self._seal(until)))
            and until.isdecimal()
            and self._clock.now() < datetime.fromtimestamp(int(until), self._clock.now().tzinfo)
        )

    def _seal(self, until: str) -> str:
        message = b"ses-relay session " + _octets(until)
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


def guard(access: Access, signed: Handler | None = None) -> Middleware:
    """Make the middleware that stands before every handler.

    Args:
        access: who may pass.
        signed: the handler that anybody may reach, since it checks signatures itself. It is told by
            what the router found, so that no spelling of its path opens another.
    """

    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path
        if path in OPEN or (signed is not None and request.match_info.handler is signed):
            return await handler(request)
        if request.method not in _SAFE and not _from_our_pages(request):
            raise web.HTTPForbidden(text="This request comes from another site.\n")
        match access.door:
            case Door.CLOSED:
                raise web.HTTPForbidden(
                    text="Only /healthz, /readyz and /metrics are served here: "
                    "set http.token, or bind http to loopback.\n"
                )
            case Door.LOOPBACK if not _loopback_name(request.host):
                raise web.HTTPForbidden(
                    text="Without http.token the dashboard answers to loopback names alone.\n"
                )
            case Door.TOKEN if path not in _BEFORE_LOGIN and not access.admits(request):
                return _ask_for_token(path)
            case _:
                return await handler(request)

    return keep


def _octets(text: str) -> bytes:
    """Undo aiohttp's decoding of header octets that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _ask_for_token(path: str) -> web.Response:
    if path.startswith(("/api/", "/live")):
        return web.json_response(
            {"error": "a token is needed"}, status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    return web.Response(status=303, headers={"Location": "/login"})


def _from_our_pages(request: web.Request) -> bool:
    """Say if a browser made this for one of our pages; programs send neither header."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return site in {"same-origin", "none"} and (
        origin is None or origin.partition("://")[2] == request.host
    )


def _loopback_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:  # the header may say anything
        return False
