"""The DNS record of a DKIM key: its name, its text, and why a published one does not fit.

Standards: RFC 6376 §3.6.1 (tags of a key record), §3.6.2.1 (its name), RFC 1035 §3.3 (strings of at
most 255 octets).
Errors: none; what is wrong with a record is a sentence.
"""

from relay.mail.dkim_keys import PrivateKey

TXT_STRING = 255  # octets


def record_name(domain: str, selector: str) -> str:
    """Name the DNS record, with the root's dot for zone files."""
    return f"{selector}._domainkey.{domain}."


def record_strings(record: str) -> tuple[str, ...]:
    """Cut a record into the strings of a TXT record, none longer than 255 octets."""
    return tuple(record[start : start + TXT_STRING] for start in range(0, len(record), TXT_STRING))


def zone_line(domain: str, selector: str, key: PrivateKey) -> str:
    """Write the record as a line of a zone file, ready to paste."""
    strings = " ".join(f'"{piece}"' for piece in record_strings(key.record))
    return f"{record_name(domain, selector)} IN TXT ( {strings} )"


def difference(published: str, key: PrivateKey) -> str | None:
    """Say why a published record does not verify what the key signs; None when it does.

    `published` is the text of one TXT record, its strings joined without blanks.
    """
    ours, theirs = _tags(key.record), _tags(published)
    reasons = (
        ("v" in theirs and theirs["v"] != "DKIM1", "it is not a DKIM record: v= is not DKIM1"),
        ("p" not in theirs, "it has no p= tag, so no key"),
        (theirs.get("p") == "", "the key is revoked: p= is empty"),
        (
            theirs.get("k", "rsa") != ours["k"],
            f"it is of kind k={theirs.get('k', 'rsa')}, the private key is {ours['k']}",
        ),
        (theirs.get("p") != ours["p"], "its p= is the public key of another private key"),
        (
            "h" in theirs and "sha256" not in theirs["h"].split(":"),
            "its h= does not allow sha256",
        ),
        (
            not {"*", "email"} & set(theirs.get("s", "*").split(":")),
            "its s= does not allow email",
        ),
        ("y" in theirs.get("t", "").split(":"), "its t=y says that the domain is only testing"),
    )
    return next((reason for wrong, reason in reasons if wrong), None)


def _tags(record: str) -> dict[str, str]:
    """Read a tag list; blanks within values mean nothing here (RFC 6376 §3.2)."""
    pairs = (tag.partition("=") for tag in record.split(";"))
    return {name.strip(): "".join(value.split()) for name, equals, value in pairs if equals}
