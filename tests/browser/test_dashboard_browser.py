"""The dashboard of the demo in a real browser, as its first user meets it.

Mail is sent by SMTP while the page is open; nothing is reloaded by hand. To look at it, name a
folder in SES_RELAY_SCREENSHOTS: each step leaves its pictures there, at desktop and phone width,
light and dark.
"""

import asyncio
import contextlib
import os
import re
import smtplib
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest_asyncio
from chromium import PATIENCE, browsing

READY = re.compile(
    r"SMTP (?P<host>[\d.]+):(?P<port>\d+), simulated SES (?P<ses>\S+),\s+"
    r"dashboard and inbox (?P<http>\S+)/"
)
SENDER = "me@example.com"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


@dataclass
class Demo:
    """A demo that is ready."""

    host: str
    port: int
    ses: str
    http: str

    async def send(self, subject, to="you@example.org"):
        """Send a message; gives the reply that refused a recipient, or nothing."""
        return await asyncio.to_thread(self._send, subject, to)

    def _send(self, subject, to):
        message = f"From: {SENDER}\nTo: {to}\nSubject: {subject}\n\nIt works.\n"
        with smtplib.SMTP(self.host, self.port, timeout=PATIENCE) as client:
            try:
                client.sendmail(SENDER, [to], message)
            except smtplib.SMTPRecipientsRefused as refused:
                return refused.recipients[to]
        return None

    async def api(self, path, **posted):
        """Ask the API, or tell it something."""
        method, url = "POST" if posted else "GET", f"{self.http}/api/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=posted or None) as answer,
        ):
            assert answer.ok, await answer.text()
            return await answer.json()

    async def send_until_one_waits(self, to):
        """Send until a hold is obeyed, which takes a second at most."""
        async with asyncio.timeout(PATIENCE):
            while not (await self.api("queue"))["messages"]:
                await self.send("Held back", to)

    async def fail_once(self):
        """Let SES be out of service for one request."""
        then = {"code": "ServiceUnavailable", "message": "not now", "status": 503}
        fault = {"operation": "SendRawEmail", "times": 1, "then": then}
        url = f"{self.ses}/_simulator/faults"
        async with aiohttp.ClientSession() as session, session.post(url, json=fault) as answer:
            assert answer.ok, await answer.text()


@pytest_asyncio.fixture
async def demo():
    """Start `ses-relay demo` on free ports, and end it as Ctrl-C does."""
    ports = [word for name in ("smtp", "http", "ses") for word in (f"--{name}", "127.0.0.1:0")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "demo", *ports),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    said = ""
    async with asyncio.timeout(PATIENCE):
        while (found := READY.search(said)) is None:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()
    drained = asyncio.create_task(process.stdout.read())
    yield Demo(found["host"], int(found["port"]), found["ses"], found["http"])
    process.terminate()
    await asyncio.gather(process.wait(), drained)


async def look(page, name):
    """Leave pictures of the page, where somebody wants to look at them."""
    folder = os.environ.get("SES_RELAY_SCREENSHOTS")
    if folder is None:
        return
    for width, size in WIDTHS.items():
        await page.size(*size)
        for colours in ("light", "dark"):
            await page.colours(colours)
            file = Path(folder) / f"{name}-{width}-{colours}.png"
            file.write_bytes(await page.picture())
    await page.size(*WIDTHS["desktop"])


async def test_the_first_hour_on_the_dashboard(demo, tmp_path):
    async with browsing(tmp_path / "profile") as page:
        await page.size(*WIDTHS["desktop"])
        await page.open(f"{demo.http}/")
        await page.text("Nothing yet. Send a message to see it here.")
        await look(page, "1-empty")

        # It arrives by itself.
        await page.run("window.stillHere = true")
        assert await demo.send("First of all") is None
        await page.text("First of all")
        assert await page.run("window.stillHere") is True
        await look(page, "2-arrived")
        await page.click("a[href^='/inbox/']")
        await page.text("What SES was told")
        await look(page, "3-opened")

        # One that SES did not take waits; it is held and let go.
        await demo.fail_once()
        assert await demo.send("Second try") is None
        await page.open(f"{demo.http}/queue")
        await page.text("not now")
        await page.click("button[formaction='/queue/hold']")
        await page.text("1 held")
        await page.text("held on the dashboard")
        await page.shows("document.querySelector('td .pill').textContent", "held")
        await look(page, "4-held")
        await page.click("button[formaction='/queue/release']")
        await page.text("1 released")
        await page.text("No kept message fits.")
        await page.open(f"{demo.http}/")
        await page.text("Second try")
        await page.click("a[href^='/messages/']")
        await page.text("message.released")
        await look(page, "5-life")

        # A suppressed address gets nothing any more, until it is allowed again.
        await page.open(f"{demo.http}/suppression")
        await page.fill("input[name=address]", "gone@example.org")
        await page.fill("input[name=note]", "left in May")
        await page.click("form[action='/suppression/add'] button")
        await page.text("1 suppressed")
        await page.text("left in May")
        await look(page, "6-suppressed")
        code, words = await demo.send("Third", to="gone@example.org")
        assert (code, words) == (
            550,
            b"5.1.1 gone@example.org is on the suppression list (manual)",
        )
        await page.click("form[action='/suppression/remove'] button")
        await page.text("Every address gets mail.")
        assert await demo.send("Fourth", to="gone@example.org") is None

        # Nothing was loaded from elsewhere or refused by the policy of the pages.
        assert page.faults == []


async def test_a_user_and_its_mail_are_found_watched_and_held(demo, tmp_path):
    async with browsing(tmp_path / "profile") as page:
        await page.size(*WIDTHS["desktop"])
        await demo.send("For the newsletter", to="reader@example.org")
        await page.open(f"{demo.http}/")
        await page.text("1 recipient, 1 message")
        await page.click("a[href='/users/local']")
        await page.text("Mail of local")
        await page.text("too little to tell")
        await page.text("reader@example.org")

        # New mail stands there by itself.
        await page.run("window.stillHere = true")
        await demo.send("Another one", to="second@example.org")
        await page.text("second@example.org")
        assert await page.run("window.stillHere") is True
        await look(page, "7-user")

        # All of the user's mail waits, and goes when it is released.
        await page.fill("input[name=reason]", "wrong links")
        await page.click("form[action='/holds/hold'] button")
        await page.text("1 held")
        await page.text("somebody releases it")
        await demo.send_until_one_waits("third@example.org")
        await page.open(f"{demo.http}/users")
        await page.text("wrong links")
        await look(page, "8-users")
        await page.open(f"{demo.http}/queue")
        await page.text("user local is held: wrong links")
        await look(page, "9-held-user")

        # Where is my mail?
        await page.open(f"{demo.http}/")
        await page.fill("input[name=about]", "third@example.org")
        await page.click("form[action='/'] button")
        await page.text("matching “third@example.org”")
        await look(page, "10-found")
        await page.click("a[href^='/messages/']")
        await page.text("In the queue")
        await page.run("window.stillHere = true")
        released = await demo.api("holds/release", kind="user", name="local")
        assert released == {"released": True}
        await page.text("message.relayed")
        assert await page.run("window.stillHere") is True
        assert page.faults == []


async def test_a_thing_that_cannot_be_undone_is_asked_about(demo, tmp_path):
    async with browsing(tmp_path / "profile") as page:
        await demo.fail_once()
        assert await demo.send("To be dropped") is None
        await page.open(f"{demo.http}/queue")
        await page.text("not now")
        await page.run("window.asked = []; window.confirm = (words) => !asked.push(words)")
        await page.click("button[formaction='/queue/drop']")
        [asked] = await page.run("window.asked")
        assert "No bounce is sent" in asked
        assert await page.run("document.body.innerText.includes('not now')")
        await page.run("window.confirm = () => true")
        await page.click("button[formaction='/queue/drop']")
        await page.text("1 thrown away")


async def test_pages_fit_a_phone(demo, tmp_path):
    async with browsing(tmp_path / "profile") as page:
        await page.size(*WIDTHS["phone"])
        await demo.send("A subject that is rather long, as subjects are" + " and longer" * 5)
        for path in ("/", "/queue", "/users", "/users/local", "/suppression"):
            await page.open(f"{demo.http}{path}")
            width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await page.run(width) == 0, path


with contextlib.suppress(KeyError):
    Path(os.environ["SES_RELAY_SCREENSHOTS"]).mkdir(parents=True, exist_ok=True)
