"""A real browser, steered by its own debugging protocol: no driver and no library of its own.

Chromium is started without a window and told to open a debugging port of the system's choice,
whose address it writes into its profile. One connection to one page is enough for these tests.
"""

import asyncio
import base64
import itertools
import json
import shutil
from contextlib import asynccontextmanager

import aiohttp
from programs import missing

PATIENCE = 20.0  # real seconds until a test gives up
NAMES = ("chromium", "chromium-browser", "google-chrome")


class ScriptError(AssertionError):
    """The page's script raised."""


class Page:
    """One page: what a person would do with it, and what they would see."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.faults = []  # what the page's own scripts raised or the console was told

    async def tell(self, method, **params):
        """Make one call of the protocol and give its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            said = json.loads((await self._socket.receive()).data)
            if said.get("id") == number:
                assert "error" not in said, said["error"]
                return said["result"]
            if said["method"] == "Runtime.exceptionThrown":
                self.faults.append(said["params"]["exceptionDetails"])
            if said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.faults.append(said["params"]["entry"])
            if said["method"] == "Page.javascriptDialogOpening":
                await self.tell_later("Page.handleJavaScriptDialog", accept=True)

    async def tell_later(self, method, **params):
        """Make a call whose result nobody needs."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})

    async def run(self, script):
        """Run a script in the page and give its value."""
        result = await self.tell(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise ScriptError(result["exceptionDetails"]["exception"].get("description"))
        return result["result"].get("value")

    async def open(self, url):
        """Go to a page and wait until it is there."""
        await self.tell("Page.navigate", url=url)
        await self.shows("document.readyState === 'complete' && location.href", url)

    async def shows(self, script, wanted):
        """Wait until a script's value is the one wanted, or contains it."""

        def fits(value):
            return value == wanted or (isinstance(value, str) and str(wanted) in value)

        value = None
        try:
            async with asyncio.timeout(PATIENCE):
                while not fits(value := await self._while_moving(script)):  # noqa: ASYNC110 - nobody announces what a page shows
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{script} is {value!r}, not {wanted!r}") from None
        return value

    async def _while_moving(self, script):
        """Run a script on a page that may just be going away."""
        try:
            return await self.run(script)
        except AssertionError:
            return None

    async def text(self, wanted):
        """Wait until the page shows a text."""
        await self.shows("document.body.innerText", wanted)

    async def click(self, selector):
        """Click what a selector finds, as soon as it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.shows(f"{found} !== null", wanted=True)
        await self.run(f"{found}.click()")

    async def fill(self, selector, text):
        """Write into a field."""
        await self.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    async def size(self, width, height):
        """Give the window a size."""
        await self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    async def colours(self, scheme):
        """Ask for light or dark pages, as the person's system does."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.tell("Emulation.setEmulatedMedia", features=[feature])

    async def picture(self):
        """Take a picture of the whole page, as PNG."""
        shot = await self.tell("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def browsing(profile):
    """Start the browser with a profile folder of its own, and give its page."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing(f"none of {', '.join(NAMES)} is installed")
    started = await asyncio.create_subprocess_exec(
        program,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        *("--disable-extensions", "--mute-audio", "--remote-debugging-port=0"),
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(started, profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                [target] = [one for one in await answer.json() if one["type"] == "page"]
            connected = session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
            async with connected as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await page.tell(f"{domain}.enable")
                yield page
    finally:
        if started.returncode is None:
            started.terminate()
        await started.wait()


async def _port(started, file):
    async with asyncio.timeout(PATIENCE):
        while True:
            assert started.returncode is None, "the browser ended at once"
            if file.exists() and (lines := file.read_text().splitlines()):
                return lines[0]
            await asyncio.sleep(0.05)
