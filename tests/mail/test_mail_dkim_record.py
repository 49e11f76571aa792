import pytest
from mail_examples import rsa_key

from relay.mail.dkim_keys import generate_ed25519
from relay.mail.dkim_record import difference, record_name, record_strings, zone_line

RECORD = rsa_key().record


def test_the_record_is_cut_at_255():
    strings = record_strings(RECORD)
    assert [len(piece) for piece in strings] == [255, len(RECORD) - 255]
    assert "".join(strings) == RECORD
    assert RECORD.startswith("v=DKIM1; k=rsa; p=MIIB")


def test_the_line_for_the_zone_file():
    key = generate_ed25519()
    assert record_name("example.com", "s1") == "s1._domainkey.example.com."
    assert zone_line("example.com", "s1", key) == (
        f's1._domainkey.example.com. IN TXT ( "{key.record}" )'
    )
    assert zone_line("example.com", "s1", rsa_key()).count('" "') == 1


@pytest.mark.parametrize(
    "published",
    [
        RECORD,
        RECORD.removeprefix("v=DKIM1; "),
        RECORD.replace("k=rsa; ", ""),
        RECORD.replace("; ", ";") + ";",
        RECORD[:100] + " \t" + RECORD[100:],
        RECORD + "; h=sha1:sha256; s=tlsrpt:email; t=s; n=note; x",
    ],
)
def test_records_that_fit(published):
    assert difference(published, rsa_key()) is None


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        ("", "no p= tag"),
        ("v=spf1 -all", "not a DKIM record"),
        ("v=DKIM1; p=", "revoked"),
        (generate_ed25519().record, "k=ed25519"),
        (RECORD.replace("MIIB", "MIIC"), "another private key"),
        (RECORD[:-4], "another private key"),
        (RECORD + "; h=sha1", "sha256"),
        (RECORD + "; s=tlsrpt", "email"),
        (RECORD + "; t=y:s", "testing"),
    ],
)
def test_records_that_do_not_fit_are_told_with_the_reason(published, reason):
    found = difference(published, rsa_key())
    assert found is not None
    assert reason in found
