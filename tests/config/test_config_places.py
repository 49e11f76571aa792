"""Where the configuration is looked for."""

from pathlib import Path

from relay.config import find


def test_the_variable_wins_even_when_its_file_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").touch()
    assert find({"SES_RELAY_CONFIG": "/nowhere/x.yaml"}) == Path("/nowhere/x.yaml")


def test_then_the_folder_one_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").touch()
    assert find({"SES_RELAY_CONFIG": ""}) == Path("config.yaml")


def test_then_the_system(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "etc.yaml"
    monkeypatch.setattr("relay.config.places.PLACES", (Path("config.yaml"), here))
    assert find({}) is None
    here.touch()
    assert find({}) == here
