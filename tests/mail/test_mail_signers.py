from datetime import timedelta

import pytest
from mail_examples import NOW, rsa_key

from relay.mail.dkim_keys import pem
from relay.mail.signers import Signers
from relay.model.settings import DkimKey, ExistingSignature
from relay.model.settings.values import Secret

PEM = Secret(pem(rsa_key()).decode())


def signers(*keys):
    found = Signers.of(
        DkimKey(domain=domain, selector=selector, key=PEM, **more)
        for domain, selector, more in keys
    )
    assert isinstance(found, Signers)
    return found


@pytest.mark.parametrize(
    ("author", "selector"),
    [
        ("example.com", "top"),
        ("EXAMPLE.com", "top"),
        ("a.example.com", "top"),
        ("sub.example.com", "sub"),
        ("a.b.sub.example.com", "sub"),
        ("notexample.com", None),
        ("com", None),
        ("example.org", None),
    ],
)
def test_the_nearest_domain_signs(author, selector):
    found = signers(("Example.com.", "top", {}), ("sub.example.com", "sub", {}))
    signer = found.choose(author, NOW)
    assert (signer.selector if signer else None) == selector
    assert signer is None or signer.domain in ("example.com", "sub.example.com")


def test_of_several_keys_the_one_that_became_active_last_signs():
    day = timedelta(days=1)
    found = signers(
        ("example.com", "old", {"active_until": NOW + 30 * day}),
        ("example.com", "new", {"active_from": NOW, "active_until": None}),
        ("example.com", "next", {"active_from": NOW + 60 * day}),
        ("sub.example.com", "later", {"active_from": NOW + day}),
    )
    at = [(-1, "old"), (0, "new"), (31, "new"), (60, "next")]
    for days, selector in at:
        signer = found.choose("example.com", NOW + days * day)
        assert signer is not None
        assert signer.selector == selector
    before = found.choose("sub.example.com", NOW)
    assert before is not None
    assert before.domain == "example.com"


def test_a_key_that_is_over_signs_nothing():
    found = signers(("example.com", "old", {"active_until": NOW}))
    assert found.choose("example.com", NOW) is None


def test_what_the_settings_say_is_kept():
    found = signers(("example.com", "s1", {"existing": ExistingSignature.REFUSE}))
    signer = found.choose("example.com", NOW)
    assert signer is not None
    assert signer.existing is ExistingSignature.REFUSE


def test_all_faults_are_told_with_their_key_and_without_its_text():
    keys = [
        DkimKey(domain="a.example", selector="s1", key=Secret("secret words")),
        DkimKey(domain="b.example", selector="s2", key=PEM),
        DkimKey(domain="c.example", selector="s3", key=Secret("")),
        DkimKey(domain="bücher.example", selector="s4", key=PEM),
    ]
    faults = Signers.of(keys)
    assert isinstance(faults, tuple)
    assert [fault.text.partition(":")[0] for fault in faults] == [
        "dkim s1/a.example",
        "dkim s3/c.example",
        "dkim s4/bücher.example",
    ]
    assert "secret" not in faults[0].text
