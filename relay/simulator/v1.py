"""The operations of the v1 API (Query, 2010-12-01) that mail code uses.

SES facts: botocore service model `ses` 2010-12-01: members, results, errors.

Errors: none; each operation returns its result's XML or a `Refusal`.
"""

from collections.abc import Callable

from . import refusal
from .account import ConfigurationSet
from .query import Form, element, list_element, text_element
from .refusal import Refusal
from .service import Service
from .submission import Arns, Caller, Submission, Tags
from .topic import TOPIC, topic_arn

VERSION = "2010-12-01"
_MOST_ITEMS = 1_000
# The types of events that v1 has a word for; it was not taught those that came later.
_V1_TYPES = {
    **{one: one.lower() for one in ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN")},
    "CLICK": "click",
    "RENDERING_FAILURE": "renderingFailure",
}


def send_raw_email(service: Service, form: Form, caller: Caller) -> str | Refusal:
    """SendRawEmail."""
    raw = form.blob("RawMessage.Data")
    if raw is None:
        return refusal.missing("rawMessage")
    if isinstance(raw, Refusal):
        return raw
    tags = _tags(form)
    if isinstance(tags, Refusal):
        return tags
    sent = service.send(
        Submission(
            api="v1",
            raw=raw,
            source=form.text("Source"),
            destinations=form.members("Destinations"),
            configuration_set=form.text("ConfigurationSetName"),
            tags=tags,
            arns=Arns(
                source=form.text("SourceArn"),
                author=form.text("FromArn"),
                return_path=form.text("ReturnPathArn"),
            ),
        ),
        caller,
    )
    return sent if isinstance(sent, Refusal) else text_element("MessageId", sent.id)


def get_send_quota(service: Service, _form: Form, _caller: Caller) -> str | Refusal:
    """GetSendQuota."""
    account = service.account
    return (
        text_element("Max24HourSend", str(account.max_24_hour_send))
        + text_element("MaxSendRate", str(account.max_send_rate))
        + text_element("SentLast24Hours", str(float(service.usage.day.total(service.clock()))))
    )


def get_account_sending_enabled(service: Service, _form: Form, _caller: Caller) -> str | Refusal:
    """GetAccountSendingEnabled."""
    return text_element("Enabled", _truth(value=service.account.can_send))


def list_identities(service: Service, form: Form, _caller: Caller) -> str | Refusal:
    """ListIdentities."""
    account = service.account
    kind = form.text("IdentityType")
    if kind not in (None, "EmailAddress", "Domain"):
        return refusal.constraint(
            "identityType", "Member must satisfy enum value set: [EmailAddress, Domain]", kind
        )
    named = sorted(account.identities | account.unverified_identities)
    if kind is not None:
        named = [name for name in named if ("@" in name) == (kind == "EmailAddress")]
    page = _page(form, named)
    if isinstance(page, Refusal):
        return page
    return _listed("Identities", [_text(name) for name in page[0]], page[1])


def get_identity_verification_attributes(
    service: Service, form: Form, _caller: Caller
) -> str | Refusal:
    """GetIdentityVerificationAttributes."""
    return _attributes(
        "VerificationAttributes",
        {
            name: text_element("VerificationStatus", "Success" if verified else "Pending")
            for name, verified in _known(service, form)
        },
    )


def get_identity_dkim_attributes(service: Service, form: Form, _caller: Caller) -> str | Refusal:
    """GetIdentityDkimAttributes: Easy DKIM is on for every verified domain."""
    entries: dict[str, str] = {}
    for name, verified in _known(service, form):
        signed = verified and "@" not in name
        status = "Success" if signed else "NotStarted"
        entries[name] = text_element("DkimEnabled", _truth(value=signed)) + text_element(
            "DkimVerificationStatus", status
        )
    return _attributes("DkimAttributes", entries)


def list_configuration_sets(service: Service, form: Form, _caller: Caller) -> str | Refusal:
    """ListConfigurationSets."""
    page = _page(form, sorted(service.account.configuration_sets))
    if isinstance(page, Refusal):
        return page
    return _listed("ConfigurationSets", [text_element("Name", name) for name in page[0]], page[1])


def describe_configuration_set(service: Service, form: Form, caller: Caller) -> str | Refusal:
    """DescribeConfigurationSet: the name, and what is asked for of the rest."""
    name = form.text("ConfigurationSetName")
    if name is None:
        return refusal.missing("configurationSetName")
    found = service.account.configuration_sets.get(name)
    if found is None:
        return refusal.configuration_set_absent(name)
    described = element("ConfigurationSet", text_element("Name", name))
    asked = form.members("ConfigurationSetAttributeNames") or ()
    if "eventDestinations" in asked:
        described += element("EventDestinations", *_destinations(found, service, caller))
    if "reputationOptions" in asked:
        enabled = text_element("SendingEnabled", _truth(value=found.sending_enabled))
        described += element("ReputationOptions", enabled)
    return described


def _destinations(found: ConfigurationSet, service: Service, caller: Caller) -> list[str]:
    """Describe the topic; v1 does not know all types of events that v2 knows."""
    types = [_V1_TYPES[one] for one in sorted(found.events & _V1_TYPES.keys())]
    if not types:
        return []
    topic = text_element("TopicARN", topic_arn(caller.region, service.account.account_id))
    described = element(
        "member",
        text_element("Name", TOPIC),
        text_element("Enabled", "true"),
        list_element("MatchingEventTypes", types),
        element("SNSDestination", topic),
    )
    return [described]


Operation = Callable[[Service, Form, Caller], str | Refusal]

SENDING = "SendRawEmail"
OPERATIONS: dict[str, Operation] = {
    SENDING: send_raw_email,
    "GetSendQuota": get_send_quota,
    "GetAccountSendingEnabled": get_account_sending_enabled,
    "ListIdentities": list_identities,
    "GetIdentityVerificationAttributes": get_identity_verification_attributes,
    "GetIdentityDkimAttributes": get_identity_dkim_attributes,
    "ListConfigurationSets": list_configuration_sets,
    "DescribeConfigurationSet": describe_configuration_set,
}


def _tags(form: Form) -> Tags | Refusal:
    tags: list[tuple[str, str]] = []
    while True:
        place = f"Tags.member.{len(tags) + 1}"
        name, value = form.text(f"{place}.Name"), form.text(f"{place}.Value")
        if name is None and value is None:
            return tuple(tags)
        if name is None or value is None:
            lacking = "name" if name is None else "value"
            return refusal.missing(f"tags.{len(tags) + 1}.member.{lacking}")
        tags.append((name, value))


def _known(service: Service, form: Form) -> list[tuple[str, bool]]:
    """The identities asked about that exist, with whether they are verified."""
    account = service.account
    asked = form.members("Identities") or ()
    return [
        (name, name in account.identities)
        for name in dict.fromkeys(asked)
        if name in account.identities or name in account.unverified_identities
    ]


def _page(form: Form, names: list[str]) -> tuple[list[str], str | None] | Refusal:
    """One page, and the token of the next; tokens are offsets."""
    most, token = form.text("MaxItems") or str(_MOST_ITEMS), form.text("NextToken") or "0"
    if not (most.isascii() and most.isdigit() and 1 <= int(most[:9]) <= _MOST_ITEMS):
        return refusal.invalid(f"MaxItems must be between 1 and {_MOST_ITEMS}.")
    if not (token.isascii() and token.isdigit() and int(token[:9]) <= len(names)):
        return refusal.invalid("Invalid NextToken.")
    start, end = int(token), int(token) + int(most)
    return names[start:end], str(end) if end < len(names) else None


def _listed(name: str, members: list[str], next_token: str | None) -> str:
    following = "" if next_token is None else text_element("NextToken", next_token)
    return list_element(name, members) + following


def _attributes(name: str, entries: dict[str, str]) -> str:
    return element(
        name,
        *(
            element("entry", text_element("key", key), element("value", value))
            for key, value in entries.items()
        ),
    )


def _text(text: str) -> str:
    return text_element("x", text)[3:-4]


def _truth(*, value: bool) -> str:
    return "true" if value else "false"
