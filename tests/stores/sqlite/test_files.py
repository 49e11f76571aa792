"""Writing goes on until all is written, whatever the system takes at a time."""

import os

import pytest

from relay.stores.sqlite.files import Files


def test_a_write_that_is_taken_in_bits_is_completed(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, octets: real(descriptor, octets[:7]))
    files, path = Files(), tmp_path / "body"
    descriptor = files.create(path)
    files.write(descriptor, [b"head\r\n", memoryview(b"x" * 100), b""])
    files.close(descriptor)
    assert path.read_bytes() == b"head\r\n" + b"x" * 100


def test_a_file_is_made_once_and_for_its_owner_alone(tmp_path):
    files, path = Files(), tmp_path / "body"
    files.close(files.create(path))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        files.create(path)


def test_removing_twice_is_as_good_as_once(tmp_path):
    files, path = Files(), tmp_path / "body"
    path.touch()
    files.remove(path)
    files.remove(path)
    assert files.names(tmp_path) == []
