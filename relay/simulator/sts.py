"""The two STS operations that mail code needs: AssumeRole and GetCallerIdentity.

SES facts: botocore service model `sts` 2011-06-15. The credentials given out pass the
signature check until their end.

Errors: none; each operation returns its result's XML or a `Refusal`.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from . import refusal
from .query import Form, element, text_element
from .refusal import Refusal
from .service import Service
from .submission import Caller

VERSION = "2011-06-15"

_ROLE = re.compile(r"arn:[a-z0-9-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def assume_role(service: Service, form: Form, caller: Caller) -> str | Refusal:
    """AssumeRole: any role, or only those the account names, with their external ids."""
    role, session = form.text("RoleArn"), form.text("RoleSessionName")
    if role is None or session is None:
        return refusal.missing("roleArn" if role is None else "roleSessionName")
    if not _ROLE.fullmatch(role):
        return refusal.constraint("roleArn", "Member must be a role's ARN", role)
    if not _SESSION.fullmatch(session):
        return refusal.constraint(
            "roleSessionName",
            r"Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}",
            session,
        )
    written = form.text("DurationSeconds") or "3600"
    if not (written.isascii() and written.isdigit() and 900 <= int(written[:9]) <= 43_200):
        return refusal.constraint(
            "durationSeconds", "Member must have value between 900 and 43200", written
        )
    roles = service.account.roles
    if roles and (role not in roles or roles[role] not in (None, form.text("ExternalId"))):
        return refusal.not_permitted(
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
        )
    ends_at = service.signing_clock() + timedelta(seconds=int(written))
    access_key, key = service.keyring.open_session(role, session, ends_at)
    credentials = element(
        "Credentials",
        text_element("AccessKeyId", access_key),
        text_element("SecretAccessKey", key.secret),
        text_element("SessionToken", key.token or ""),
        text_element("Expiration", ends_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
    )
    user = element(
        "AssumedRoleUser",
        text_element("AssumedRoleId", key.user_id),
        text_element("Arn", key.arn),
    )
    return credentials + user


def get_caller_identity(_service: Service, _form: Form, caller: Caller) -> str | Refusal:
    """GetCallerIdentity."""
    return (
        text_element("Arn", caller.arn)
        + text_element("UserId", caller.user_id)
        + text_element("Account", caller.account_id)
    )


OPERATIONS: dict[str, Callable[[Service, Form, Caller], str | Refusal]] = {
    "AssumeRole": assume_role,
    "GetCallerIdentity": get_caller_identity,
}
