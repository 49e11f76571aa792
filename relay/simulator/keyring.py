"""The credentials the simulator accepts: the account's keys, and the sessions STS gave out."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_MOST_SESSIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A secret and whose it is. Sessions have a token and an end."""

    secret: str = field(repr=False)
    arn: str
    user_id: str
    token: str | None = field(default=None, repr=False)
    ends_at: datetime | None = None


class Keyring:
    """Access keys of one account. Sessions beyond 10,000 push out the oldest."""

    def __init__(self, account_id: str, credentials: Mapping[str, str]) -> None:
        self._account_id = account_id
        self._static: dict[str, Key] = {}
        self._sessions: OrderedDict[str, Key] = OrderedDict()
        self.change_credentials(account_id, credentials)

    def change_credentials(self, account_id: str, credentials: Mapping[str, str]) -> None:
        """Take these long-lived keys instead of those before; sessions go on."""
        self._account_id = account_id
        self._static = {
            access_key: Key(
                secret=secret,
                arn=f"arn:aws:iam::{account_id}:user/{access_key}",
                user_id=access_key,
            )
            for access_key, secret in credentials.items()
        }

    def find(self, access_key: str) -> Key | None:
        """The key of this id, ended or not."""
        return self._static.get(access_key) or self._sessions.get(access_key)

    def open_session(self, role: str, session: str, ends_at: datetime) -> tuple[str, Key]:
        """Give out temporary credentials for a role; returns the access key id with the key."""
        access_key = f"ASIA{secrets.token_hex(8).upper()}"
        role_name = role.rpartition("/")[2]
        key = Key(
            secret=secrets.token_urlsafe(30),
            arn=f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{role_name}/{session}",
            user_id=f"AROASIMULATOR:{session}",
            token=secrets.token_urlsafe(96),
            ends_at=ends_at,
        )
        self._sessions[access_key] = key
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return access_key, key
