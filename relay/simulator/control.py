"""The simulator's own paths, /_simulator/…: what tests read, set and script.

Unsigned, JSON, and no part of SES. Lists are bare JSON lists; what belongs beside them stands
in headers. A wrong request changes nothing and is answered 400 with one sentence that names
every fault.

Errors: none; faults are answered.
"""

import base64
from collections.abc import Callable

from . import narration, scripting, settings
from .document import parse
from .events import Incident
from .exchange import Answer, HttpRequest, json_answer
from .faults import Script
from .mailbox import Message
from .service import Service

_Control = Callable[[Service, Script, HttpRequest], Answer]


def respond(service: Service, faults: Script, request: HttpRequest) -> Answer:
    """Answer one control request."""
    methods = _PATHS.get(request.path)
    if methods is None:
        return _sentence(404, f"no such path; there are {', '.join(sorted(_PATHS))}")
    found = methods.get(request.method)
    if found is None:
        return _sentence(405, f"{request.path} takes {', '.join(sorted(methods))}")
    return found(service, faults, request)


def _messages(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    mailbox = service.mailbox
    return json_answer(
        200,
        [_shown_message(message) for message in mailbox.messages()],
        ("X-Simulator-Dropped", str(mailbox.dropped)),
    )


def _forget_messages(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    service.mailbox.clear()
    return _empty()


def _account(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    return json_answer(200, settings.shown(service))


def _change_account(service: Service, _faults: Script, request: HttpRequest) -> Answer:
    asked = parse(request.body)
    if isinstance(asked, str):
        return _sentence(400, asked)
    sentence = settings.change(service, asked)
    return json_answer(200, settings.shown(service)) if sentence is None else _wrong(sentence)


def _pending_faults(_service: Service, faults: Script, _request: HttpRequest) -> Answer:
    return json_answer(200, [scripting.shown(fault) for fault in faults.pending()])


def _add_fault(_service: Service, faults: Script, request: HttpRequest) -> Answer:
    fault = scripting.read(request.body)
    if isinstance(fault, str):
        return _wrong(fault)
    sentence = faults.add(fault)
    return json_answer(201, scripting.shown(fault)) if sentence is None else _wrong(sentence)


def _forget_faults(_service: Service, faults: Script, _request: HttpRequest) -> Answer:
    faults.clear()
    return _empty()


def _events(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    publisher = service.publisher
    return json_answer(
        200,
        [narration.shown_event(one) for one in publisher.published],
        ("X-Simulator-Dropped", str(publisher.queue.dropped)),
    )


def _tell_event(service: Service, _faults: Script, request: HttpRequest) -> Answer:
    told = narration.read_event(request.body, service.mailbox)
    if isinstance(told, str):
        return _wrong(told)
    now = service.clock()
    message, fate, recipients = told
    incident = Incident.of(message, fate, recipients, now)
    service.publisher.tell(incident, service.account, now)
    return _empty()


def _forget_events(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    service.publisher.published.clear()
    service.publisher.queue.clear()
    service.publisher.topic.clear()
    return _empty()


def _fates(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    return json_answer(
        200, [narration.shown_fate(one) for one in service.publisher.fates.pending()]
    )


def _add_fate(service: Service, _faults: Script, request: HttpRequest) -> Answer:
    fate = narration.read_fate(request.body)
    if isinstance(fate, str):
        return _wrong(fate)
    sentence = service.publisher.fates.add(fate)
    return json_answer(201, narration.shown_fate(fate)) if sentence is None else _wrong(sentence)


def _forget_fates(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    service.publisher.fates.clear()
    return _empty()


def _publishing(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    return json_answer(200, narration.shown_publishing(service.publisher.options))


def _change_publishing(service: Service, _faults: Script, request: HttpRequest) -> Answer:
    changed = narration.read_publishing(request.body, service.publisher.options)
    if isinstance(changed, str):
        return _wrong(changed)
    service.publisher.change(changed)
    return json_answer(200, narration.shown_publishing(changed))


def _subscriptions(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    topic = service.publisher.topic
    return json_answer(200, [narration.shown_subscription(one) for one in topic.subscriptions])


def _subscribe(service: Service, _faults: Script, request: HttpRequest) -> Answer:
    here = f"http://{request.value('Host') or 'localhost'}"
    asked = narration.read_subscription(request.body, here, service.account.account_id)
    if isinstance(asked, str):
        return _wrong(asked)
    made = service.publisher.topic.subscribe(asked, service.clock())
    return json_answer(201, narration.shown_subscription(made))


def _unsubscribe(service: Service, _faults: Script, _request: HttpRequest) -> Answer:
    topic = service.publisher.topic
    for one in topic.subscriptions:
        topic.unsubscribe(one.arn, service.clock())
    return _empty()


_PATHS: dict[str, dict[str, _Control]] = {
    "/_simulator/messages": {"GET": _messages, "DELETE": _forget_messages},
    "/_simulator/account": {"GET": _account, "PUT": _change_account},
    "/_simulator/faults": {"GET": _pending_faults, "POST": _add_fault, "DELETE": _forget_faults},
    "/_simulator/events": {"GET": _events, "POST": _tell_event, "DELETE": _forget_events},
    "/_simulator/fates": {"GET": _fates, "POST": _add_fate, "DELETE": _forget_fates},
    "/_simulator/subscriptions": {
        "GET": _subscriptions,
        "POST": _subscribe,
        "DELETE": _unsubscribe,
    },
    "/_simulator/publishing": {"GET": _publishing, "PUT": _change_publishing},
}


def _shown_message(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "api": message.api,
        "accepted_at": message.accepted_at.isoformat(),
        "region": message.region,
        "caller": message.caller_arn,
        "source": message.source,
        "destinations": list(message.destinations),
        "raw": base64.b64encode(message.raw).decode("ascii"),
        "delivered": base64.b64encode(message.delivered).decode("ascii"),
        "configuration_set": message.configuration_set,
        "tags": dict(message.tags),
        "tenant": message.tenant,
        "infected": message.infected,
    }


def _wrong(sentence: str) -> Answer:
    return _sentence(400, sentence)


def _sentence(status: int, sentence: str) -> Answer:
    return json_answer(status, {"error": sentence})


def _empty() -> Answer:
    return Answer(204, (), b"")
