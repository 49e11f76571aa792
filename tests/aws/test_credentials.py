"""Credentials: found late, renewed once for all who ask, and their faults kept apart from SES's."""

import asyncio

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, CredentialRetrievalError, NoCredentialsError

from relay.aws.credentials import RenewableCredentials


class Fixed:
    def __init__(self, key):
        self._frozen = ReadOnlyCredentials(key, "secret", None, "123")

    async def get_frozen_credentials(self):
        return self._frozen


class Broken:
    async def get_frozen_credentials(self):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")


def chain(*sources):
    left = list(sources)

    async def load():
        await asyncio.sleep(0)
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return RenewableCredentials(load)


async def key_of(credentials):
    return (await credentials.get_frozen_credentials()).access_key


async def test_the_chain_runs_at_the_first_request_and_once():
    credentials = chain(Fixed("A"))
    assert credentials.generation == 0
    assert await asyncio.gather(*[key_of(credentials) for _ in range(5)]) == ["A"] * 5
    assert credentials.generation == 1
    assert await credentials.get_account_id() == "123"


async def test_all_who_failed_with_the_same_credentials_share_one_renewal():
    credentials = chain(Fixed("A"), Fixed("B"))
    await key_of(credentials)
    await asyncio.gather(*[credentials.renew(1) for _ in range(5)])
    assert await key_of(credentials) == "B"
    assert credentials.generation == 2


async def test_no_credentials_are_looked_for_again_at_the_next_request():
    credentials = chain(None, Fixed("A"))
    with pytest.raises(NoCredentialsError):
        await key_of(credentials)
    assert await key_of(credentials) == "A"


async def test_a_renewal_that_finds_nothing_keeps_what_there_was():
    credentials = chain(Fixed("A"), None)
    await key_of(credentials)
    await credentials.renew(1)
    assert await key_of(credentials) == "A"


async def test_a_refusal_by_sts_is_never_taken_for_one_by_ses():
    credentials = chain(Broken())
    with pytest.raises(CredentialRetrievalError, match="AccessDenied"):
        await key_of(credentials)


async def test_a_chain_that_breaks_down_can_be_run_again():
    credentials = chain(OSError("metadata service away"), Fixed("A"))
    with pytest.raises(CredentialRetrievalError, match="metadata service away"):
        await key_of(credentials)
    assert await key_of(credentials) == "A"
