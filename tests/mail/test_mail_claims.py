"""Authentication results in our name are forged; all others are somebody's word."""

import pytest

from relay.mail.changes import Change
from relay.mail.claims import claimed, without_claims
from relay.model.content import Field

FROM = Field(b"From: a@example.com\r\n")


def results(value, name=b"Authentication-Results"):
    return Field(name + b":" + value + b"\r\n")


@pytest.mark.parametrize(
    ("value", "server"),
    [
        (b" mx.example.net; none", "mx.example.net"),
        (b"MX.Example.NET;none", "mx.example.net"),
        (b" mx.example.net 1; spf=pass", "mx.example.net"),
        (b"\r\n\tmx.example.net\r\n ; none", "mx.example.net"),
        (b" (by \\) (us)) (too)mx.example.net (really); none", "mx.example.net"),
        (b' "mx.example.net"; none', "mx.example.net"),
        (b' "mx\\.example.net" 1; none', "mx.example.net"),
        (b" mx.example.net.; none", "mx.example.net"),
        (b" mx.example.net", "mx.example.net"),
        (b" not(a comment)mx; none", "not"),
        (b" ; none", ""),
        (b"", ""),
        (b' "never closed; none', ""),
    ],
)
def test_the_server_is_read_as_the_grammar_says(value, server):
    assert claimed(results(value)) == server


def test_what_claims_to_be_ours_is_removed_and_the_rest_stays_in_place():
    others = results(b" mx.example.net; dkim=pass header.d=relay.example.com")
    fields = (
        results(b" relay.example.com; spf=pass"),
        FROM,
        others,
        results(b" (x) RELAY.EXAMPLE.COM 1; none", b"authentication-results "),
        results(b" sub.relay.example.com; none"),
    )
    kept, changed = without_claims(fields, "relay.example.com")
    assert kept == (FROM, others, fields[-1])
    assert [one.change for one in changed] == [Change.FORGED_RESULTS] * 2


def test_a_header_without_results_stays_the_very_same():
    fields = (FROM, results(b" mx.example.net; none"))
    kept, changed = without_claims(fields, "relay.example.com")
    assert kept is fields
    assert changed == ()


def test_many_comments_take_no_time_to_speak_of():
    assert claimed(results(b"(" * 50_000 + b")" * 50_000 + b" mx; none")) == "mx"
