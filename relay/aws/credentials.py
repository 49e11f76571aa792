"""Credentials that renew themselves, and once more on demand when SES calls them expired.

AWS facts: temporary credentials (role, container, instance, web identity) are fetched anew by
botocore before they end; what it cannot know is that they were revoked, or that a key in a file
was rotated. `renew` runs the whole credential chain again for those.

Errors: whatever goes wrong while credentials are fetched leaves as `CredentialRetrievalError`, so
that a refusal by STS is never taken for one by SES; none found at all is `NoCredentialsError`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiobotocore.credentials import (
    AioAssumeRoleCredentialFetcher,
    AioDeferredRefreshableCredentials,
)
from aiobotocore.session import AioSession
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError


class Source(Protocol):
    """What every kind of aiobotocore credentials can do."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Give the credentials of this moment, fetched anew when they are about to end."""
        ...


Load = Callable[[], Awaitable[Source | None]]


class RenewableCredentials:
    """What a client's signer asks for credentials, request by request.

    The chain is run at the first request, not before: a relay starts, and queues, while AWS
    cannot be reached.
    """

    method = "ses-relay"  # botocore reports it in the user agent

    def __init__(self, load: Load) -> None:
        self._load = load
        self._source: Source | None = None
        self._loading = asyncio.Lock()
        self._generation = 0

    @property
    def generation(self) -> int:
        """How often the chain was run; tells callers apart that failed with the same ones."""
        return self._generation

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Give what signs a request; named and called by botocore's signer."""
        if self._source is None:
            await self.renew(self._generation)
        source = self._source
        if source is None:
            raise NoCredentialsError
        try:
            return await source.get_frozen_credentials()
        except Exception as exc:
            raise CredentialRetrievalError(provider=self.method, error_msg=_words(exc)) from exc

    async def get_account_id(self) -> str | None:
        """Name the account where the credentials tell it; called by botocore's endpoint rules."""
        return (await self.get_frozen_credentials()).account_id

    def get_deferred_property(self, name: str) -> Callable[[], None]:
        """Know nothing that endpoint rules could ask for; SES's rules use no account id."""
        del name
        return lambda: None

    async def renew(self, generation: int) -> None:
        """Run the chain again, unless somebody did since `generation`."""
        async with self._loading:
            if generation != self._generation:
                return
            try:
                source = await self._load()
            except Exception as exc:
                raise CredentialRetrievalError(provider=self.method, error_msg=_words(exc)) from exc
            self._generation += 1
            # A chain that finds nothing now does not take away what worked until now.
            self._source = source or self._source

    async def load_credentials(self) -> "RenewableCredentials":
        """Stand in for a session's whole credential chain; named and called by the session."""
        return self


def assumed_role(
    session: AioSession, source: Source, role_arn: str, external_id: str | None
) -> Source:
    """Give credentials of a role, assumed with `source` and assumed again before they end."""
    extra = {"RoleSessionName": "ses-relay"}
    if external_id is not None:
        extra["ExternalId"] = external_id
    fetcher = AioAssumeRoleCredentialFetcher(
        session.create_client,  # type: ignore[arg-type]  # the stub expects the synchronous client
        source,
        role_arn,
        extra_args=extra,
    )
    credentials: Source = AioDeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return credentials


def _words(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}"
