import pytest
from mail_examples import fields

from relay.mail.attachments import REFUSED_EXTENSIONS, file_names, refused_attachment


def test_the_list_is_that_of_ses():
    assert len(REFUSED_EXTENSIONS) == 90
    assert {"exe", "ps1xml", "msh2xml", "xnk"} <= REFUSED_EXTENSIONS
    assert not {"zip", "pdf", "html"} & REFUSED_EXTENSIONS


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Content-Disposition: attachment; filename=a.EXE", "a.EXE"),
        ('Content-Disposition: attachment; filename="a b.exe"', "a b.exe"),
        ("Content-Disposition: attachment; filename*=utf-8''%C3%9C.exe", "?.exe"),
        ("Content-Disposition: attachment; filename*0=a.e; filename*1=xe", "a.exe"),
        ("Content-Type: application/x; name=a.vbs", "a.vbs"),
        ('Content-Type: application/x; name="=?utf-8?b?YS5leGU=?="', "a.exe"),
        ("Content-Type: application/x; name=a.exe.", "a.exe."),
        ("content-type: application/x;\r\n NAME=a.exe", "a.exe"),
    ],
)
def test_refused_types_are_named(line, name):
    found = refused_attachment(fields(line))
    assert found is not None
    assert str(found.reply).startswith(f"554 5.6.1 Attachment '{name}'")


@pytest.mark.parametrize(
    "line",
    [
        "Content-Disposition: attachment; filename=exe",
        "Content-Disposition: attachment; filename=a.exe.zip",
        "Content-Disposition: attachment",
        "Content-Type: text/plain; charset=x.exe",
        "Subject: name=a.exe",
    ],
)
def test_others_are_taken(line):
    assert refused_attachment(fields(line)) is None


def test_both_names_count():
    assert file_names(
        fields("Content-Type: a/b; name=one.txt", "Content-Disposition: inline; filename=two.txt")
    ) == ("one.txt", "two.txt")
