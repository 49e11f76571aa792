"""The handlers of everything that a person opens in a browser.

Errors: 404 for what is not kept any more.
"""

from urllib.parse import quote

from aiohttp import web

from relay.model.outcome import ScopeKind
from relay.model.ports import StoreFault
from relay.web.access import COOKIE, SESSION_SECONDS, Access, Door
from relay.web.dashboard import live
from relay.web.frame import fragment, not_found, page, pill, section
from relay.web.html import Html, el, markup
from relay.web.inbox import InboxMessage
from relay.web.inbox_page import html_part, inbox_page, source
from relay.web.lookup import Lookup
from relay.web.message_page import kept_section, life_sections
from relay.web.outlook import Outlook
from relay.web.said import said
from relay.web.sources import Sources
from relay.web.store import Census


class Pages:
    """Dashboard, messages, inbox, login."""

    def __init__(
        self, sources: Sources, access: Access, lookup: Lookup, census: Census | None
    ) -> None:
        self._sources = sources
        self._access = access
        self._lookup = lookup
        self._census = census

    async def dashboard(self, request: web.Request) -> web.Response:
        """Show the first page, which keeps itself fresh."""
        about = request.query.get("about", "")
        return page(
            f"{self._sources.hostname} · ses-relay",
            el("section", _search(about)),
            el(
                "div",
                await live(self._sources, about, self._census, self._lookup),
                id="live",
                data_from="/live",
            ),
            end=self.end(),
            script=True,
        )

    async def live(self, request: web.Request) -> web.Response:
        """Give the part of the first page that changes."""
        return fragment(await self._live(request.query.get("about", "")))

    async def _live(self, about: str) -> Html:
        return await live(self._sources, about, self._census, self._lookup)

    async def message(self, request: web.Request) -> web.Response:
        """Show one message's life, which goes on before one's eyes."""
        queue_id = request.match_info["id"]
        found = await self._message(queue_id)
        if found is None:
            return _gone()
        return page(
            f"{queue_id} · ses-relay",
            said(request.query),
            el("div", found, id="live", data_from=f"/live/messages/{quote(queue_id, safe='')}"),
            end=self.end(),
            script=True,
        )

    async def message_live(self, request: web.Request) -> web.Response:
        """Give the part that changes."""
        found = await self._message(request.match_info["id"])
        return _gone() if found is None else fragment(found)

    async def _message(self, queue_id: str) -> Html | None:
        found = await self._lookup.message(queue_id)
        if found is None:
            return None
        entry = found.entry
        return markup(
            kept_section(entry, await self._outlook()) if entry is not None else None,
            life_sections(found.life, self._sources.inbox),
        )

    async def _outlook(self) -> Outlook:
        sources = self._sources
        now, routes = sources.clock.now(), sources.known(ScopeKind.ROUTE)
        holds = () if sources.store is None else await sources.store.holds.holds(now)
        return Outlook(now, routes, () if isinstance(holds, StoreFault) else holds)

    async def inbox_message(self, request: web.Request) -> web.Response:
        """Show one message of the inbox."""
        message = self._taken(request)
        if message is None:
            return _gone()
        return await inbox_page(message, self._sources.recent.relayed_as(message.id))

    async def inbox_html(self, request: web.Request) -> web.Response:
        """Give the HTML part for the sandboxed frame."""
        message = self._taken(request)
        return _gone() if message is None else await html_part(message)

    async def inbox_source(self, request: web.Request) -> web.Response:
        """Give a message's octets."""
        message = self._taken(request)
        return _gone() if message is None else source(message)

    async def ask_token(self, _request: web.Request) -> web.Response:
        """Show the login form."""
        return self._login()

    async def log_in(self, request: web.Request) -> web.Response:
        """Take the token and give a cookie."""
        offered = (await request.post()).get("token")
        if not (isinstance(offered, str) and self._access.opens(offered.strip())):
            answer = self._login("That is not the token in http.token.")
            answer.set_status(403)
            return answer
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(
            COOKIE,
            self._access.session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
            # Behind a proxy that speaks TLS the cookie must never travel in clear.
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return answer

    async def log_out(self, _request: web.Request) -> web.Response:
        """Take the cookie away."""
        answer = web.Response(status=303, headers={"Location": "/login"})
        answer.del_cookie(COOKIE)
        return answer

    def _taken(self, request: web.Request) -> InboxMessage | None:
        inbox = self._sources.inbox
        return None if inbox is None else inbox.get(request.match_info["id"])

    def end(self) -> Html:
        """Make what stands at the right of a page's head."""
        ready = self._sources.readiness().ready
        ways = [("/queue", "Queue"), ("/users", "Users"), ("/suppression", "Suppression")]
        if self._sources.store is None:
            ways = ways[1:2]
        return markup(
            [el("a", name, href=path) for path, name in ways],
            el("span", f"{self._sources.hostname} {self._sources.version}", class_="soft"),
            pill("ready" if ready else "not ready"),
            el("form", el("button", "Log out"), method="post", action="/logout", class_="quiet")
            if self._access.door is Door.TOKEN
            else None,
        )

    def _login(self, fault: str = "") -> web.Response:
        form = el(
            "form",
            el(
                "input",
                type="password",
                name="token",
                placeholder="http.token",
                aria_label="Token",
                autocomplete="current-password",
                required=True,
                autofocus=True,
            ),
            el("button", "Log in"),
            method="post",
            action="/login",
        )
        shown = section(
            "Token", form, el("p", fault, class_="bad", role="alert") if fault else None
        )
        return page("Log in · ses-relay", el("div", shown, class_="login"))


def _search(about: str) -> Html:
    return el(
        "form",
        el(
            "input",
            type="search",
            name="about",
            value=about,
            placeholder="queue id, SES id, Message-ID or address",
            aria_label="Search messages",
        ),
        el("button", "Where is my mail?"),
        el("a", "show all", href="/") if about else None,
        method="get",
        action="/",
    )


def _gone() -> web.Response:
    return not_found("There is no such message, or it is not kept any more.")
