"""The example file: it is what the code says, it loads, and it names every option."""

import re
from pathlib import Path

from relay.config import Faults, example, hints, load
from relay.model.settings import Settings

TOP = Path(__file__).parent.parent.parent


def test_the_committed_file_is_the_generated_one():
    assert (TOP / "config.example.yaml").read_text() == example()


def test_it_loads_as_it_stands():
    made = load(TOP / "config.example.yaml", {})
    assert isinstance(made, Settings), str(made)
    assert made.listeners[0].bind.port == 1025


def uncommented():
    return re.sub(r"(?m)^( *)#(?=- |[a-z])", r"\1", example())


def test_every_option_loads_when_its_sign_is_removed(tmp_path):
    for name in ("cert.pem", "key.pem", "clients.pem", "s1.pem", "token"):
        (tmp_path / name).write_text("content")
        (tmp_path / name).chmod(0o600)
    path = tmp_path / "config.yaml"
    path.write_text(uncommented())

    result = load(path, {})

    # The smallest file has tls: off, where a certificate of its own is one too many, and its user
    # can be known by password or by certificate.
    assert isinstance(result, Faults)
    assert [(fault.key, fault.wrong) for fault in result] == [
        ("listeners[0].tls_files", "the listener has a certificate and tls: off"),
        (
            "users[0].certificates",
            "are never looked at, because the user is identified by password",
        ),
    ]


def sections(section=Settings):
    yield section
    for option in hints.options(section).values():
        for part in hints.members(option.hint):
            for inner in (part, hints.item(part), hints.entry(part)):
                if hints.is_section(inner):
                    yield from sections(inner)


def test_every_option_is_in_it():
    lines = uncommented()
    for section in sections():
        for key in hints.options(section):
            assert re.search(rf"(?m)^ *(- )?{key}:", lines), key


def test_lines_fit_a_terminal():
    assert all(len(line) <= 100 for line in example().splitlines())
