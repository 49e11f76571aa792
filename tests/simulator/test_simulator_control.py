"""The control paths in process; their settings and scripted faults in JSON."""

import base64
import json

import pytest

from relay.simulator import HttpRequest


@pytest.fixture
def control(simulator):
    def call(method, path, document=None, *, body=None):
        body = body or (b"" if document is None else json.dumps(document).encode())
        answer = simulator.respond(HttpRequest(method, f"/_simulator/{path}", body=body)).answer
        return answer.status, json.loads(answer.body) if answer.body else None

    return call


def test_messages_are_listed_and_forgotten(control, send, simulator):
    message = send.accepted(tags=(("app", "x"),), destinations=("B <b@y.example>",))
    status, listed = control("GET", "messages")
    assert status == 200
    assert listed == [
        {
            "id": message.id,
            "api": "v1",
            "accepted_at": "2026-01-01T00:00:00+00:00",
            "region": "eu-west-1",
            "caller": "arn:aws:iam::123456789012:user/simulator",
            "source": "a@example.com",
            "destinations": ["b@y.example"],
            "raw": base64.b64encode(message.raw).decode(),
            "delivered": base64.b64encode(message.delivered).decode(),
            "configuration_set": None,
            "tags": {"app": "x"},
            "tenant": None,
            "infected": False,
        }
    ]
    assert control("DELETE", "messages") == (204, None)
    assert control("GET", "messages") == (200, [])
    answer = simulator.respond(HttpRequest("GET", "/_simulator/messages")).answer
    assert ("X-Simulator-Dropped", "0") in answer.headers


EVERYTHING = {
    "account_id": "210987654321",
    "max_send_rate": 2.5,
    "max_24_hour_send": -1.0,
    "sent_last_24_hours": 7,
    "sandbox": True,
    "sending_enabled": False,
    "enforcement": "PROBATION",
    "identities": ["a@x.example", "example.net"],
    "unverified_identities": ["new.example"],
    "mail_from_failing": ["example.net"],
    "delegated": ["arn:aws:ses:eu-west-1:1:identity/x.example"],
    "configuration_sets": {"app": {"sending_enabled": False, "events": ["BOUNCE", "OPEN"]}},
    "tenants": {
        "t": {"status": "DISABLED", "identities": ["example.net"], "configuration_sets": ["app"]}
    },
    "suppressed": {"Dead@x.example": "COMPLAINT"},
    "suppressed_reasons": ["COMPLAINT"],
    "denied": [{"action": "ses:*", "resource": "*"}],
    "roles": {"arn:aws:iam::123456789012:role/r": "external", "arn:aws:iam::1:role/s": None},
    "bare_line_feeds": True,
}


def test_what_is_shown_may_be_set(control):
    status, shown = control("PUT", "account", {**EVERYTHING, "credentials": {"k": "secret"}})
    assert status == 200
    assert shown == {**EVERYTHING, "credentials": ["k"]}
    assert control("GET", "account") == (200, shown)


def test_what_was_shown_may_be_sent_back(control, simulator):
    shown = control("PUT", "account", {"credentials": {"a": "1", "b": "2"}})[1]
    assert control("PUT", "account", shown) == (200, shown)
    assert control("PUT", "account", {"credentials": ["a"]})[0] == 200
    assert simulator.account.credentials == {"a": "1"}


def test_a_change_changes_nothing_else(control):
    before = control("GET", "account")[1]
    assert control("PUT", "account", {"sandbox": True})[1] == {**before, "sandbox": True}
    assert control("PUT", "account", {})[1] == {**before, "sandbox": True}


def test_short_forms(control):
    shown = control("PUT", "account", {"configuration_sets": ["a"], "suppressed": ["x@y.example"]})
    told = ["BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "REJECT"]
    assert shown[1]["configuration_sets"] == {"a": {"sending_enabled": True, "events": told}}
    assert shown[1]["suppressed"] == {"x@y.example": "BOUNCE"}


def test_a_changed_rate_and_usage_count_at_once(control, send):
    control("PUT", "account", {"max_24_hour_send": 50, "sent_last_24_hours": 50})
    assert send.refused().endswith("Daily message quota exceeded.")
    control("PUT", "account", {"sent_last_24_hours": 0, "max_send_rate": 1})
    assert send.accepted()
    assert send.refused().endswith("Maximum sending rate exceeded.")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"account_id": "12"}, "account_id: must be twelve digits"),
        ({"max_send_rate": 0}, "max_send_rate: must be above 0 (recipients a second)"),
        ({"max_send_rate": True}, "max_send_rate: expected a number, got true"),
        ({"max_24_hour_send": -2}, "max_24_hour_send: must be 0 or more, or -1 for unlimited"),
        ({"sent_last_24_hours": 0.5}, "sent_last_24_hours: must be a whole number from 0"),
        ({"sandbox": "no"}, 'sandbox: expected true or false, got "no"'),
        ({"sandbox": None}, "sandbox: must not be null, leave it out to keep it as it is"),
        ({"enforcement": "OK"}, "enforcement: must be one of HEALTHY, PROBATION, SHUTDOWN"),
        ({"identities": "x"}, 'identities: expected a list of strings, got "x"'),
        ({"configuration_sets": 1}, "configuration_sets: expected an object, got 1"),
        (
            {"configuration_sets": {"a": {"on": True}}},
            "configuration_sets.a.on: unknown (known here: events, sending_enabled)",
        ),
        (
            {"configuration_sets": {"a": {"events": ["BOUNCE", "LOVE"]}}},
            "configuration_sets.a.events: LOVE is none of BOUNCE, CLICK, COMPLAINT, DELIVERY,",
        ),
        (
            {"tenants": {"t": {"status": "OFF"}}},
            "tenants.t.status: must be one of ENABLED, REINSTATED, DISABLED",
        ),
        ({"suppressed": {"a@b": "SPITE"}}, "suppressed.a@b: must be one of BOUNCE, COMPLAINT"),
        (
            {"suppressed_reasons": ["SPITE"]},
            "suppressed_reasons: must be some of BOUNCE, COMPLAINT",
        ),
        ({"denied": ["ses:*"]}, 'denied: expected a list of objects, got ["ses:*"]'),
        (
            {"denied": [{}]},
            "denied[0].action: must name an action, such as ses:SendRawEmail (* is a wildcard)",
        ),
        (
            {"credentials": {"a/b": "c"}},
            "credentials.a/b: must be an access key without / and its secret",
        ),
        (
            {"credentials": ["unknown"]},
            "credentials: a list keeps known keys only; give new ones as an object",
        ),
        ({"roles": {"r": 1}}, "roles.r: expected a string, got 1"),
    ],
)
def test_a_wrong_change_changes_nothing_and_is_named(control, change, sentence):
    before = control("GET", "account")
    status, answer = control("PUT", "account", {**change, "bare_line_feeds": True})
    assert status == 400
    assert sentence in answer["error"]
    assert control("GET", "account") == before


def test_every_fault_is_named_at_once(control):
    _, answer = control("PUT", "account", {"sandbox": 1, "max_send_rate": -1, "colour": "red"})
    faults = answer["error"].split("; ")
    assert any(fault.startswith("colour: unknown (known here: account_id, ") for fault in faults)
    assert any(fault.startswith("sandbox: ") for fault in faults)
    assert any(fault.startswith("max_send_rate: ") for fault in faults)


@pytest.mark.parametrize(
    ("body", "start"),
    [(b"{", "the body is not JSON: "), (b"[]", "the body is not a JSON object but list")],
)
@pytest.mark.parametrize(("method", "path"), [("PUT", "account"), ("POST", "faults")])
def test_what_is_no_json_object_is_named(control, method, path, body, start):
    status, answer = control(method, path, body=body)
    assert status == 400
    assert answer["error"].startswith(start)


@pytest.mark.parametrize(
    "fault",
    [
        {
            "operation": "SendEmail",
            "times": 3,
            "then": {"code": "Throttling", "message": "Slow down", "status": 400},
        },
        {"operation": "*", "times": 1, "then": {"delay_s": 2.5}},
        {"operation": "SendRawEmail", "times": 1, "then": {"drop": "before"}},
        {"operation": "AssumeRole", "times": 1, "then": {"drop": "after"}},
    ],
)
def test_faults_are_scripted_listed_and_forgotten(control, fault):
    assert control("POST", "faults", fault) == (201, fault)
    assert control("GET", "faults") == (200, [fault])
    assert control("DELETE", "faults") == (204, None)
    assert control("GET", "faults") == (200, [])


def test_a_fault_happens_once_as_a_400_unless_said_otherwise(control):
    assert control("POST", "faults", {"operation": "*", "then": {"code": "X"}})[1] == {
        "operation": "*",
        "times": 1,
        "then": {"code": "X", "message": "", "status": 400},
    }


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        ({"then": {"drop": "before"}}, "operation: must be one of *, AssumeRole, "),
        ({"operation": "Fly", "then": {"drop": "before"}}, "operation: must be one of "),
        ({"operation": "*"}, "then: needs one of code, delay_s and drop"),
        ({"operation": "*", "then": {}}, "then: needs one of code, delay_s and drop"),
        ({"operation": "*", "then": "drop"}, 'then: expected an object, got "drop"'),
        ({"operation": "*", "then": {"drop": "late"}}, "then.drop: must be before or after"),
        (
            {"operation": "*", "then": {"delay_s": 0}},
            "then.delay_s: must be above 0 and at most 3600 seconds",
        ),
        (
            {"operation": "*", "then": {"delay_s": 1, "code": "X"}},
            "then.code: unknown (known here: delay_s)",
        ),
        (
            {"operation": "*", "then": {"code": "X", "status": 200}},
            "then.status: must be an HTTP status from 400 to 599",
        ),
        (
            {"operation": "*", "then": {"code": "X\r\nSet-Cookie: a"}},
            "then.code: must be letters and digits, as AWS's error codes are",
        ),
        (
            {"operation": "*", "times": 0, "then": {"drop": "after"}},
            "times: must be a whole number from 1 to 1000000",
        ),
        (
            {"operation": "*", "time": 1, "then": {"drop": "after"}},
            "time: unknown (known here: operation, then, times)",
        ),
    ],
)
def test_wrong_faults_are_named_and_not_scripted(control, fault, start):
    status, answer = control("POST", "faults", fault)
    assert status == 400
    assert answer["error"].startswith(start)
    assert control("GET", "faults") == (200, [])


def test_the_script_is_bounded(control):
    fault = {"operation": "*", "then": {"drop": "after"}}
    for _ in range(1_000):
        assert control("POST", "faults", fault)[0] == 201
    assert control("POST", "faults", fault) == (
        400,
        {"error": "1000 faults are scripted already; DELETE them first"},
    )


def test_other_paths_and_methods(control):
    assert control("GET", "nowhere") == (
        404,
        {
            "error": "no such path; there are /_simulator/account, /_simulator/events, "
            "/_simulator/fates, /_simulator/faults, /_simulator/messages, /_simulator/publishing, "
            "/_simulator/subscriptions"
        },
    )
    assert control("POST", "account") == (405, {"error": "/_simulator/account takes GET, PUT"})
