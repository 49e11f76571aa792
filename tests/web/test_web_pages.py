"""What a person sees, and that nothing a peer wrote can act."""

from html.parser import HTMLParser

import pytest
from web_world import EVIL, LETTER, FakeInbox, World, taken

from relay.web import Readiness
from relay.web.headers import INERT

PAGES = ["/", "/live", "/messages/q-1", "/inbox/ses-1", "/messages/none", "/inbox/none", "/login"]


def full_world():
    world = World(FakeInbox(taken(1), taken(2, raw=b"Subject: second\r\n\r\nHi")))
    world.one_message(client=EVIL)
    world.happen("smtp.refused", reply=f"550 5.7.1 {EVIL}", recipients=[f"{EVIL}@example.org"])
    world.happen("account.changed", what="sending", old="enabled", new="paused")
    world.rates()
    return world


class Tags(HTMLParser):
    """Lists the elements of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_a_peer_wrote_becomes_markup(path):
    async with full_world().browser() as client:
        page = await (await client.get(path)).text()
    assert EVIL not in page
    for tag, attributes in Tags(page).found:
        assert tag != "script" or attributes == {"src": "/assets/live.js", "defer": None}
        assert not any(name.startswith("on") or name == "style" for name in attributes)


@pytest.mark.parametrize(
    "path", [*PAGES, "/healthz", "/api/summary", "/nothing", "/inbox/ses-1/source"]
)
async def test_every_answer_is_hardened(path):
    async with full_world().browser() as client:
        headers = (await client.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "aiohttp" not in headers["Server"]


async def test_the_dashboard_shows_what_goes_on():
    async with full_world().browser() as client:
        page = await (await client.get("/")).text()
    for words in (
        "relay.example.com 1.0",
        "0.0 of 14.0 recipients per second, slowed to 7.0",
        "25.0% used",
        "sessions open",
        "Résumé",
        'href="/inbox/ses-1"',
        'href="/messages/q-1"',
        "relayed",
        "account.changed",
    ):
        assert words in page
    assert "Log out" not in page


async def test_a_new_relay_says_what_to_do():
    async with World(FakeInbox()).browser() as client:
        page = await (await client.get("/")).text()
    assert "Nothing yet. Send a message to see it here." in page
    assert "No message yet." in page


async def test_the_live_part_is_the_same_as_on_the_page():
    async with full_world().browser() as client:
        live = await (await client.get("/live")).text()
        page = await (await client.get("/")).text()
    assert live in page


@pytest.mark.parametrize(("about", "found"), [("bob@", True), ("nobody@", False)])
async def test_messages_are_searched(about, found):
    async with full_world().browser() as client:
        page = await (await client.get("/live", params={"about": about})).text()
    assert ('href="/messages/q-1"' in page) == found
    assert ("No message matches." in page) != found


async def test_no_reason_is_hidden():
    world = full_world()
    world.readiness = Readiness(("listener 0.0.0.0:587 is down",), ("account in the sandbox",))
    async with world.browser() as client:
        page = await (await client.get("/")).text()
    assert "not ready" in page
    assert "listener 0.0.0.0:587 is down" in page
    assert "account in the sandbox" in page


async def test_a_life_is_told_event_by_event():
    async with full_world().browser() as client:
        page = await (await client.get("/messages/q-1")).text()
    assert page.index("message.received") < page.index("message.relayed")
    assert 'href="/inbox/ses-1"' in page


async def test_an_opened_message_shows_what_its_reader_sees_and_what_ses_was_told():
    async with full_world().browser() as client:
        page = await (await client.get("/inbox/ses-1")).text()
    for words in (
        "Jürgen &lt;juergen@example.com&gt;",
        "Grüße",
        "application/pdf",
        "SendRawEmail (v1)",
        "bob@example.org, hidden@example.net",
        "app-a",
        "queue-id=q-1",
        'href="/messages/q-1"',
        "All 5 header fields",
    ):
        assert words in page


async def test_the_html_part_is_in_a_sandbox_twice():
    async with full_world().browser() as client:
        page = await (await client.get("/inbox/ses-1")).text()
        part = await client.get("/inbox/ses-1/html")
        policy = part.headers["Content-Security-Policy"]
        body = await part.text()
    (frame,) = [attributes for tag, attributes in Tags(page).found if tag == "iframe"]
    assert frame["sandbox"] == ""
    assert frame["src"] == "/inbox/ses-1/html"
    assert policy == INERT
    assert policy.startswith("sandbox; default-src 'none'; ")
    assert "allow-" not in policy
    assert "script-src" not in policy
    assert EVIL in body  # untouched, and dead


async def test_a_message_without_html_has_no_frame():
    async with full_world().browser() as client:
        page = await (await client.get("/inbox/ses-2")).text()
        part = await (await client.get("/inbox/ses-2/html")).text()
    assert "<iframe" not in page
    assert "no HTML part" in part


async def test_the_source_is_what_ses_was_given():
    async with full_world().browser() as client:
        answer = await client.get("/inbox/ses-1/source")
        assert await answer.read() == LETTER
        assert answer.content_type == "text/plain"


@pytest.mark.parametrize(
    "path", ["/messages/none", "/inbox/none", "/inbox/none/html", "/inbox/none/source"]
)
@pytest.mark.parametrize("inbox", [None, FakeInbox()], ids=["serve", "demo"])
async def test_what_is_gone_is_not_found(path, inbox):
    async with World(inbox).browser() as client:
        assert (await client.get(path)).status == 404


async def test_without_a_simulator_there_is_no_inbox():
    async with World().browser() as client:
        assert "Inbox" not in await (await client.get("/")).text()


async def test_octets_that_are_no_utf8_do_not_break_a_page():
    world = World(FakeInbox(taken(1, raw=b"Subject: caf\xe9\r\nFrom: \xff\r\n\r\n\xfe")))
    world.one_message(helo="caf\udce9")
    async with world.browser() as client:
        for path in ("/", "/messages/q-1", "/inbox/ses-1", "/api/messages/q-1", "/api/inbox/ses-1"):
            assert (await client.get(path)).status == 200


async def test_pages_are_light():
    world = World(FakeInbox(*(taken(number) for number in range(300))))
    for number in range(300):
        world.one_message(f"q-{number}")
    world.rates()
    async with world.browser() as client:
        weight = [
            len(await (await client.get(path)).read())
            for path in ("/", "/assets/style.css", "/assets/live.js")
        ]
    assert sum(weight) <= 100 * 1024
