"""Events as SES writes them, in both formats, for tests."""

import json

AT = "2026-11-21T12:00:30.000Z"
SENT = "2026-11-21T12:00:00.000Z"
QUEUE_ID, USER, SES_ID = "q1", "tickets", "0102-1-000000"


def mail(destinations=("x@example.org",), *, ses_id=SES_ID, tags=None, sent=SENT, headers=()):
    told = {
        "timestamp": sent,
        "messageId": ses_id,
        "source": "Tickets <t@example.com>",
        "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/example.com",
        "sendingAccountId": "123456789012",
        "destination": list(destinations),
    }
    if tags is not None:
        told |= {
            "tags": {name: [value] for name, value in tags.items()},
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, value in headers],
        }
    return told


OURS = {"relay-queue-id": QUEUE_ID, "relay-user": USER}


def event(kind, said, *, tags=OURS, **about):
    """Write one event: of a configuration set where it has tags, else of an identity."""
    word = "eventType" if tags is not None else "notificationType"
    name = {"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    return json.dumps({word: kind, name: said, "mail": mail(tags=tags, **about)})


def bounce(
    kind="Permanent/General",
    *recipients,
    feedback_id="F1",
    at=AT,
    status="5.1.1",
    diagnostic="smtp; 550 5.1.1 nobody here",
    **about,
):
    recipients = recipients or ("x@example.org",)
    bounce_type, _, subtype = kind.partition("/")
    said = {
        "bounceType": bounce_type,
        "bounceSubType": subtype,
        "bouncedRecipients": [
            {
                "emailAddress": one,
                "action": "failed",
                "status": status,
                "diagnosticCode": diagnostic,
            }
            for one in recipients
        ],
        "timestamp": at,
        "feedbackId": feedback_id,
        "reportingMTA": "dsn; a1.example.net",
    }
    return event("Bounce", said, destinations=about.pop("destinations", recipients), **about)


def complaint(*recipients, feedback_id="C1", feedback="abuse", subtype=None, at=AT, **about):
    recipients = recipients or ("x@example.org",)
    said = {
        "complainedRecipients": [{"emailAddress": one} for one in recipients],
        "timestamp": at,
        "feedbackId": feedback_id,
        "complaintSubType": subtype,
        "complaintFeedbackType": feedback,
    }
    return event("Complaint", said, destinations=about.pop("destinations", recipients), **about)


def delivery(*recipients, at=AT, **about):
    recipients = recipients or ("x@example.org",)
    said = {
        "timestamp": at,
        "processingTimeMillis": 500,
        "recipients": list(recipients),
        "smtpResponse": "250 2.0.0 thank you",
        "reportingMTA": "a1.example.net",
    }
    return event("Delivery", said, destinations=recipients, **about)


def wrapped(message, **more):
    """Put an event into SNS's envelope."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92",
            "TopicArn": "arn:aws:sns:eu-west-1:123456789012:ses-events",
            "Message": message,
            "Timestamp": AT,
            **more,
        }
    )
