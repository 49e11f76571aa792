"""Odd messages that real programs send, for every test that must not be surprised.

`ODD` is a list of (name, octets) that the relay takes; `REFUSED` one of those it refuses politely.
All have CR LF line ends, no NUL and no bare CR, as after the listener's mending, and the author is
`a@example.com` or an address below example.com. CPython's own email test data joins where it is
installed.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

AUTHOR = b"From: A <a@example.com>\r\n"


def _crlf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"").replace(b"\n", b"\r\n")


HEADERS: dict[str, bytes] = {
    "plain": AUTHOR + b"To: b@example.org\r\nSubject: plain\r\n",
    "complete": AUTHOR
    + b"To: b@example.org\r\nCc: c@example.org\r\nSubject: complete\r\n"
    + b"Date: Sat, 21 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@app.example.com>\r\n"
    + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
    "no_to": AUTHOR + b"Subject: no To\r\n",
    "empty_to": AUTHOR + b"To:\r\nSubject: empty To\r\n",
    "empty_fields": AUTHOR + b"To: \r\nCc: \t\r\nReferences:\r\nSubject:\r\nReply-To:   \r\n",
    "lower_case": b"from: a@example.com\r\nto: b@example.org\r\nsubject: lower\r\n",
    "upper_case": b"FROM: a@example.com\r\nTO: b@example.org\r\nSUBJECT: UPPER\r\n",
    "no_blank": b"From:a@example.com\r\nTo:b@example.org\r\nSubject:no blank\r\n",
    "many_blanks": b"From:  \t a@example.com  \r\nTo:\t\tb@example.org\t\r\nSubject:  x   y  \r\n",
    "blank_before_colon": b"From : a@example.com\r\nTo\t: b@example.org\r\nSubject \t: x\r\n",
    "folded": AUTHOR + b"To: b@example.org,\r\n c@example.org,\r\n\td@example.org\r\n"
    b"Subject: a\r\n  folded\r\n\tsubject\r\n",
    "folded_at_once": b"From:\r\n a@example.com\r\nSubject:\r\n folded\r\n",
    "blank_continuation": AUTHOR + b"Subject: a\r\n \r\n b\r\nTo: b@example.org\r\n \t \r\n",
    "trailing_blanks": AUTHOR + b"Subject: blanks at the end   \r\nTo: b@example.org \t\r\n",
    "form_feed": AUTHOR + b"Subject: \x0cform feed\x0c \x0b\r\nTo: b@example.org\r\n",
    "controls": AUTHOR + b"Subject: \x01\x02\x7f\x1b[31m\r\nTo: b@example.org\r\n",
    "utf8_subject": AUTHOR + "Subject: Grüße aus Köln   und 東京 ok\r\n".encode(),
    "latin1_subject": AUTHOR + "Subject: Grüße aus Köln\r\n".encode("latin-1"),
    "utf8_name": "From: Jörg Müller <a@example.com>\r\nTo: Zoë <b@example.org>\r\n".encode(),
    "utf8_quoted_name": 'From: "Müller, Jörg" <a@example.com>\r\n'.encode(),
    "utf8_comment": "From: a@example.com (Jörg)\r\nSubject: x\r\n".encode(),
    "utf8_everywhere": "From: Ä<a@example.com>\r\nX-O: ö\r\nComments: ß\r\n".encode(),
    "utf8_list": "From: a@example.com\r\nTo: Ä <b@example.org>, Ö Ü <c@example.org>\r\n".encode(),
    "idn_recipient": "From: a@example.com\r\nTo: b@bücher.example\r\n".encode(),
    "broken_utf8": AUTHOR + b"Subject: \xc3\x28 \xff\xfe \xf0\x9f\x98\r\n",
    "encoded_words": b"From: =?utf-8?q?J=C3=B6?= <a@example.com>\r\nSubject: =?utf-8?b?w6Q=?=\r\n",
    "broken_words": AUTHOR + b"Subject: =?utf-8?b?###?= =?nope?q?=ZZ?= =?\r\n",
    "quoted_local": b'From: "a b"@example.com\r\nTo: "very odd"@example.org\r\n',
    "escapes": b'From: "A \\"the\\" B" <a@example.com>\r\nSubject: escapes\r\n',
    "comments": b"From: (a (nested) comment) a@example.com (another\\))\r\nSubject: x\r\n",
    "group": AUTHOR + b"To: undisclosed-recipients:;\r\nSubject: group\r\n",
    "group_members": AUTHOR + b"To: team: b@example.org, c@example.org;, d@example.org\r\n",
    "two_authors": b"From: a@example.com, b@example.com\r\nSender: a@example.com\r\n",
    "route": b"From: <@relay.example,@b.example:a@example.com>\r\nSubject: route\r\n",
    "subdomain": b"From: a@deep.sub.example.com\r\nSubject: sub\r\n",
    "two_to": AUTHOR + b"To: b@example.org\r\nTo: c@example.org\r\nCc: d@x.org\r\nCc: e@x.org\r\n",
    "two_same": AUTHOR + AUTHOR + b"Subject: twice\r\nSubject:  twice\r\nMIME-Version: 1.0\r\n"
    b"MIME-Version: 1.0\r\n",
    "two_references": AUTHOR + b"References: <1@x>\r\nReferences: <2@x>\r\n <1@x>\r\n",
    "two_reply_to": AUTHOR + b"Reply-To: b@example.org\r\nReply-To: C <c@example.org>\r\n",
    "hidden": AUTHOR + b"Bcc: secret@example.org,\r\n more@example.org\r\nX-SES-Source-ARN: x\r\n"
    b"Resent-Bcc: s@x.org\r\nReturn-Path: <r@x.org>\r\nBounces-to: z@x.org\r\n"
    b"x-ses-foo:\r\n bar\r\n",
    "forged_results": AUTHOR
    + b"Authentication-Results: relay.example.com; spf=pass smtp.mailfrom=x.org\r\n"
    + b'authentication-results:\r\n (a (nested) comment) "RELAY.example.com" 1; none\r\n'
    + b"Authentication-Results: mx.example.com; dkim=pass header.d=relay.example.com\r\n",
    "signed": AUTHOR + b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x; h=from:date;\r\n"
    b" bh=AAAA; b=AAAA\r\nSubject: signed\r\n",
    "signed_twice": b"DKIM-Signature: v=1; d=a; h=from\r\nDKIM-Signature: v=1; d=b; h=from\r\n"
    + AUTHOR,
    "received": b"Received: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\r\n" * 30 + AUTHOR,
    "list": AUTHOR + b"List-Id: <l.example.com>\r\nList-Unsubscribe: <https://x.example/u>,\r\n"
    b" <mailto:u@example.com>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    "long_subject": AUTHOR + b"Subject: " + b"word " * 400 + b"\r\n",
    "long_references": AUTHOR
    + b"References: "
    + b" ".join(b"<%d.abcdefghijklmnop@app.example.com>" % n for n in range(300))
    + b"\r\nMessage-ID: <own@app.example.com>\r\n",
    "long_to": AUTHOR + b"To: " + b", ".join(b"r%d@example.org" % n for n in range(200)) + b"\r\n",
    "many_fields": AUTHOR + b"".join(b"X-Number-%d: %d\r\n" % (n, n) for n in range(300)),
    "bare_message_id": AUTHOR + b"Message-ID: 1234@app\r\n",
    "odd_message_id": AUTHOR + b"Message-ID: <a b c>\r\nDate: yesterday\r\n",
    "no_version": AUTHOR + b"Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n",
    "odd_type": AUTHOR + b"MIME-Version: 1.0\r\nContent-Type: ;;; charset\r\n",
    "uuencode": AUTHOR + b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: x-uuencode\r\n",
    "mbox": b"From a@example.com Sat Nov 21 10:00:00 2026\r\n" + AUTHOR + b"Subject: mbox\r\n",
    "escaped_mbox": b">From a@example.com Sat Nov 21\r\n" + AUTHOR,
    "colon_names": AUTHOR + b"X:y:z: a:b\r\n!#$%&'*: odd name\r\nSubject: :\r\n",
    "equals": AUTHOR + b"Subject: b=c; d=e; bh=f\r\nTo: =b@example.org\r\n",
}

BODIES: dict[str, bytes] = {
    "empty": b"",
    "line": b"Hello.\r\n",
    "no_end": b"no line end at the end",
    "empty_lines": b"\r\n\r\n\r\n",
    "blank_ends": b"  leading\r\ntrailing  \r\n\ttabs\t\there \t \r\n \r\n\t\r\nlast \t",
    "dots": b".\r\n..\r\n.hidden\r\n...\r\n.\r\n",
    "from_lines": b"From here\r\n>From there\r\nFrom: nobody\r\n--\r\n-- \r\nsig\r\n\r\n\r\n",
    "utf8": "Grüße aus Köln, 東京 und 🚀\r\n".encode() * 3,
    "octets": bytes(n for n in range(1, 256) if n not in (10, 13)) + b"\r\n",
}

_MIXED = b"""\
Content-Type: multipart/mixed; boundary=%(quoted)b
MIME-Version: 1.0

preamble
--%(boundary)b
Content-Type: text/plain; charset=utf-8

text  with   blanks \t
--%(boundary)b
Content-Type: application/pdf; name=report.pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=report.pdf

JVBERi0xLjQK
--%(boundary)b--
epilogue
"""


def _multipart(boundary: bytes, quote: bytes = b'"') -> bytes:
    names = {b"boundary": boundary, b"quoted": quote + boundary + quote}
    return AUTHOR + _crlf(_MIXED % names)


def _nested(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\r\n\r\ninnermost\r\n"
    for level in range(depth):
        bound = b"level-%d" % level
        inner = (
            b"Content-Type: multipart/mixed; boundary=" + bound + b"\r\n\r\n"
            b"--" + bound + b"\r\n" + inner + b"\r\n--" + bound + b"--\r\n"
        )
    return AUTHOR + b"MIME-Version: 1.0\r\n" + inner


def _typed(kind: bytes, body: bytes, *more: bytes) -> bytes:
    fields = b"".join(field + b"\r\n" for field in more)
    return (
        AUTHOR + b"MIME-Version: 1.0\r\nContent-Type: " + kind + b"\r\n" + fields + b"\r\n" + body
    )


_LONG_TEXT = b"A very long line with words " * 60 + b"\r\nshort\r\n" + b"=" * 1500 + b"\r\n"
_FORWARDED = AUTHOR + b"Subject: inner\r\n\r\ninner text\r\n"

SHAPES: dict[str, bytes] = {
    "multipart": _multipart(b"simple"),
    "multipart_bare_boundary": _multipart(b"simple", quote=b""),
    "multipart_odd_boundary": _multipart(b"=_a'()+,-./:?b"),
    "multipart_hyphens": _multipart(b"--"),
    "multipart_long_boundary": _multipart(b"b" * 70),
    "multipart_blank_in_boundary": _multipart(b"with blank inside"),
    "multipart_no_parts": _typed(b"multipart/mixed; boundary=x", b"nothing here\r\n"),
    "multipart_no_boundary": _typed(b"multipart/mixed", b"--\r\n\r\nx\r\n"),
    "multipart_unclosed": _typed(b"multipart/mixed; boundary=x", b"--x\r\n\r\ntext\r\n--x\r\n"),
    "multipart_empty_parts": _typed(b"multipart/mixed; boundary=x", b"--x\r\n--x\r\n\r\n--x--"),
    "multipart_broken_part": _typed(
        b"multipart/mixed; boundary=x", b"--x\r\nnot a field\r\n\r\ntext\r\n--x--\r\n"
    ),
    "multipart_same_boundary": _typed(
        b"multipart/mixed; boundary=x",
        b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n"
        b"--x\r\n\r\nb\r\n--x--\r\n",
    ),
    "digest": _typed(
        b"multipart/digest; boundary=x", b"--x\r\n\r\n" + _FORWARDED + b"\r\n--x--\r\n"
    ),
    "nested_5": _nested(5),
    "nested_20": _nested(20),
    "many_parts": _typed(
        b"multipart/mixed; boundary=x", b"--x\r\n\r\npart\r\n" * 400 + b"--x--\r\n"
    ),
    "rfc822": _typed(b"message/rfc822", _FORWARDED),
    "rfc822_in_multipart": _typed(
        b"multipart/mixed; boundary=x",
        b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + _FORWARDED + b"--x--\r\n",
    ),
    "alternative_8bit": _typed(
        b"multipart/alternative; boundary=x",
        "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        "\r\nGrüße\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Grüße</p>\r\n--x--\r\n".encode(),
    ),
    "signed_part": _typed(
        b"multipart/signed; boundary=x; protocol=application/pgp-signature",
        b"--x\r\nContent-Type: text/plain\r\n\r\nsigned \r\n--x\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\nsig\r\n--x--\r\n",
    ),
    "long_lines": _typed(b"text/plain; charset=us-ascii", _LONG_TEXT),
    "long_lines_plain": AUTHOR + b"\r\n" + _LONG_TEXT,
    "long_lines_8bit": AUTHOR + b"\r\n" + "Ü ".encode() * 900 + b"\r\n",
    "long_lines_latin1": AUTHOR + b"\r\n" + b"\xdc " * 900 + b"\r\n",
    "long_lines_html": _typed(b"text/html", b"<p>" + b"x" * 5000 + b"</p>"),
    "long_lines_binary": _typed(b"application/octet-stream", b"\x01\xff" * 2000),
    "long_lines_base64": _typed(
        b"image/png", b"iVBORw0KGgo" * 300, b"Content-Transfer-Encoding: base64"
    ),
    "long_lines_quoted": _typed(
        b"text/plain", b"a=3Db=0Ac " * 300, b"Content-Transfer-Encoding: quoted-printable"
    ),
    "long_lines_in_part": _typed(
        b"multipart/mixed; boundary=x",
        b"p" * 1200
        + b"\r\n--x\r\n\r\n"
        + _LONG_TEXT
        + b"--x\r\nContent-Type: text/html\r\n\r\nok\r\n"
        b"--x--\r\n" + b"e" * 1200 + b"\r\n",
    ),
    "long_part_header": _typed(
        b"multipart/mixed; boundary=x",
        b"--x\r\nContent-Description: " + b"word " * 400 + b"\r\n\r\ntext\r\n--x--\r\n",
    ),
    "exactly_998": AUTHOR + b"\r\n" + b"x" * 998 + b"\r\n" + b"y" * 998,
    "filename_utf8": _typed(
        b"multipart/mixed; boundary=x",
        '--x\r\nContent-Disposition: attachment; filename="Ü.pdf"\r\n\r\nx\r\n--x--\r\n'.encode(),
    ),
    "filename_top_utf8": AUTHOR
    + 'Content-Type: application/pdf; name="Übersicht ä.pdf"\r\n\r\nx\r\n'.encode(),
    "header_only": AUTHOR + b"Subject: no body, no empty line\r\n",
    "no_end_at_all": AUTHOR + b"Subject: ends in the header",
    "no_separator": AUTHOR + b"Subject: x\r\nThis is the body already.\r\nAnd: more\r\n\r\nend\r\n",
}

REFUSED: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("only_body", b"\r\nHello\r\n"),
    ("only_text", b"Hello, I am no header\r\n"),
    ("no_from", b"To: b@example.org\r\nSubject: x\r\n\r\n"),
    ("bad_from", b"From: nobody in particular\r\n\r\n"),
    ("non_ascii_local", "From: jörg@example.com\r\n\r\n".encode()),
    ("two_from", AUTHOR + b"From: b@example.com\r\n\r\n"),
    ("two_subjects", AUTHOR + b"Subject: x\r\nSubject: y\r\n\r\n"),
    ("nameless", AUTHOR + b": no name\r\n\r\n"),
    ("hidden_behind_broken_line", AUTHOR + b"broken\r\nBcc: secret@example.org\r\n\r\n"),
    ("header_1_mb", AUTHOR + b"X-Big: " + b"x" * 1_000_000 + b"\r\n\r\nbody\r\n"),
    ("header_1_mb_of_fields", AUTHOR + b"X-Big: " + b"x\r\nX-Big: " * 120_000 + b"\r\n\r\nbody"),
    ("too_many_fields", AUTHOR + b"X: y\r\n" * 1001 + b"\r\n"),
    ("loop", b"Received: from x by y; z\r\n" * 101 + AUTHOR + b"\r\n"),
    ("long_word", AUTHOR + b"Subject: " + b"x" * 1200 + b"\r\n\r\n"),
    ("too_many_parts", _typed(b"multipart/mixed; boundary=x", b"--x\r\n\r\np\r\n" * 501)),
    ("too_deep", _nested(60)),
    ("executable", _typed(b"application/octet-stream; name=setup.exe", b"MZ")),
    (
        "signed_long_lines",
        _typed(
            b"multipart/signed; boundary=x",
            b"--x\r\nContent-Type: text/plain\r\n\r\n" + _LONG_TEXT + b"--x--\r\n",
        ),
    ),
]


def _cpython() -> Iterator[tuple[str, bytes]]:
    """Give CPython's email test data, as mail of our author where it names another one."""
    try:
        import test.test_email as package  # not every Python ships its tests
    except ImportError:
        return
    for path in sorted(Path(package.__path__[0], "data").glob("*.txt")):
        octets = _crlf(path.read_bytes()).replace(b"\0", b"")
        yield f"cpython_{path.stem}", octets


def _generated() -> Iterator[tuple[str, bytes]]:
    for (header, fields), (body, octets) in product(HEADERS.items(), BODIES.items()):
        yield f"{header}-{body}", fields + b"\r\n" + octets


CPYTHON: list[tuple[str, bytes]] = list(_cpython())
ODD: list[tuple[str, bytes]] = [*_generated(), *SHAPES.items()]
