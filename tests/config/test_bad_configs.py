"""Every wrong configuration is refused for exactly the stated reason.

One pair of files per fault in tests/bad_configs: NAME.yaml, and NAME.error with the lines that an
operator reads. FOLDER stands for the folder of the file.
"""

from pathlib import Path

import pytest

from relay.config import Faults, load

BAD = Path(__file__).parent.parent / "bad_configs"
ENVIRON = {"SET": "value", "EMPTY": "", "SECRET": "hunter2"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the files that the configurations name; a checkout would not keep their modes."""
    for name, content, mode in (
        ("cert.pem", b"certificate\n", 0o644),
        ("key.pem", b"key\n", 0o600),
        ("open-key.pem", b"key\n", 0o644),
        ("token", b"token\n", 0o600),
        ("binary", b"\xff\xfe\x00", 0o600),
        ("empty", b"", 0o600),
    ):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)
    return tmp_path


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.yaml")))
def test_is_refused_for_exactly_the_stated_reason(name, folder):
    path = folder / f"{name}.yaml"
    path.write_bytes((BAD / f"{name}.yaml").read_bytes())

    result = load(path, ENVIRON)

    assert isinstance(result, Faults)
    said = str(result).replace(str(path), path.name).replace(str(folder), "FOLDER")
    assert said + "\n" == (BAD / f"{name}.error").read_text()
    assert "hunter2" not in said


def test_every_configuration_has_its_reason_and_the_reverse():
    assert {path.stem for path in BAD.glob("*.yaml")} == {path.stem for path in BAD.glob("*.error")}
