"""No part of a recipient's address is left in any text."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relay.model.address import Address
from relay.model.settings import LogRecipients
from relay.telemetry.redaction import Redaction

ATOM = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=12)
QUOTED = st.text("abcXYZ @<>,;:().[]", max_size=12).map('"{}"'.format)
LOCAL = st.one_of(st.lists(ATOM, min_size=1, max_size=3).map(".".join), QUOTED)
AROUND = ["{}", "<{}>", "'{}'", "smtp; 550 5.1.1 <{}>: unknown", "not verified: {}, {}", "({})."]
HIDDEN = [LogRecipients.HASHED, LogRecipients.DOMAIN]


@pytest.mark.parametrize("how", HIDDEN, ids=str)
@given(local=LOCAL, around=st.sampled_from(AROUND))
def test_every_valid_address_disappears_from_a_sentence(how, local, around):
    address = Address.parse(f"{local}@example.org")
    assume(isinstance(address, Address))
    marked = Address(f"{address.local[:-1]}SECRET{address.local[-1]}", address.domain)
    shown = Redaction(how).text(around.replace("{}", str(marked)))
    assert "SECRET" not in shown
    assert "@example.org" in shown or how is LogRecipients.HASHED


@pytest.mark.parametrize("text", ["no address", "a @ b", "@", "x@", "100 % @ noon"])
@pytest.mark.parametrize("how", HIDDEN, ids=str)
def test_text_without_addresses_stays(how, text):
    assert Redaction(how).text(text) == text


def test_the_sentence_around_stays():
    shown = Redaction(LogRecipients.DOMAIN).text("550 5.1.1 'o'neil+x=y@Example.org' is unknown")
    assert shown == "550 5.1.1 '@example.org' is unknown"


def test_a_long_text_is_read_in_time():
    assert Redaction(LogRecipients.DOMAIN).text("a" * 20_000 + " @") == "a" * 20_000 + " @"
