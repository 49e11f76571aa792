"""One message of the inbox: what its reader sees, and what SES was told.

The HTML part is a document of its own in a sandboxed frame (see `headers.INERT`): whatever it
holds, it runs nothing, loads nothing and sends nothing.

Errors: none.
"""

import asyncio

from aiohttp import web

from relay.web.frame import definitions, octets_for_people, page, section
from relay.web.headers import INERT
from relay.web.html import Html, el, markup
from relay.web.inbox import InboxMessage
from relay.web.letter import Letter, read
from relay.web.recent import Life

_NO_HTML = "<!doctype html><p>This message has no HTML part.</p>"


async def inbox_page(message: InboxMessage, life: Life | None) -> web.Response:
    """Show one message."""
    letter = await asyncio.to_thread(read, message.raw)
    return page(
        f"{letter.field('Subject') or 'Message'} · ses-relay",
        section(
            letter.field("Subject") or "(no subject)",
            definitions(
                ("From", letter.field("From")),
                ("To", letter.field("To")),
                ("Cc", letter.field("Cc")),
                ("Date", letter.field("Date")),
                ("size", octets_for_people(len(message.raw))),
            ),
            _parts(message, letter),
        ),
        section("What SES was told", _told(message, life)),
        section(
            "Source",
            el("p", el("a", "As SES was given it, octet for octet", href=_path(message, "source"))),
            el(
                "details", el("summary", f"All {len(letter.fields)} header fields"), _header(letter)
            ),
        ),
    )


async def html_part(message: InboxMessage) -> web.Response:
    """Give the HTML part as a document that can do nothing."""
    letter = await asyncio.to_thread(read, message.raw)
    return web.Response(
        body=(letter.html or _NO_HTML).encode("utf-8", "replace"),
        content_type="text/html",
        charset="utf-8",
        headers={"Content-Security-Policy": INERT},
    )


def source(message: InboxMessage) -> web.Response:
    """Give the octets as text that no browser interprets."""
    return web.Response(body=bytes(message.raw), content_type="text/plain", charset="utf-8")


def _parts(message: InboxMessage, letter: Letter) -> Html:
    return markup(
        el("p", "Only the beginning is shown.", class_="soft") if letter.cut else None,
        markup(el("h3", "Text"), el("pre", letter.text)) if letter.text is not None else None,
        markup(
            el("h3", "HTML"),
            el("iframe", src=_path(message, "html"), sandbox="", title="HTML part", loading="lazy"),
        )
        if letter.html is not None
        else None,
        markup(
            el("h3", "Attachments"),
            el(
                "ul",
                [
                    el("li", f"{part.name} ({part.kind}, {octets_for_people(part.size)})")
                    for part in letter.attachments
                ],
            ),
        )
        if letter.attachments
        else None,
    )


def _told(message: InboxMessage, life: Life | None) -> Html:
    operation = {"v1": "SendRawEmail (v1)", "v2": "SendEmail with raw content (v2)"}
    return definitions(
        ("operation", operation.get(message.api, message.api)),
        ("source", message.source),
        ("destinations", ", ".join(message.destinations)),
        ("configuration set", message.configuration_set),
        ("tags", ", ".join(f"{name}={value}" for name, value in message.tags)),
        ("tenant", message.tenant),
        ("answered id", message.id),
        ("life", el("a", life.queue_id, href=f"/messages/{life.queue_id}") if life else None),
    )


def _header(letter: Letter) -> Html:
    return el("pre", "\n".join(f"{name}: {value}" for name, value in letter.fields))


def _path(message: InboxMessage, what: str) -> str:
    return f"/inbox/{message.id}/{what}"
