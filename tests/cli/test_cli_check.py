"""`check` as it is typed; what it finds is tested with `relay.service.check`."""

from relay.service.dkim import make_key


def test_offline_it_looks_at_this_machine_alone(typed):
    answer = typed.run("check --offline")
    assert answer.code == 0
    first, *found = answer.lines[1:]
    assert first.split(maxsplit=1)[0] == "ok"
    assert f"configuration {typed.config}" in first
    assert any("queue.store" in line for line in found)
    assert not any("routes." in line for line in found)


def test_a_fault_is_exit_1_and_has_its_fix(typed):
    key = typed.folder / "s1.pem"
    key.write_bytes(make_key(1024))
    key.chmod(0o600)
    with typed.config.open("a") as config:
        config.write(f"dkim: [{{domain: example.com, selector: s1, key: {{file: {key}}}}}]\n")
    with typed.config.open("a") as config:
        config.write("http: {bind: '192.0.2.1:8080'}\n")
    answer = typed.run("check --offline --json")
    assert answer.code == 1
    assert answer.err == "1 fault: see each one's fix\n"
    assert answer.json["fault"] == 1
    [fault] = [one for one in answer.json["findings"] if one["state"] == "fault"]
    assert fault["about"] == "http.bind 192.0.2.1:8080"
    assert fault["fix"] == "write an address of this machine"


def test_what_the_dns_has_is_asked_unless_offline(typed, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    key = typed.folder / "s1.pem"
    key.write_bytes(make_key(1024))
    key.chmod(0o600)
    with typed.config.open("a") as config:
        config.write(f"dkim: [{{domain: example.com, selector: s1, key: {{file: {key}}}}}]\n")
    answer = typed.run("check --json")
    faults = {one["about"] for one in answer.json["findings"] if one["state"] == "fault"}
    assert faults == {"dkim s1._domainkey.example.com", "routes.default credentials"}


def test_a_bad_configuration_is_exit_2(typed):
    typed.config.write_text("listeners: 5\n")
    assert typed.run("check --offline").code == 2
