import pytest

from relay.simulator.content import read
from relay.simulator.limits import REFUSED_EXTENSIONS
from relay.simulator.parts import structure_fault

FROM = "From: a@example.com\r\n"


def fault(*headers, body=""):
    return structure_fault(
        read((FROM + "".join(f"{h}\r\n" for h in headers) + "\r\n" + body).encode())
    )


def attached(*headers, boundary="b"):
    """A multipart whose second part has these headers."""
    part = "".join(f"{header}\r\n" for header in headers)
    return fault(
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
        body=f"--{boundary}\r\n\r\ntext\r\n--{boundary}\r\n{part}\r\nAAAA\r\n--{boundary}--\r\n",
    )


@pytest.mark.parametrize("extension", sorted(REFUSED_EXTENSIONS))
def test_each_refused_extension(extension):
    name = f"file.{extension}"
    assert attached(f'Content-Disposition: attachment; filename="{name}"') == (
        f"Illegal filename '{name}'."
    )


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Content-Disposition: attachment; filename=run.exe", "run.exe"),
        ("Content-Disposition: attachment; filename=two words.exe", "two words.exe"),
        ('content-disposition: inline; FILENAME="RUN.EXE"', "RUN.EXE"),
        ('Content-Type: text/plain; name="run.exe"', "run.exe"),
        ('Content-Type: text/plain;\r\n\tname="run.exe"', "run.exe"),
        ("Content-Disposition: attachment; filename*=utf-8'en'run%2Eexe", "run.exe"),
        ("Content-Disposition: attachment; filename*0=ru; filename*1=n.exe", "run.exe"),
        ("Content-Disposition: attachment; filename*1=.exe; filename*0=run", "run.exe"),
        ("Content-Disposition: attachment; filename*0*=utf-8''run; filename*1=.exe", "run.exe"),
        ("Content-Disposition: attachment; filename=a.txt; filename*=utf-8''r.exe", "r.exe"),
        ("Content-Disposition: attachment; filename=r.exe; filename*=utf-8''a.txt", "r.exe"),
        ('Content-Type: text/plain; name="=?utf-8?q?run=2Eexe?="', "run.exe"),
        ('Content-Disposition: attachment; filename="a\\"b.exe"', 'a"b.exe'),
        ('Content-Disposition: attachment; filename="run.exe. "', "run.exe."),
        ('Content-Disposition: attachment; filename="a.pdf.exe"', "a.pdf.exe"),
    ],
)
def test_names_are_found_however_they_are_written(header, shown):
    assert attached(header) == f"Illegal filename '{shown}'."


@pytest.mark.parametrize(
    "header",
    [
        'Content-Disposition: attachment; filename="report.pdf"',
        'Content-Disposition: attachment; filename="exe"',
        'Content-Disposition: attachment; filename="run.exe.pdf"',
        'Content-Disposition: attachment; filename="archive.zip"',
        "Content-Disposition: attachment",
        'Content-Type: text/plain; charset="utf-8"; name="=?broken?x?.pdf?="',
        'Content-Type: text/plain; name="=?no-such-charset?q?a=2Eexe?="',
        "Content-Type: text/plain;",
        "X-Name: run.exe",
    ],
)
def test_other_attachments_pass(header):
    assert attached(header) is None


def test_the_top_level_is_a_part_too():
    assert fault('Content-Type: application/x; name="a.bat"') == "Illegal filename 'a.bat'."


def test_names_are_found_at_any_depth():
    inner = (
        '--o\r\nContent-Type: multipart/mixed; boundary="i"\r\n\r\n'
        "--i\r\n\r\ntext\r\n--i--\r\n"
        "--o\r\nContent-Type: message/rfc822\r\n\r\n"
        "Subject: forwarded\r\nContent-Type: multipart/mixed; boundary=f\r\n\r\n"
        "--f\r\nContent-Disposition: attachment; filename=deep.scr\r\n\r\nx\r\n--f--\r\n--o--\r\n"
    )
    assert fault('Content-Type: multipart/mixed; boundary="o"', body=inner) == (
        "Illegal filename 'deep.scr'."
    )


def test_a_boundary_that_begins_another_is_not_taken_for_it():
    body = (
        "--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n"
        "--bb\r\n\r\nx\r\n--bb--\r\n"
        "--b  \r\nContent-Disposition: attachment; filename=x.exe\r\n\r\n--b--\r\n"
    )
    assert fault("Content-Type: multipart/mixed; boundary=b", body=body) == (
        "Illegal filename 'x.exe'."
    )


def test_what_follows_the_last_delimiter_or_stands_in_text_is_no_part():
    body = "--b\r\n\r\ntext\r\n--other\r\n--b--\r\n--b\r\nContent-Type: x; name=x.exe\r\n\r\n"
    assert fault("Content-Type: multipart/mixed; boundary=b", body=body) is None


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        ("Content-Type: multipart/mixed", "", "Missing start boundary"),
        ("Content-Type: multipart/mixed; boundary=b", "no parts", "Missing start boundary"),
        ("Content-Type: text/plain; charset", "", "Expected '=', got 'null'"),
        (
            "Content-Type: message/rfc822",
            "Content-Type: x/y; name=a.exe\r\n\r\n",
            "Illegal filename 'a.exe'.",
        ),
    ],
)
def test_malformed_structures(header, body, text):
    assert fault(header, body=body) == text


def test_five_hundred_parts_pass_and_one_more_does_not():
    head = "Content-Type: multipart/mixed; boundary=b"
    assert fault(head, body="--b\r\n\r\nx\r\n" * 500 + "--b--\r\n") is None
    assert fault(head, body="--b\r\n\r\nx\r\n" * 501 + "--b--\r\n") == (
        "Message has more than 500 MIME parts."
    )


def test_endless_nesting_ends():
    deep = "".join(
        f"--{level}\r\nContent-Type: multipart/mixed; boundary={level + 1}\r\n\r\n"
        for level in range(1_000)
    )
    assert fault("Content-Type: multipart/mixed; boundary=0", body=deep) == (
        "Message has more than 500 MIME parts."
    )
    chain = "Content-Type: message/rfc822\r\n\r\n" * 1_000
    assert fault("Content-Type: message/rfc822", body=chain) == (
        "Message has more than 500 MIME parts."
    )
