"""Posts what is due to the endpoints of the topic: all that the simulator does by itself.

Errors: none; an endpoint that cannot be reached is posted to again.
"""

import asyncio

from aiohttp import ClientError, ClientSession, ClientTimeout

from .service import Service
from .topic import PATIENCE_S, Post

_AT_ONCE = 10
_LOOK_EACH_S = 0.02


async def post_for_ever(service: Service) -> None:
    """Post until cancelled."""
    topic, wake = service.publisher.topic, asyncio.Event()
    topic.when_put = wake.set
    async with ClientSession(timeout=ClientTimeout(total=PATIENCE_S)) as session:
        while True:
            wake.clear()
            posts = topic.take(_AT_ONCE, service.clock())
            if posts:
                await asyncio.gather(*(_post(service, session, one) for one in posts))
            elif topic.waiting():  # the clock may be a test's: nobody says when it moves
                await asyncio.sleep(_LOOK_EACH_S)
            else:
                await wake.wait()


async def _post(service: Service, session: ClientSession, one: Post) -> None:
    status: int | None = None
    try:
        async with session.post(
            one.subscription.endpoint,
            data=one.body.encode(),
            headers=one.headers,
            allow_redirects=False,
        ) as answer:
            status, words = answer.status, f"HTTP {answer.status}"
    except (ClientError, OSError, TimeoutError) as error:
        words = f"{type(error).__name__}: {error}"
    service.publisher.topic.answered(one, status, words, service.clock())
