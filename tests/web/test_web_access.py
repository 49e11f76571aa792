"""Who gets in, and from where."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from aiohttp import web
from web_world import EVERYWHERE, LOOPBACK, World

from relay.config.checks.operation import PAGES
from relay.model.settings import FdBind, UnixBind
from relay.web import Access, Signed, Store, make_app
from relay.web.access import COOKIE, SESSION_SECONDS

GUARDED = [
    "/",
    "/live",
    "/assets/live.js",
    "/api/summary",
    "/api/messages",
    "/api/messages/q-1",
    "/api/inbox",
    "/inbox/ses-1",
    "/inbox/ses-1/html",
    "/inbox/ses-1/source",
    "/messages/q-1",
    "/nothing/here",
]
OPEN = ["/healthz", "/readyz", "/metrics"]
TOKEN = "s3cret-töken"


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("bind", [LOOPBACK, EVERYWHERE, FdBind("http")], ids=str)
async def test_health_and_metrics_are_open(path, bind):
    async with World().browser(bind, TOKEN) as client:
        answer = await client.get(path, headers={"Host": "relay.example.com"})
        assert answer.status == 200


@pytest.mark.parametrize("path", [*GUARDED, "/login"])
@pytest.mark.parametrize("bind", [EVERYWHERE, FdBind("http")], ids=str)
async def test_beyond_loopback_without_a_token_nothing_else_is_served(path, bind):
    async with World().browser(bind) as client:
        answer = await client.get(path)
        assert answer.status == 403
        assert "http.token" in await answer.text()


@pytest.mark.parametrize("path", GUARDED)
async def test_with_a_token_nothing_else_is_served_to_strangers(path):
    async with World().browser(EVERYWHERE, TOKEN) as client:
        answer = await client.get(path, allow_redirects=False)
        if path.startswith("/api/") or path == "/live":
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        else:
            assert (answer.status, answer.headers["Location"]) == (303, "/login")


@pytest.mark.parametrize("bind", [LOOPBACK, EVERYWHERE], ids=str)
async def test_the_token_opens_as_bearer(bind):
    async with World().browser(bind, TOKEN) as client:
        answer = await client.get("/api/summary", headers={"Authorization": f"bearer {TOKEN}"})
        assert answer.status == 200


@pytest.mark.parametrize(
    "offered",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        "Bearer \udcff",
    ],
)
async def test_anything_else_does_not(offered):
    async with World().browser(EVERYWHERE, TOKEN) as client:
        answer = await client.get("/api/summary", headers={"Authorization": offered})
        assert answer.status == 401


async def test_the_login_form_gives_a_cookie_that_opens():
    async with World().browser(EVERYWHERE, TOKEN) as client:
        assert "http.token" in await (await client.get("/login")).text()
        answer = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Secure" not in cookie
        assert "Log out" in await (await client.get("/")).text()


async def test_behind_tls_the_cookie_never_travels_in_clear():
    async with World().browser(EVERYWHERE, TOKEN) as client:
        answer = await client.post(
            "/login",
            data={"token": TOKEN},
            headers={"X-Forwarded-Proto": "https"},
            allow_redirects=False,
        )
        assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_wrong_token_is_refused_at_the_form():
    async with World().browser(EVERYWHERE, TOKEN) as client:
        for data in ({"token": "wrong"}, {}, {"token": ""}):
            answer = await client.post("/login", data=data, allow_redirects=False)
            assert answer.status == 403
            assert "Set-Cookie" not in answer.headers


async def test_logging_out_takes_the_cookie_away():
    async with World().browser(EVERYWHERE, TOKEN) as client:
        await client.post("/login", data={"token": TOKEN})
        await client.post("/logout")
        assert (await client.get("/api/summary")).status == 401


async def test_a_login_ends():
    world = World()
    async with world.browser(EVERYWHERE, TOKEN) as client:
        answer = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
        cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE].value}"}
        client.session.cookie_jar.clear()
        world.clock.advance(SESSION_SECONDS - 1)
        assert (await client.get("/api/summary", headers=cookie)).status == 200
        world.clock.advance(2)
        assert (await client.get("/api/summary", headers=cookie)).status == 401


@pytest.mark.parametrize(
    "forged", ["", ".", "9999999999.", "9999999999.ab", "x.y", "\udcff.\udcff"]
)
async def test_a_forged_cookie_does_not_open(forged):
    async with World().browser(EVERYWHERE, TOKEN) as client:
        answer = await client.get("/api/summary", headers={"Cookie": f"{COOKIE}={forged}"})
        assert answer.status == 401


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:9", "[::1]:8080"])
async def test_on_loopback_no_token_is_needed(host):
    async with World().browser(LOOPBACK) as client:
        assert (await client.get("/api/summary", headers={"Host": host})).status == 200


@pytest.mark.parametrize("bind", [LOOPBACK, UnixBind("/run/http")], ids=str)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "["])
async def test_a_name_that_was_rebound_to_loopback_is_refused(bind, host):
    async with World().browser(bind) as client:
        assert (await client.get("/api/summary", headers={"Host": host})).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_can_change_nothing(headers):
    async with World().browser(EVERYWHERE, TOKEN) as client:
        await client.post("/login", data={"token": TOKEN})
        assert (await client.post("/logout", headers=headers)).status == 403
        assert (await client.get("/api/summary")).status == 200


async def test_our_own_pages_can():
    async with World().browser(EVERYWHERE, TOKEN) as client:
        origin = str(client.make_url("/")).rstrip("/")
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        answer = await client.post(
            "/login", data={"token": TOKEN}, headers=headers, allow_redirects=False
        )
        assert answer.status == 303


async def signed_for(_request):
    return web.Response(text="signed for")


SIGNED = Signed("/sns", signed_for, 100)


@pytest.mark.parametrize("token", [None, TOKEN], ids=["no token", "token"])
@pytest.mark.parametrize("bind", [LOOPBACK, EVERYWHERE, FdBind("http")], ids=str)
async def test_what_is_signed_passes_by_its_own_path_and_post_alone(bind, token):
    async with World().browser(bind, token, signed=SIGNED) as client:
        foreign = {"Host": "relay.example.com", "Origin": "https://sns.example.net"}
        answer = await client.post("/sns", data=b"{}", headers=foreign)
        assert (answer.status, await answer.text()) == (200, "signed for")
        asked = [
            await client.request(method, path, headers=foreign, allow_redirects=False)
            for method, path in [
                ("GET", "/sns"),
                ("PUT", "/sns"),
                ("POST", "/sns/"),
                ("POST", "/sns/x"),
                ("POST", "/login"),
                ("POST", "/suppression/add"),
                ("GET", "/"),
                ("GET", "/sns/../api/summary"),
                ("GET", "/api/summary"),
            ]
        ]
        assert {answer.status for answer in asked} <= {401, 403, 303}
        assert "signed for" not in [await answer.text() for answer in asked]


def test_the_configuration_knows_all_paths_that_are_taken():
    world = World()
    words = dict.fromkeys(("holds", "suppression", "trace", "history"))
    sources = replace(world.sources, store=Store(control=Mock(), **words))
    app = make_app(sources, Access(LOOPBACK, None, world.clock))
    first = {resource.canonical.split("/")[1] for resource in app.router.resources()}
    assert first - {""} == PAGES
