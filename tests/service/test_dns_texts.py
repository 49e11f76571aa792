"""What the resolver raises becomes an answer or a sentence; nothing is asked of a network."""

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from relay.service.dns_texts import NoAnswer, texts_at, texts_meanwhile

NAME = "s1._domainkey.example.com."


@pytest.fixture
def resolver(monkeypatch):
    """Let a test say what the resolver answers."""

    def answers(answer):
        def resolve(name, kind, *, lifetime, search):
            assert (name, kind, search) == (NAME, "TXT", False)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(dns.resolver, "resolve", resolve)

    return answers


def test_the_strings_of_a_record_belong_together(resolver):
    resolver(dns.rrset.from_text(NAME, 60, "IN", "TXT", '"v=DKIM1; " "p=abc"', '"other"'))
    assert sorted(texts_at(NAME)) == ["other", "v=DKIM1; p=abc"]


@pytest.mark.parametrize("error", [dns.resolver.NXDOMAIN(), dns.resolver.NoAnswer])
def test_no_record_is_an_answer(resolver, error):
    if error is dns.resolver.NoAnswer:
        error = dns.resolver.NoAnswer.__new__(dns.resolver.NoAnswer)
    resolver(error)
    assert texts_at(NAME) == ()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (dns.resolver.NoResolverConfiguration(), "has no DNS server; name one in"),
        (dns.exception.Timeout(), "answered within 10 s; try again"),
        (dns.resolver.NoNameservers(), "could not be asked"),
        (dns.name.LabelTooLong(), "could not be asked"),
        (OSError("network is unreachable"), "network is unreachable"),
    ],
)
def test_nobody_can_say_is_another_answer(resolver, error, says):
    resolver(error)
    found = texts_at(NAME)
    assert isinstance(found, NoAnswer)
    assert says in found.reason


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (dns.rrset.from_text(NAME, 60, "IN", "TXT", '"v=DKIM1; " "p=abc"'), ("v=DKIM1; p=abc",)),
        (dns.resolver.NXDOMAIN(), ()),
        (dns.resolver.NoNameservers(), None),
    ],
)
async def test_the_same_is_said_while_other_things_go_on(monkeypatch, answer, texts):
    async def resolve(name, kind, *, lifetime, search):
        assert (name, kind, search) == (NAME, "TXT", False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(dns.asyncresolver, "resolve", resolve)
    found = await texts_meanwhile(NAME)
    assert found == texts if texts is not None else isinstance(found, NoAnswer)
