"""What an endpoint of the topic fetches from SNS: the certificate, and what confirms or ends.

SNS facts: SNS API reference, ConfirmSubscription and Unsubscribe; as SubscribeURL and
UnsubscribeURL both are GET requests that nobody signs. The answers are XML.

Errors: none; None is a request that is not for SNS.
"""

from urllib.parse import parse_qs
from uuid import uuid4

from . import query, refusal
from .exchange import Answer, HttpRequest
from .service import Service
from .topic import CERTIFICATE

_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"


def respond(service: Service, request: HttpRequest) -> Answer | None:
    """Answer what an endpoint asks."""
    topic, now = service.publisher.topic, service.clock()
    if request.path == CERTIFICATE:
        kind = ("Content-Type", "application/x-x509-ca-cert")
        return Answer(200, (kind,), topic.signer(now).certificate)
    if request.path != "/":
        return None
    asked = {name: values[-1] for name, values in parse_qs(request.query).items()}
    match asked.get("Action"):
        case "ConfirmSubscription":
            found = topic.confirm(asked.get("TopicArn", ""), asked.get("Token", ""))
            inside = "" if found is None else query.text_element("SubscriptionArn", found.arn)
        case "Unsubscribe":
            found, inside = topic.unsubscribe(asked.get("SubscriptionArn", ""), now), ""
        case _:
            return None
    if found is None:
        return query.error(refusal.invalid("Invalid token"), _NAMESPACE, str(uuid4()))
    return query.result(asked["Action"], _NAMESPACE, str(uuid4()), inside)
