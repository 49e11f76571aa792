"""Keys made, published and checked; the DNS is a dictionary."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from relay.service import dkim
from relay.service.dns_texts import NoAnswer

NAME = "s1._domainkey.example.com."


@pytest.fixture(scope="module")
def pem():
    """A key, made once for all tests."""
    return dkim.make_key(1024).decode()


def configured(typed, pem, selectors=("s1",)):
    entries = []
    for selector in selectors:
        file = typed.folder / f"{selector}.pem"
        file.write_text(pem)
        file.chmod(0o600)
        entries.append(f"{{domain: example.com, selector: {selector}, key: {{file: {file}}}}}")
    with typed.config.open("a") as config:
        config.write(f"dkim: [{', '.join(entries)}]\n")


def published(pem):
    return dkim.record_of("example.com", "s1", pem).text


def test_a_key_is_made_for_its_owner_alone_and_its_record_is_ready_to_paste(typed):
    file = typed.folder / "s1.pem"
    answer = typed.run("dkim", "generate", "example.com", "s1", "--out", file)
    assert answer.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    (line,) = answer.lines
    assert line.startswith(f'{NAME} IN TXT ( "v=DKIM1; k=rsa; p=')
    strings = line.partition("( ")[2].removesuffix(" )").strip('"').split('" "')
    assert [len(string) for string in strings[:-1]] == [255]
    assert "".join(strings) == published(file.read_text())
    assert f"{{domain: example.com, selector: s1, key: {{file: {file}}}}}" in answer.err
    # What it says to write is a configuration, and the record of that configuration is the same.
    with typed.config.open("a") as config:
        config.write(answer.err.partition("configuration:\n")[2].replace("  dkim", "dkim"))
    assert typed.run("dkim record example.com s1").lines == [line]


def test_the_key_has_a_name_of_its_own_where_none_is_given(typed, monkeypatch):
    monkeypatch.chdir(typed.folder)
    made = typed.run("dkim generate example.com s1 --bits 1024 --json").json
    assert made["file"] == "s1.example.com.pem"
    assert (made["name"], made["type"]) == (NAME, "TXT")
    assert "".join(made["strings"]) == made["text"]
    assert made["text"] == published((typed.folder / "s1.example.com.pem").read_text())


def test_ed25519_is_for_who_asks_for_it(typed):
    file = typed.folder / "ed.pem"
    answer = typed.run("dkim", "generate", "example.com", "ed", "--ed25519", "--out", file)
    assert "k=ed25519; p=" in answer.out
    assert dkim.strength(file.read_text()) == "ed25519"


def test_a_key_is_never_overwritten(typed):
    file = typed.folder / "s1.pem"
    file.write_text("precious")
    answer = typed.run("dkim", "generate", "example.com", "s1", "--out", file)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"{file} is there already and a key is never overwritten; choose another --out\n"
    )
    assert file.read_text() == "precious"
    nowhere = typed.folder / "none" / "s1.pem"
    answer = typed.run("dkim", "generate", "example.com", "s1", "--bits", 1024, "--out", nowhere)
    assert answer.err == f"{nowhere}: No such file or directory; choose another --out\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("generate not_a/domain s1", "not_a/domain is not a domain name; write it like example"),
        ("generate example.com s/1", "s/1 is not a selector; write letters, digits and -"),
        ("generate example.com s1 --bits 512", "--bits"),
        ("record a..b s1", "a..b is not a domain name"),
    ],
)
def test_what_cannot_be_published_is_wrong_usage(typed, words, says):
    answer = typed.run(f"dkim {words}")
    assert answer.code == 2
    assert says in answer.err
    assert list(typed.folder.glob("*.pem")) == []


def test_a_record_is_that_of_the_configured_key_or_of_a_file(typed, pem):
    configured(typed, pem)
    shown = typed.run("dkim record EXAMPLE.com S1 --json").json
    assert shown["text"] == published(pem)
    file = typed.folder / "s1.pem"
    assert typed.run("dkim", "record", "example.org", "x", "--key", file).out.startswith(
        "x._domainkey.example.org. IN TXT"
    )


def test_a_key_that_is_not_there_is_a_fault(typed, pem):
    configured(typed, pem)
    answer = typed.run("dkim record example.com s2")
    assert answer.code == 1
    assert "no key for example.com s2 is configured (there is: example.com s1)" in answer.err
    file = typed.folder / "s1.pem"
    file.chmod(0o644)
    answer = typed.run("dkim", "record", "example.com", "s1", "--key", file)
    assert answer.code == 1
    assert f"run chmod 600 {file}" in answer.err
    file.write_text("no key")
    file.chmod(0o600)
    answer = typed.run("dkim", "record", "example.com", "s1", "--key", file)
    assert answer.code == 1
    assert answer.err.startswith(f"{file}: not a PEM private key")


def test_check_says_ok_where_the_dns_has_the_key(typed, pem):
    configured(typed, pem)
    typed.texts[NAME] = (published(pem),)
    answer = typed.run("dkim check")
    assert (answer.code, answer.err) == (0, "")
    assert answer.lines[1].split() == [NAME, "rsa", "1024", "ok"]
    assert typed.run("dkim check --json").json == [
        {
            "domain": "example.com",
            "selector": "s1",
            "name": NAME,
            "key": "rsa 1024",
            "ok": True,
            "reason": None,
        }
    ]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (
            (),
            "is published; publish what `ses-relay dkim record example.com s1` prints",
        ),
        (("v=DKIM1; p=",), "the key is revoked"),
        (("v=spf1 -all",), "it is not a DKIM record"),
        (("one", "two"), "2 TXT records are published"),
        (NoAnswer("no DNS server answered; try again"), "no DNS server answered; try again"),
    ],
)
def test_check_says_why_a_record_is_not_right(typed, pem, texts, says):
    configured(typed, pem, ("s1", "s2"))
    typed.texts["s2._domainkey.example.com."] = (published(pem),)
    typed.texts[NAME] = texts
    answer = typed.run("dkim check")
    assert answer.code == 1
    assert says in answer.lines[1]
    assert answer.lines[2].split()[-1] == "ok"
    assert answer.err == f"not as it should be: {NAME}; see each one's reason\n"
    shown = typed.run("dkim check --json")
    assert shown.code == 1
    assert [one["ok"] for one in shown.json] == [False, True]
    assert says in shown.json[0]["reason"]


def test_check_says_that_another_key_is_published(typed, pem):
    configured(typed, pem)
    typed.texts[NAME] = (published(dkim.make_key(1024).decode()),)
    answer = typed.run("dkim check")
    assert answer.code == 1
    assert "another private key; publish what" in answer.out


def test_there_must_be_something_to_check(typed):
    answer = typed.run("dkim check")
    assert answer.code == 1
    assert (
        answer.err
        == "dkim: no key is configured; make one with `ses-relay dkim generate DOMAIN SELECTOR`\n"
    )
