"""What is said of a message that is kept."""

from dataclasses import replace

from stored import an_entry

from relay.model.custody import EntryState, why
from relay.model.entry import Held, RequestState
from relay.model.outcome import Scope, ScopeKind
from relay.model.reply import Reply

WAITING = EntryState.WAITING
ROUTES = ("default",)


def test_why_a_message_is_here_is_one_line():
    entry = an_entry("q")
    [request] = entry.requests
    refused = replace(request, reply=Reply(451, "4.3.0", "not now"))
    lost = replace(request, state=RequestState.UNKNOWN)
    assert why(entry, WAITING, ROUTES) == ""
    assert why(replace(entry, requests=(refused,)), WAITING, ROUTES) == "451 4.3.0 not now"
    assert why(replace(entry, requests=(lost,)), WAITING, ROUTES) == "an answer of SES was lost"
    held = replace(entry, requests=(refused,), held=Held(reason="rule review"))
    assert why(held, EntryState.HELD, ROUTES) == "rule review"
    assert why(held, WAITING, ROUTES) == "451 4.3.0 not now"  # the hold has ended
    stopped = replace(entry, waits_for=Scope(ScopeKind.ROUTE, "default"))
    assert why(stopped, WAITING, ROUTES) == f"{stopped.waits_for} was held"
    assert why(entry, WAITING, ()) == "route default is not in the configuration"
