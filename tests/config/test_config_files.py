"""Files that a configuration names: who may read them, and what may be in them."""

import os
from pathlib import Path

import pytest

from relay.config.files import MAX_SECRET, inspect, read_secret
from relay.config.leaves import Wrong


@pytest.mark.parametrize("content", ["key", "key\n", "key\r\n", "\nkey\n"])
def test_a_secret_has_no_line_ends_around_it(tmp_path, content):
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    assert read_secret(path, private=False) == "key"


def test_spaces_belong_to_a_secret(tmp_path):
    (tmp_path / "secret").write_text(" key \n")
    assert read_secret(tmp_path / "secret", private=False) == " key "


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o602, 0o777])
def test_a_private_key_that_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "key.pem"
    path.write_text("key")
    path.chmod(mode)
    refused = inspect(path, private=True)
    assert refused is not None
    assert refused.instead == f"run chmod 600 {path}"
    assert inspect(path, private=False) is None


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_key_of_its_owner_is_taken(tmp_path, mode):
    path = tmp_path / "key.pem"
    path.write_text("key")
    path.chmod(mode)
    assert inspect(path, private=True) is None


@pytest.mark.parametrize(("mode", "taken"), [(0o640, True), (0o440, True), (0o644, False)])
def test_a_key_that_root_gives_us_through_our_group_is_private(tmp_path, monkeypatch, mode, taken):
    path = tmp_path / "key.pem"
    path.write_text("key")
    path.chmod(mode)
    found = list(path.stat())
    found[4] = 0  # st_uid: root
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Path, "stat", lambda self: os.stat_result(found))
    assert (inspect(path, private=True) is None) is taken


def test_a_large_file_is_no_secret(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * (MAX_SECRET + 1))
    refused = read_secret(tmp_path / "large", private=False)
    assert isinstance(refused, Wrong)
    assert "too large" in refused.predicate


@pytest.mark.parametrize("name", ["pipe", "."])
def test_a_pipe_would_wait_for_ever_and_a_folder_has_no_text(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    refused = read_secret(tmp_path / name, private=False)
    assert isinstance(refused, Wrong)
    assert "not a file" in refused.predicate
