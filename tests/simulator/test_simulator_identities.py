import pytest

from relay.simulator import Account
from relay.simulator.addresses import mailbox
from relay.simulator.identities import arn_covers, covering, identity_arn, unverified


@pytest.mark.parametrize(
    ("address", "identities", "found"),
    [
        ("a@example.com", {"example.com"}, "example.com"),
        ("a@EXAMPLE.com", {"Example.COM"}, "Example.COM"),
        ("a@deep.sub.example.com", {"example.com"}, "example.com"),
        ("a@sub.example.com", {"example.com", "sub.example.com"}, "sub.example.com"),
        ("a@example.com", {"example.com", "a@example.com"}, "a@example.com"),
        ("A@example.com", {"a@example.com"}, None),
        ("a@Example.com", {"a@example.COM"}, "a@example.COM"),
        ("a@notexample.com", {"example.com"}, None),
        ("a@example.com", {"sub.example.com"}, None),
        ("a@example.com", {"com.example"}, None),
        ("a@example.com", set(), None),
    ],
)
def test_what_an_identity_covers(address, identities, found):
    assert covering(address, identities) == found


def test_the_failing_are_listed_as_written_and_once():
    boxes = [mailbox(text) for text in ("A <a@x.example>", "b@example.com", "A <a@x.example>")]
    assert unverified(Account(), boxes) == ["A <a@x.example>"]


def test_the_resource_is_the_covering_identity():
    arn = "arn:aws:ses:eu-west-1:123456789012:identity"
    assert identity_arn(Account(), "eu-west-1", "a@s.example.com") == f"{arn}/example.com"
    assert identity_arn(Account(), "eu-west-1", "a@x.example") == f"{arn}/a@x.example"


@pytest.mark.parametrize(
    ("arn", "covers"),
    [
        ("arn:aws:ses:eu-west-1:1:identity/x.example", True),
        ("arn:aws:ses:eu-west-1:1:identity/a@x.example", True),
        ("arn:aws:ses:eu-west-1:1:identity/b@x.example", False),
        ("x.example", False),
    ],
)
def test_an_arn_covers_what_its_identity_covers(arn, covers):
    assert arn_covers(arn, "a@x.example") is covers
