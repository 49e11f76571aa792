"""What a right configuration comes to, and that no text at all can break the loader."""

import ipaddress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from relay.config import Faults, load, tree
from relay.config.loader import MAX_FILE, read
from relay.model.address import Address
from relay.model.settings import (
    Auto,
    BounceTo,
    CertificateName,
    ClearPassword,
    FdBind,
    Fingerprint,
    HashedPassword,
    NoStore,
    Off,
    PostgresStore,
    Secret,
    Settings,
    SqliteStore,
    TcpBind,
    UnixBind,
)

LISTENER = 'listeners: [{bind: "127.0.0.1:1025", tls: off, auth: off}]\n'
BASE = LISTENER + "routes: {default: {region: eu-west-1}}\n"


def loaded(text, environ=None, folder=Path("/etc/relay")):
    result = read(text.encode(), folder / "config.yaml", environ or {})
    assert isinstance(result, Settings), str(result)
    return result


def test_the_smallest_configuration_has_the_defaults():
    made = loaded(BASE)
    assert made.listeners[0].bind == TcpBind("127.0.0.1", 1025)
    assert made.queue.store == SqliteStore(Path("/var/lib/ses-relay"))
    assert made.workers == 1


def test_the_same_text_gives_equal_settings():
    assert loaded(BASE) == loaded(BASE)
    assert loaded(BASE) != loaded(BASE + "workers: 2\n")


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
    ],
)
def test_the_environment_may_give_the_region(environ, region):
    assert loaded(LISTENER, environ).routes["default"].region == region
    assert loaded(LISTENER + "routes: {default: {}}\n", environ).routes["default"].region == region


def test_the_file_wins_over_the_environment():
    assert loaded(BASE, {"AWS_REGION": "us-east-1"}).routes["default"].region == "eu-west-1"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("5m", 300), ("4h", 14_400), ("4d", 345_600), ("1.5h", 5400), ("250ms", 0.25)],
)
def test_durations(written, seconds):
    assert loaded(BASE + f"history: {written}\n").history == seconds


@pytest.mark.parametrize("written", ["0", "0s"])
def test_no_time_at_all(written):
    assert loaded(BASE + f"queue: {{wait: {written}}}\n").queue.wait == 0


@pytest.mark.parametrize(
    ("written", "octets"), [("2MiB", 2**21), ("20GiB", 20 * 2**30), ("1048576B", 2**20)]
)
def test_sizes(written, octets):
    assert loaded(BASE + f"queue: {{max_size: {written}}}\n").queue.max_size == octets


@pytest.mark.parametrize(
    ("written", "bind"),
    [
        ("127.0.0.1:80", TcpBind("127.0.0.1", 80)),
        ("[::1]:80", TcpBind("::1", 80)),
        ("localhost:0", TcpBind("localhost", 0)),
        ("unix:/run/relay.sock", UnixBind(Path("/run/relay.sock"))),
        ("unix:relay.sock", UnixBind(Path("/etc/relay/relay.sock"))),
        ("fd:http", FdBind("http")),
    ],
)
def test_binds(written, bind):
    assert loaded(BASE + f'http: {{bind: "{written}"}}\n').http.bind == bind


@pytest.mark.parametrize(
    ("written", "store"),
    [
        ("none", NoStore()),
        ("sqlite:///state", SqliteStore(Path("/etc/relay/state"))),
        ("sqlite:////var/lib/relay", SqliteStore(Path("/var/lib/relay"))),
        ("postgresql://u:p@db/relay", PostgresStore(Secret("postgresql://u:p@db/relay"))),
    ],
)
def test_stores(written, store):
    assert loaded(BASE + f'queue: {{store: "{written}"}}\n').queue.store == store


def test_words_that_stand_for_numbers():
    made = loaded(
        LISTENER
        + "routes: {default: {region: eu-west-1, max_send_rate: auto}, "
        + "slow: {region: us-east-1, max_send_rate: 0.5}}\n"
        + "suppression: {soft_bounces: off}\nreputation: {bounce: {warn: off, hold: 0.1}}\n"
    )
    assert made.routes["default"].max_send_rate is Auto.AUTO
    assert made.routes["slow"].max_send_rate == 0.5
    assert made.suppression.soft_bounces is Off.OFF
    assert made.reputation.bounce.warn is Off.OFF


@pytest.mark.parametrize(
    ("written", "to"),
    [
        ("sender", BounceTo.SENDER),
        ("off", BounceTo.OFF),
        ("ops@example.com", Address("ops", "example.com")),
    ],
)
def test_bounces_go_to_the_sender_or_one_address_or_nowhere(written, to):
    made = loaded(BASE + f"bounces: {{to: {written}, from: b@example.com}}\n").bounces
    assert made.to == to
    assert type(made.to) is type(to)
    assert made.from_ == Address("b", "example.com")


def test_a_single_value_may_stand_for_a_list():
    made = loaded(
        BASE + 'users: [{name: a, identify_by: network, networks: 10.0.0.7, senders: "*"}]\n'
    )
    assert made.users[0].networks == (ipaddress.ip_network("10.0.0.7/32"),)


def test_one_certificate_or_one_for_each_kind_of_key(tmp_path):
    names = ("a.pem", "b.pem", "a.key", "b.key")
    paths = a, b, a_key, b_key = [tmp_path / name for name in names]
    for path in paths:
        path.write_text("content")
        path.chmod(0o600)
    one = loaded(BASE + "tls: {certificate: a.pem, key: a.key}\n", folder=tmp_path).tls
    assert (one.certificate, one.key) == ((a,), (a_key,))
    text = BASE + "tls: {certificate: [a.pem, b.pem], key: [a.key, b.key]}\n"
    two = loaded(text, folder=tmp_path).tls
    assert (two.certificate, two.key) == ((a, b), (a_key, b_key))


@pytest.mark.parametrize(
    ("written", "mark"),
    [
        ("App.Example.com", CertificateName("app.example.com")),
        ("app@example.com", CertificateName("app@example.com")),
        ("spiffe://example.com/App", CertificateName("spiffe://example.com/app")),
        (f"sha256:{'AB' * 32}", Fingerprint("ab" * 32)),
        (f"sha256:{':'.join(['AB'] * 32)}", Fingerprint("ab" * 32)),
    ],
)
def test_certificates_by_name_and_by_fingerprint(written, mark, tmp_path):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("content")
        (tmp_path / name).chmod(0o600)
    made = loaded(
        'listeners: [{bind: "127.0.0.1:1465", tls: implicit}]\n'
        "routes: {default: {region: eu-west-1}}\n"
        "tls: {certificate: cert.pem, key: key.pem, client_ca: cert.pem}\n"
        "users:\n  - {name: a, identify_by: certificate, senders: '*', "
        f'certificates: "{written}"}}\n',
        folder=tmp_path,
    )
    assert made.users[0].certificates == (mark,)


def test_sections_with_every_line_commented_out_have_their_defaults():
    made = loaded(BASE + "users:\n#  - name: a\nqueue:\n#  wait: 1s\nrules:\n")
    assert made == loaded(BASE)


def test_times_have_their_zone(tmp_path):
    (tmp_path / "k.pem").write_text("key")
    (tmp_path / "k.pem").chmod(0o600)
    made = loaded(
        BASE
        + "dkim:\n  - {domain: a.example, selector: s, key: {file: k.pem}, "
        + "active_from: 2027-01-01T00:00:00Z, active_until: 2027-06-01T00:00:00+02:00}\n",
        folder=tmp_path,
    )
    assert made.dkim[0].active_from == datetime(2027, 1, 1, tzinfo=UTC)
    assert made.dkim[0].active_until == datetime(2027, 6, 1, tzinfo=timezone(timedelta(hours=2)))
    assert made.dkim[0].key.reveal() == "key"


def test_variables_of_the_environment():
    made = loaded(
        'hostname: "relay-${ZONE}.example"\nworkers: ${WORKERS}\n'
        "log: {level: '${LEVEL:-debug}'}\n"
        "bounces: {from: '${BOUNCES:-}'}\n" + BASE,
        {"ZONE": "a", "WORKERS": "4"},
    )
    assert made.hostname == "relay-a.example"
    assert made.workers == 4
    assert made.log.level == "debug"
    assert made.bounces.from_ is None


@pytest.mark.parametrize("value", ["0", "65", "1.5", "nan", "inf", "1e9", "true", "0x2", "1_0"])
def test_a_number_from_the_environment_has_the_bounds_of_any(value):
    for text in ("workers: ${W}\n", f'workers: "{value}"\n', f"workers: {value}\n"):
        result = read((BASE + text).encode(), Path("c.yaml"), {"W": value})
        assert isinstance(result, Faults), text
        assert [fault.key for fault in result] == ["workers"]


@pytest.mark.parametrize("value", [".inf", "inf", "nan", ".nan", "1e999", "9" * 400])
def test_no_rate_is_infinite(value):
    text = LISTENER + f"routes: {{default: {{region: eu-west-1, max_send_rate: {value}}}}}\n"
    assert isinstance(read(text.encode(), Path("c.yaml"), {}), Faults)


def test_a_password_of_digits_from_the_environment_is_a_password():
    made = loaded(BASE + "http:\n  token: ${TOKEN}\n", {"TOKEN": "123"})
    assert made.http.token == Secret("123")


def test_a_dollar_before_a_brace_can_be_written():
    made = loaded(BASE + 'http: {token: "a$${b}$c"}\n')
    assert made.http.token == Secret("a${b}$c")


def test_passwords_in_their_three_forms(tmp_path):
    (tmp_path / "hash").write_text("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA\r\n")
    (tmp_path / "clear").write_text("hunter2\n")
    made = loaded(
        BASE
        + "users:\n"
        + '  - {name: a, password: "$argon2id$x", senders: "*"}\n'
        + '  - {name: b, password: {file: hash}, senders: "*"}\n'
        + '  - {name: c, password: {secret: {file: clear}}, senders: "*"}\n'
        + '  - {name: d, password: {secret: "00123"}, senders: "*"}\n',
        folder=tmp_path,
    )
    assert [user.password for user in made.users] == [
        HashedPassword(Secret("$argon2id$x")),
        HashedPassword(Secret("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")),
        ClearPassword(Secret("hunter2")),
        ClearPassword(Secret("00123")),
    ]
    assert "hunter2" not in f"{made} {made!r}"
    assert "argon2" not in f"{made} {made!r}"


def test_a_changed_secret_file_is_a_change(tmp_path):
    text = BASE + "http: {token: {file: token}}\n"
    (tmp_path / "token").write_text("one")
    before = loaded(text, folder=tmp_path)
    (tmp_path / "token").write_text("two")
    assert loaded(text, folder=tmp_path) != before


def test_yaml_aliases_may_save_repetition():
    made = loaded(
        BASE
        + 'users:\n  - {name: a, password: "$argon2id$x", senders: &ours ["*@example.com"]}\n'
        + '  - {name: b, password: "$argon2id$x", senders: *ours}\n'
    )
    assert made.users[0].senders == made.users[1].senders


def test_rules_are_read_whole():
    made = loaded(
        BASE
        + "rules:\n  - name: staging\n    when: {user: 'app-*', header: {X-Env: staging}, "
        + "larger_than: 1MiB, sender: '<>'}\n    then: {redirect: [qa@example.com], lane: bulk}\n"
    )
    rule = made.rules[0]
    assert rule.when.user[0].matches("app-7")
    assert rule.when.header["X-Env"].matches("staging")
    assert rule.when.sender[0].matches("<>")
    assert rule.when.larger_than == 2**20
    assert rule.then.redirect == (Address("qa", "example.com"),)


def test_a_missing_file_is_a_fault(tmp_path):
    result = load(tmp_path / "none.yaml", {})
    assert isinstance(result, Faults)
    assert str(result) == (
        f"{tmp_path}/none.yaml: cannot be read (no such file or directory); "
        "name a file with --config, or in SES_RELAY_CONFIG"
    )


def test_a_folder_is_a_fault(tmp_path):
    assert isinstance(load(tmp_path, {}), Faults)


def test_an_endless_file_is_a_fault(tmp_path):
    path = tmp_path / "config.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert "larger than 16 MiB" in str(load(path, {}))


def test_octets_that_are_not_utf8_are_told_with_their_line():
    faults = read(b"hostname: a\n# \xff\n", Path("c.yaml"), {})
    assert str(faults).startswith("c.yaml:2: there is an octet that is not UTF-8;")


def test_control_characters_are_told_with_their_line():
    faults = read(b"hostname: a\nlog: \x07\n", Path("c.yaml"), {})
    assert str(faults).startswith("c.yaml:2: there is a control character;")


def test_a_byte_order_mark_is_no_fault():
    assert isinstance(read(b"\xef\xbb\xbf" + BASE.encode(), Path("c.yaml"), {}), Settings)


def test_a_bomb_of_aliases_is_refused_soon():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "too large" in str(read("\n".join(levels).encode(), Path("c.yaml"), {}))


def test_both_parsers_read_the_same(monkeypatch):
    quick = loaded(BASE + "log: {level: debug}\nhistory: 0\n")
    monkeypatch.setattr(tree, "_Loader", tree._loader(yaml.SafeLoader))
    assert loaded(BASE + "log: {level: debug}\nhistory: 0\n") == quick


def test_what_came_from_the_environment_is_not_shown():
    faults = read(
        (BASE + "workers: ${S}\nlog: {level: '${S}'}\nbounces: {to: '${S}'}\n").encode(),
        Path("c.yaml"),
        {"S": "hunter2"},
    )
    assert isinstance(faults, Faults)
    assert len(faults) == 3
    assert "hunter2" not in f"{faults}{faults!r}"


KEYS = st.sampled_from(
    [
        *("listeners", "bind", "tls", "auth", "users", "name", "password", "senders", "networks"),
        *("routes", "default", "region", "queue", "wait", "store", "dkim", "key", "file", "rules"),
        *("secret", "when", "then", "header", "bounces", "from", "to", "http", "token", "workers"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["off", "auto", "5m", "10MiB", "*", "<>", "${HOME}", "${", "a@b", "none"]),
    st.dates(),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.binary(max_size=200))
@example(b"? [a]\n: b")
@example(b"&a [*a]")
@example(b"%YAML 9.9\n---\na: b")
@example(b"a: 0x\nb: 1e999\nc: .nan")
@example(b"workers: 1e999")
@example(b'http: {token: {file: "\\0"}}')
def test_no_octets_make_the_loader_raise(octets):
    assert isinstance(read(octets, Path("/nowhere/c.yaml"), {}), Settings | Faults)


@QUICK
@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_no_tree_makes_the_loader_raise(data):
    text = yaml.safe_dump(data, allow_unicode=True)
    result = read(text.encode("utf-8", "surrogatepass"), Path("/nowhere/c.yaml"), {"HOME": "x"})
    assert isinstance(result, Settings | Faults)
    if isinstance(result, Faults):
        assert result
        assert all(fault.wrong and fault.instead and fault.line for fault in result)
        assert all(str(fault).isprintable() for fault in result)
        assert "pydantic" not in str(result)


@QUICK
@given(TREES, st.sampled_from(["listeners", "users", "routes", "queue", "dkim", "rules", "http"]))
def test_no_value_of_one_option_makes_the_loader_raise(value, key):
    text = BASE + yaml.safe_dump({key: value}, allow_unicode=True)
    result = read(text.encode("utf-8", "surrogatepass"), Path("/nowhere/c.yaml"), {"HOME": "x"})
    assert isinstance(result, Settings | Faults)
