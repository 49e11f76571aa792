import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from mail_examples import rsa_key

from relay.mail.dkim_keys import (
    Ed25519Key,
    KeyFault,
    RsaKey,
    checked,
    generate_ed25519,
    generate_rsa,
    parse,
    pem,
    warning,
)


def written(key, form, encryption=None):
    return key.private_bytes(
        serialization.Encoding.PEM, form, encryption or serialization.NoEncryption()
    ).decode()


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_rsa_keys_are_read_in_both_forms(form):
    key = parse("\n" + written(rsa_key().private, form) + "\n\n")
    assert isinstance(key, RsaKey)
    assert key.record == rsa_key().record
    assert key.bits == 2048


def test_what_is_written_is_read():
    for key in (rsa_key(), generate_ed25519()):
        again = parse(pem(key).decode())
        assert not isinstance(again, KeyFault)
        assert (again.record, again.algorithm) == (key.record, key.algorithm)


def test_what_works_may_still_deserve_a_warning():
    assert warning(rsa_key()) is None
    assert "1024 bits" in str(warning(generate_rsa(1024)))
    assert "Ed25519" in str(warning(generate_ed25519()))


def test_the_bare_base64_of_ed25519_tools_is_read():
    key = generate_ed25519()
    seed = key.private.private_bytes_raw()
    again = parse(base64.b64encode(seed).decode() + "\n")
    assert isinstance(again, Ed25519Key)
    assert again.record == key.record


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a PEM"),
        ("hello", "not a PEM"),
        ("QUJD", "not a PEM"),
        ("schlüssel", "not a PEM"),
        ("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----", "not a PEM"),
    ],
)
def test_what_is_no_key_is_named_without_being_shown(text, reason):
    fault = parse(text)
    assert isinstance(fault, KeyFault)
    assert reason in fault.text
    assert not text or text not in fault.text


def test_keys_of_another_kind_are_named():
    text = written(dsa.generate_private_key(1024), serialization.PrivateFormat.PKCS8)
    assert parse(text) == KeyFault("neither an RSA nor an Ed25519 key; DKIM knows no other kind")


def test_an_encrypted_key_is_named():
    text = written(
        rsa_key().private,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    fault = parse(text)
    assert isinstance(fault, KeyFault)
    assert "encrypted" in fault.text


def test_a_size_that_verifiers_do_not_take_is_named():
    class Large(rsa.RSAPrivateKey):
        """A key that claims a size; making a real one of 8,192 bits takes seconds."""

        key_size = 8192

    Large.__abstractmethods__ = frozenset()
    fault = checked(Large())
    assert isinstance(fault, KeyFault)
    assert "8192 bits" in fault.text
