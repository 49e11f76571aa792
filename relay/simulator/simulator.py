"""The simulator as one object: an HTTP request in, what SES would do out.

No network and no waiting here; `app` serves it, tests may call it directly. The order for a
request to the APIs is AWS's as far as it shows: protocol and signature, then the operation's
name, then (ours) a scripted fault, then the operation itself.

SES facts: both APIs share one host and one signing name; v1 and STS speak Query on POST /,
told apart by their Version; v2 speaks REST-JSON under /v2/. Every answer carries
x-amzn-RequestId, a REST error x-amzn-ErrorType.

Errors: none; a fault of our own is logged with its traceback and answered InternalFailure.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from . import control, query, refusal, sqs, sts, subscribing, v1, v2
from .account import Account
from .call import Call
from .document import parse
from .exchange import Answer, Answered, Cut, HttpRequest, LongPoll, Played, json_answer
from .faults import Consequence, Delay, Drop, Fail, Script
from .mailbox import Mailbox
from .refusal import Refusal
from .service import Clock, Service, utc_now
from .sigv4 import verify
from .submission import Caller

_log = logging.getLogger(__name__)

# The patterns of the v2 paths, most specific first as the routes are written.
_ROUTES = tuple(
    (route, re.compile(re.escape(route.path).replace(r"\{\}", "([^/]+)"))) for route in v2.ROUTES
)

# How an operation is done and how its errors look, once it is known which one is meant.
_Done = Callable[[], Answer]
_Refused = Callable[[Refusal], Answer]


class Simulator:
    """A double of Amazon SES: account, accepted messages, scripted faults."""

    def __init__(
        self,
        account: Account | None = None,
        *,
        clock: Clock = utc_now,
        signing_clock: Clock = utc_now,
        mailbox: Mailbox | None = None,
    ) -> None:
        """Start with an account.

        Args:
            account: its state; by default production access with example.com verified.
            clock: what rate, quota and acceptance times go by.
            signing_clock: what signatures and sessions go by; real clients sign real time.
            mailbox: where accepted messages are kept; by default 1,000 or 256 MiB of them.
        """
        self.service = Service(
            account or Account(), clock=clock, signing_clock=signing_clock, mailbox=mailbox
        )
        self.faults = Script()

    @property
    def account(self) -> Account:
        """The account as it stands."""
        return self.service.account

    @account.setter
    def account(self, account: Account) -> None:
        self.service.account = account

    @property
    def mailbox(self) -> Mailbox:
        """The accepted messages."""
        return self.service.mailbox

    def respond(self, request: HttpRequest) -> Played:
        """Let a request have its effect, and say what goes back and when."""
        try:
            if request.path.startswith("/_simulator/"):
                return Answered(control.respond(self.service, self.faults, request))
            if request.method == "GET" and (page := subscribing.respond(self.service, request)):
                return Answered(page)
            request_id = str(uuid4())
            played = self._api(request, request_id)
        except Exception:  # noqa: BLE001 - a server's last resort; AWS answers likewise
            _log.exception("simulator failed on %s %s", request.method, request.path)
            return Answered(self.refuse(request.path, refusal.internal()))
        if isinstance(played, Cut | LongPoll):
            return played
        headers = (*played.answer.headers, ("x-amzn-RequestId", request_id))
        return replace(played, answer=replace(played.answer, headers=headers))

    def refuse(self, path: str, why: Refusal) -> Answer:
        """Refuse a request of which nothing but its path is known, in that path's protocol."""
        if path == "/":
            return query.error(why, query.SES_NAMESPACE, str(uuid4()))
        return _rest_error(why)

    def _api(self, request: HttpRequest, request_id: str) -> Played:
        if (target := request.value("X-Amz-Target") or "").startswith(sqs.PREFIX):
            return self._sqs(request, target.removeprefix(sqs.PREFIX))
        if request.path == "/" and request.method == "POST":
            return self._query(request, request_id)
        return self._rest(request)

    def _query(self, request: HttpRequest, request_id: str) -> Played:
        form = query.read_form(request.body)
        action, version = form.text("Action") or "", form.text("Version") or ""
        of_sts = version == sts.VERSION
        namespace = query.STS_NAMESPACE if of_sts else query.SES_NAMESPACE

        def refused(why: Refusal) -> Answer:
            return query.error(why, namespace, request_id)

        caller = self._caller(request, "sts" if of_sts else "ses")
        if isinstance(caller, Refusal):
            return Answered(refused(caller))
        operations: Mapping[str, v1.Operation] = sts.OPERATIONS if of_sts else v1.OPERATIONS
        operation = operations.get(action) if version in (sts.VERSION, v1.VERSION) else None
        if operation is None:
            return Answered(refused(refusal.unknown_action(action, version)))

        def done() -> Answer:
            if not of_sts and action != v1.SENDING:
                throttled = self.service.control_call(action, caller)
                if throttled is not None:
                    return refused(throttled)
            outcome = operation(self.service, form, caller)
            if isinstance(outcome, Refusal):
                return refused(outcome)
            return query.result(action, namespace, request_id, outcome)

        return _play(self.faults.take(action), done, refused)

    def _sqs(self, request: HttpRequest, action: str) -> Played:
        caller = self._caller(request, "sqs")
        if isinstance(caller, Refusal):
            return Answered(sqs.error(caller))
        operation = sqs.OPERATIONS.get(action)
        asked = parse(request.body)
        if operation is None:
            return Answered(sqs.error(refusal.unknown_action(action, "2012-11-05")))
        if isinstance(asked, str):
            return Answered(sqs.error(refusal.unreadable(asked)))

        def ask() -> tuple[Answer, bool]:
            outcome = sqs.no_such_queue(asked) or operation(self.service, asked, caller)
            if isinstance(outcome, Refusal):
                return sqs.error(outcome), True
            return json_answer(200, outcome), bool(outcome)

        waits = action == sqs.RECEIVING and sqs.wait_s(asked) > 0
        return LongPoll(ask, sqs.wait_s(asked)) if waits else Answered(ask()[0])

    def _rest(self, request: HttpRequest) -> Played:
        caller = self._caller(request, "ses")
        if isinstance(caller, Refusal):
            return Answered(_rest_error(caller))
        found = _route(request)
        if found is None:
            return Answered(_rest_error(refusal.unknown_action(request.path, "2019-09-27")))
        route, arguments = found

        def done() -> Answer:
            if route.name != v2.SENDING:
                throttled = self.service.control_call(route.name, caller)
                if throttled is not None:
                    return _rest_error(throttled)
            body = parse(request.body)
            if isinstance(body, str):
                return _rest_error(refusal.unreadable(body))
            parameters = parse_qs(request.query, keep_blank_values=True)
            call = Call(arguments=arguments, query=parameters, body=body, caller=caller)
            outcome = route.operation(self.service, call)
            if isinstance(outcome, Refusal):
                return _rest_error(outcome)
            return json_answer(200, outcome)

        return _play(self.faults.take(route.name), done, _rest_error)

    def _caller(self, request: HttpRequest, signing_name: str) -> Caller | Refusal:
        service = self.service
        return verify(request, service.keyring, signing_name, service.signing_clock())


def _play(fault: Consequence | None, done: _Done, refused: _Refused) -> Played:
    match fault:
        case None:
            return Answered(done())
        case Fail():
            return Answered(refused(fault.refusal))
        case Delay(delay_s=delay_s):
            return Answered(done(), delay_s)
        case Drop(when="before"):
            return Cut()
        case Drop():
            done()
            return Cut()
        case _:
            assert_never(fault)


def _route(request: HttpRequest) -> tuple[v2.Route, tuple[str, ...]] | None:
    for route, pattern in _ROUTES:
        if route.method == request.method and (found := pattern.fullmatch(request.path)):
            return route, tuple(unquote(argument) for argument in found.groups())
    return None


def _rest_error(refused: Refusal) -> Answer:
    return json_answer(
        refused.rest_status,
        {"message": refused.message},
        ("x-amzn-ErrorType", refused.rest_code),
    )
