"""The operations of the v2 API (REST-JSON, 2019-09-27) that mail code uses.

SES facts: botocore service model `sesv2` 2019-09-27: paths, members, results, errors. Lists of
identities and configuration sets moved from GET on the collection to a POST path of their own
between two botocore releases; both are served.

Errors: none; each operation returns its result as a dictionary or a `Refusal`.
"""

import binascii
from collections.abc import Callable
from dataclasses import dataclass

from . import refusal, suppression
from .account import Account
from .call import Call, page
from .document import Document
from .identities import covering
from .refusal import Refusal
from .service import Service
from .submission import Arns, Submission
from .topic import TOPIC, topic_arn

Result = dict[str, object] | Refusal
Operation = Callable[[Service, Call], Result]


def send_email(service: Service, call: Call) -> Result:
    """SendEmail with Content.Raw; the other kinds of content are refused."""
    asked = call.body
    raw = _raw(asked)
    if isinstance(raw, Refusal):
        return raw
    if "EndpointId" in asked:
        return refusal.invalid("EndpointId is not modelled by this simulator.")
    destination = asked.inner("Destination")
    recipients = tuple(
        address
        for kind in ("ToAddresses", "CcAddresses", "BccAddresses")
        for address in destination.texts(kind)
    )
    submission = Submission(
        api="v2",
        raw=raw,
        source=asked.text("FromEmailAddress"),
        destinations=recipients or None,
        feedback_to=asked.text("FeedbackForwardingEmailAddress"),
        configuration_set=asked.text("ConfigurationSetName"),
        tags=tuple(
            (tag.text("Name") or "", tag.text("Value") or "") for tag in asked.inners("EmailTags")
        ),
        tenant=asked.text("TenantName"),
        contact_list=asked.inner("ListManagementOptions").text("ContactListName"),
        arns=Arns(
            author=asked.text("FromEmailAddressIdentityArn"),
            return_path=asked.text("FeedbackForwardingEmailAddressIdentityArn"),
        ),
    )
    if asked.faults:
        return refusal.unreadable(asked.faults[0])
    sent = service.send(submission, call.caller)
    return sent if isinstance(sent, Refusal) else {"MessageId": sent.id}


def _raw(asked: Document) -> bytes | Refusal:
    content = asked.inner("Content")
    if "Content" not in asked:
        return refusal.missing("content")
    if "Simple" in content or "Template" in content:
        return refusal.invalid("This simulator takes Content.Raw only, not Simple or Template.")
    written = content.inner("Raw").text("Data")
    if asked.faults:
        return refusal.unreadable(asked.faults[0])
    if written is None:
        return refusal.missing("content.raw.data")
    try:
        return binascii.a2b_base64(written, strict_mode=True)
    except ValueError:  # not base64, or not even ASCII
        return refusal.unreadable("Content.Raw.Data is not valid base64.")


def get_account(service: Service, _call: Call) -> Result:
    """GetAccount."""
    account = service.account
    return {
        "DedicatedIpAutoWarmupEnabled": True,
        "EnforcementStatus": account.enforcement.value,
        "ProductionAccessEnabled": not account.sandbox,
        "SendQuota": {
            "Max24HourSend": account.max_24_hour_send,
            "MaxSendRate": account.max_send_rate,
            "SentLast24Hours": float(service.usage.day.total(service.clock())),
        },
        "SendingEnabled": account.can_send,
        "SuppressionAttributes": {"SuppressedReasons": sorted(account.suppressed_reasons)},
        "VdmAttributes": {"VdmEnabled": "DISABLED"},
    }


def list_email_identities(service: Service, call: Call) -> Result:
    """ListEmailIdentities."""
    account = service.account
    listed = page(call, sorted(account.identities | account.unverified_identities))
    if isinstance(listed, Refusal):
        return listed
    shown: list[object] = [
        {
            "IdentityType": _identity_type(name),
            "IdentityName": name,
            "SendingEnabled": name in account.identities,
            "VerificationStatus": _status(account, name),
        }
        for name in listed.names
    ]
    return listed.result("EmailIdentities", shown)


def get_email_identity(service: Service, call: Call) -> Result:
    """GetEmailIdentity: Easy DKIM is on for every verified domain."""
    account, name = service.account, call.arguments[0]
    if name not in account.identities | account.unverified_identities:
        return refusal.absent(f"Email identity <{name}> does not exist.")
    signed = name in account.identities and "@" not in name
    found: dict[str, object] = {
        "IdentityType": _identity_type(name),
        "FeedbackForwardingStatus": True,
        "VerifiedForSendingStatus": name in account.identities,
        "VerificationStatus": _status(account, name),
        "DkimAttributes": {
            "SigningEnabled": signed,
            "Status": "SUCCESS" if signed else "NOT_STARTED",
            "SigningAttributesOrigin": "AWS_SES",
        },
        "Policies": {},
        "Tags": [],
    }
    if covering(name, account.mail_from_failing) is not None:
        found["MailFromAttributes"] = {
            "MailFromDomain": f"mail.{name.rpartition('@')[2]}",
            "MailFromDomainStatus": "FAILED",
            "BehaviorOnMxFailure": "REJECT_MESSAGE",
        }
    return found


def list_configuration_sets(service: Service, call: Call) -> Result:
    """ListConfigurationSets."""
    listed = page(call, sorted(service.account.configuration_sets))
    if isinstance(listed, Refusal):
        return listed
    return listed.result("ConfigurationSets", list(listed.names))


def get_configuration_set(service: Service, call: Call) -> Result:
    """GetConfigurationSet."""
    name = call.arguments[0]
    found = service.account.configuration_sets.get(name)
    if found is None:
        return refusal.configuration_set_absent(name)
    return {
        "ConfigurationSetName": name,
        "DeliveryOptions": {"TlsPolicy": "OPTIONAL"},
        "ReputationOptions": {"ReputationMetricsEnabled": False},
        "SendingOptions": {"SendingEnabled": found.sending_enabled},
        "Tags": [],
    }


def get_event_destinations(service: Service, call: Call) -> Result:
    """GetConfigurationSetEventDestinations: the topic, where the set tells of anything."""
    name = call.arguments[0]
    found = service.account.configuration_sets.get(name)
    if found is None:
        return refusal.configuration_set_absent(name)
    if not found.events:
        return {"EventDestinations": []}
    topic = topic_arn(call.caller.region, service.account.account_id)
    return {
        "EventDestinations": [
            {
                "Name": TOPIC,
                "Enabled": True,
                "MatchingEventTypes": sorted(found.events),
                "SnsDestination": {"TopicArn": topic},
            }
        ]
    }


def get_tenant(service: Service, call: Call) -> Result:
    """GetTenant."""
    name = call.body.text("TenantName")
    if name is None:
        return refusal.missing("tenantName")
    found = service.account.tenants.get(name)
    if found is None:
        return refusal.absent(f"Tenant <{name}> does not exist.")
    account_id, region = service.account.account_id, call.caller.region
    return {
        "Tenant": {
            "TenantName": name,
            "TenantId": f"tn-{name}",
            "TenantArn": f"arn:aws:ses:{region}:{account_id}:tenant/{name}/tn-{name}",
            "SendingStatus": found.status.value,
        }
    }


def _identity_type(name: str) -> str:
    return "EMAIL_ADDRESS" if "@" in name else "DOMAIN"


def _status(account: Account, name: str) -> str:
    return "SUCCESS" if name in account.identities else "PENDING"


@dataclass(frozen=True, slots=True)
class Route:
    """Where an operation lives: `{}` in the path is one argument."""

    method: str
    path: str
    name: str
    operation: Operation


SENDING = "SendEmail"
_SETS = "/v2/email/configuration-sets"
_ADDRESSES = "/v2/email/suppression/addresses"
ROUTES = (
    Route("POST", "/v2/email/outbound-emails", SENDING, send_email),
    Route("GET", "/v2/email/account", "GetAccount", get_account),
    Route("GET", "/v2/email/identities", "ListEmailIdentities", list_email_identities),
    Route("POST", "/v2/email/list-identities", "ListEmailIdentities", list_email_identities),
    Route("GET", "/v2/email/identities/{}", "GetEmailIdentity", get_email_identity),
    Route("GET", _SETS, "ListConfigurationSets", list_configuration_sets),
    Route(
        "POST",
        "/v2/email/list-configuration-sets",
        "ListConfigurationSets",
        list_configuration_sets,
    ),
    Route("GET", f"{_SETS}/{{}}", "GetConfigurationSet", get_configuration_set),
    Route(
        "GET",
        f"{_SETS}/{{}}/event-destinations",
        "GetConfigurationSetEventDestinations",
        get_event_destinations,
    ),
    Route("PUT", _ADDRESSES, "PutSuppressedDestination", suppression.put),
    Route("GET", _ADDRESSES, "ListSuppressedDestinations", suppression.listed),
    Route("GET", f"{_ADDRESSES}/{{}}", "GetSuppressedDestination", suppression.get),
    Route("DELETE", f"{_ADDRESSES}/{{}}", "DeleteSuppressedDestination", suppression.delete),
    Route("POST", "/v2/email/tenants/get", "GetTenant", get_tenant),
)
