"""What README says is what the code does: its commands, configurations, policies and tables."""

import asyncio
import json
import os
import re
import shlex
import smtplib
import ssl
import subprocess
import sys
import threading
import urllib.request
from importlib import import_module

import kubernetes_validate
import pytest
import yaml
from botocore import xform_name
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from generated_docs import PAGES, commands, renewed
from markdown_pages import TOP, anchors, blocks, links
from programs import program
from typer.main import get_command

from relay.cli import app
from relay.config import load
from relay.config.places import PLACES
from relay.model.settings import Queue, Settings
from relay.service.reload import FIXED
from relay.simulator import Simulator, running

READMES = ("README.md", "relay/README.md", "relay/simulator/README.md", "tests/README.md")
BLOCKS = [block for page in READMES for block in blocks(page)]
SHELL = [block for block in BLOCKS if block.language == "sh"]
CONFIGURATIONS = [block for block in BLOCKS if block.kind == "config"]
KUBERNETES = [block for block in BLOCKS if block.kind == "kubernetes"]
POLICIES = [block for block in BLOCKS if block.kind.startswith("policy")]

# What else may stand in a shell block; a slip in the name of a program is none of them.
PROGRAMS = {
    *("python3", "curl", "docker", "useradd", "install", "systemctl", "journalctl", "openssl"),
    *(".venv/bin/python", ".venv/bin/pip", "/opt/ses-relay/bin/pip", ".venv/bin/pytest", "pytest"),
    *(".ci/run", "for", "done"),
}
# Programs that run another command as somebody else.
CODE = re.compile("`([^`]+)`")
AS_SOMEBODY = re.compile(r"^runuser -u [a-z-]+ -- ")
OURS = {"ses-relay", ".venv/bin/ses-relay", "/opt/ses-relay/bin/ses-relay"}
PROBES = {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
AWS_OPTIONS = {"--region", "--query", "--output", "--profile"}
AWS_NAMES = {"Endpoint": "--notification-endpoint"}  # what the AWS CLI calls otherwise


def one(kind):
    (found,) = [block for block in BLOCKS if block.kind == kind]
    return found


# --- generated parts ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_generated_parts_are_what_the_code_says(page):
    text = page.read_text()
    assert text == renewed(text), "run: .venv/bin/python tests/generated_docs.py"


def test_every_verb_is_in_the_table():
    text = (TOP / "README.md").read_text()
    assert all(f"`{' '.join(words)}`" in text for words, _ in commands())


# --- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*READMES, "relay/STANDARDS.md"])
def test_links_lead_somewhere(page):
    for link in links(page):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (TOP / page).parent / path if path else TOP / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(os.path.relpath(target, TOP)), link


# --- commands -------------------------------------------------------------------------------------


def command_lines(block):
    """Give the words of each command of a shell block."""
    for line in block.text.splitlines():
        line = AS_SOMEBODY.sub("", line)  # noqa: PLW2901 - what is left is the command
        for part in re.split(r" && | \| ", line):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                yield words


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_shell_blocks_are_shell(block):
    subprocess.run(["bash", "-n", "-c", block.text], check=True)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_exist(block):
    for words in command_lines(block):
        if words[0] in OURS:
            verb_and_options_exist(words[1:])
        elif words[0] == "aws":
            operation_and_parameters_exist(words[1:])
        else:
            assert words[0] in PROGRAMS, words


def verb_and_options_exist(words):
    command = get_command(app)
    while getattr(command, "commands", None):
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, word


def test_the_words_for_who_comes_from_postfix_exist():
    table = (
        (TOP / "README.md").read_text().partition("| Postfix | Here |\n")[2].partition("\n\n")[0]
    )
    told = [said for row in table.splitlines()[1:] for said in CODE.findall(row.split(" | ")[1])]
    assert len(told) >= 10
    for command in told:
        verb_and_options_exist(command.split())


def operation_and_parameters_exist(words):
    service, operation, *options = words
    model = ServiceModel(create_loader().load_service_model(service, "service-2"))
    (name,) = [name for name in model.operation_names if xform_name(name, "-") == operation]
    members = model.operation_model(name).input_shape.members
    known = {AWS_NAMES.get(name, f"--{xform_name(name, '-')}"): name for name in members}
    for option, value in zip(options[::2], options[1::2], strict=True):
        assert option in AWS_OPTIONS | known.keys()
        if value.startswith("{") and (document := json.loads(value)):
            policy = document.get("Policy")
            assert policy is None or json.loads(policy)["Version"] == "2012-10-17"
            shape = members[known[option]]
            if shape.type_name == "structure":
                wrong = ParamValidator().validate(document, shape)
                assert not wrong.has_errors(), wrong.generate_report()


def test_every_verb_spoken_of_exists():
    known = {words[0] for words, _ in commands()}
    for block in re.findall(r"`ses-relay ([a-z]+)", (TOP / "README.md").read_text()):
        assert block in known


# --- configurations -------------------------------------------------------------------------------


def loaded(text, folder):
    """Load a configuration in a folder that has every file our examples name."""
    for name in (
        "cert.pem",
        "clients.pem",
        "key.pem",
        "tls.crt",
        "tls.key",
        "token",
        "s2026.pem",
        *re.findall(r"[a-z]+-password", text),
    ):
        (folder / name).write_text("content\n")
        (folder / name).chmod(0o600)
    # What systemd hands over is elsewhere here.
    text = text.replace("/run/credentials/ses-relay.service", str(folder))
    (folder / "secret_shop").write_text("content\n")
    return load(written(folder, text), {"AWS_REGION": "eu-west-1", "NEWSLETTER_PASSWORD": "a"})


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=str)
def test_configurations_load(block, tmp_path):
    made = loaded(block.text, tmp_path)
    assert isinstance(made, Settings), str(made)


def test_every_yaml_block_says_what_it_is():
    for block in BLOCKS:
        if block.language == "yaml":
            assert block.kind in {"config", "kubernetes"}, str(block)


OLDEST_KUBERNETES = "1.29"  # of which README speaks


@pytest.mark.parametrize("block", KUBERNETES, ids=str)
def test_the_manifests_are_what_kubernetes_takes(block):
    for document in yaml.safe_load_all(block.text):
        kubernetes_validate.validate(document, OLDEST_KUBERNETES, strict=True)


@pytest.mark.parametrize("block", KUBERNETES, ids=str)
def test_the_manifests_fit_together(block, tmp_path):
    found = {document["kind"]: document for document in yaml.safe_load_all(block.text)}
    config = found["ConfigMap"]
    made = loaded(config["data"]["config.yaml"], tmp_path)
    assert isinstance(made, Settings), str(made)
    workload = found.get("StatefulSet") or found["Deployment"]
    assert (
        workload["spec"]["selector"]["matchLabels"]
        == (workload["spec"]["template"]["metadata"]["labels"])
    )
    pod = workload["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == found["ServiceAccount"]["metadata"]["name"]
    assert f"configMap: {{name: {config['metadata']['name']}}}" in block.text
    relay, *others = [*pod.get("initContainers", ()), *pod["containers"]]
    said = relay.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", (0,))
    assert pod["terminationGracePeriodSeconds"] > int(said[-1]) + made.limits.stop_grace
    for probe, path in PROBES.items():
        asked = relay[probe]["httpGet"]
        assert (asked["path"], asked["port"]) == (path, made.http.bind.port)
    assert made.http.bind.host == "0.0.0.0"  # the kubelet asks from outside
    bind = made.listeners[0].bind
    for application in others:  # beside it
        environment = {entry["name"]: entry["value"] for entry in application["env"]}
        assert (environment["SMTP_HOST"], environment["SMTP_PORT"]) == (bind.host, str(bind.port))
    if "Service" in found:
        (port,) = found["Service"]["spec"]["ports"]
        assert port["targetPort"] == bind.port
        assert found["Service"]["spec"]["selector"] == workload["spec"]["selector"]["matchLabels"]
        assert found["Service"]["metadata"]["name"] == workload["spec"]["serviceName"]
    folders = {mount["mountPath"] for mount in relay["volumeMounts"]}
    assert folders <= {str(PLACES[-1].parent), str(Queue().store.folder)}


def test_the_certificate_for_a_first_try_serves(tmp_path):
    (line,) = [words for block in SHELL for words in command_lines(block) if words[0] == "openssl"]
    subprocess.run([program("openssl"), *line[1:]], cwd=tmp_path, check=True, capture_output=True)
    made = load(written(tmp_path, first_configuration()), {})
    assert isinstance(made, Settings), str(made)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        made.tls.certificate[0], made.tls.key[0]
    )


def first_configuration():
    return CONFIGURATIONS[0].text


def written(folder, text):
    path = folder / "config.yaml"
    path.write_text(text)
    return path


# --- policies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", POLICIES, ids=str)
def test_policies_name_actions_that_exist(block):
    known = {
        f"{prefix}:{operation}"
        for prefix, service in (("ses", "ses"), ("ses", "sesv2"), ("sts", "sts"), ("sqs", "sqs"))
        for operation in create_loader().load_service_model(service, "service-2")["operations"]
    }
    policy = json.loads(block.text)
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        actions = statement["Action"]
        assert set([actions] if isinstance(actions, str) else actions) <= known


# --- the two commands, and what a client does -----------------------------------------------------


def test_the_second_command_is_the_first_with_the_extra():
    first, second = (one(f"command: {kind}").text.strip() for kind in ("demo", "tests"))
    install = "python3 -m venv .venv && .venv/bin/pip install --quiet --editable"
    assert first == f"{install} . && .venv/bin/ses-relay demo"
    assert second == f"{install} '.[test]' && .venv/bin/pytest"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the end of the first command, on ports that are free; gives what it says."""
    state = tmp_path_factory.mktemp("demo")
    ports = [f"--{name}=127.0.0.1:0" for name in ("smtp", "http", "ses")]
    tail = one("command: demo").text.split("&&")[-1].split()
    assert tail[0].endswith("ses-relay")
    command = [sys.executable, "-m", "relay", *tail[1:], *ports, f"--state={state}"]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)  # one that never gets ready fails, not hangs
        watchdog.start()
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Stop with Ctrl-C"):
                break
        else:
            watchdog.cancel()
            pytest.fail(f"the demo ended: {said}")
        # Nobody may stop reading: a full pipe stops the demo.
        rest = threading.Thread(target=process.stdout.read, daemon=True)
        rest.start()
        yield said, state
        watchdog.cancel()
        process.terminate()
        assert process.wait(timeout=30) == 0
        rest.join()


def found(pattern, text):
    return re.search(pattern, text)[1]


def inbox(said):
    http = found(r"dashboard and inbox (http://\S+?)/?\s", said)
    with urllib.request.urlopen(f"{http}/api/inbox") as answer:
        return json.load(answer)["messages"]


def test_the_demo_shows_the_message_that_its_own_command_sends(demo):
    said, _ = demo
    subprocess.run(
        found(r"\n  (python3 -c .+)\n", said).replace("python3", sys.executable, 1),
        shell=True,
        check=True,
    )
    assert inbox(said)[0]["source"] == "me@example.com"


def test_the_demo_refuses_who_is_not_verified(demo):
    host, port = found(r"SMTP (\S+?),", demo[0]).rsplit(":", 1)
    with smtplib.SMTP(host, int(port)) as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("me@elsewhere.example", ["you@example.org"], "From: me@elsewhere.example\n\n")
    assert refused.value.smtp_code == 554
    assert b"not verified" in refused.value.smtp_error


def test_the_boto3_client_sends(demo):
    said, _ = demo
    client = one("client: boto3").text.replace(
        "http://127.0.0.1:8026", found(r"simulated SES (http://\S+?),", said)
    )
    subprocess.run([sys.executable, "-c", client], check=True)
    assert inbox(said)[0]["api"] == "v2"


async def test_the_simulators_control_paths_answer():
    calls = [
        words
        for block in SHELL
        for words in command_lines(block)
        if words[0] == "curl" and "/_simulator/" in " ".join(words)
    ]
    assert len(calls) >= 5
    async with running(Simulator(), "127.0.0.1:0") as ses:
        for words in calls:
            assert await asyncio.to_thread(status_of, words, ses) < 300, words


def status_of(words, ses):
    """Do what curl would do, at another address."""
    (url,) = [word for word in words if word.startswith("http")]
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    data = words[words.index("-d") + 1].encode() if "-d" in words else None
    url = url.replace("http://127.0.0.1:8026", ses)
    request = urllib.request.Request(url, method=method, data=data)
    with urllib.request.urlopen(request) as answer:
        return answer.status


# --- what is spoken of in passing -----------------------------------------------------------------


def test_events_spoken_of_exist():
    text = (TOP / "README.md").read_text()
    events = {str(event) for event in import_module("relay.telemetry.events").Event}
    for said in re.findall(r"`((?:relay|smtp|message|throttle|store)\.[a-z_]+)`", text):
        assert said in events, said


def test_what_a_reload_cannot_change_is_told():
    text = (TOP / "README.md").read_text()
    (told,) = re.findall(r"(?m)^\| (`.+) \| not before a restart", text)
    named = {*FIXED, "queue.store", "limits.octets_in_flight"}
    assert named == set(re.findall(r"`([a-z._]+)`", told))


def test_the_first_python_is_the_declared_one():
    declared = re.search(r'requires-python = ">=([\d.]+)"', (TOP / "pyproject.toml").read_text())[1]
    assert f"Python {declared} or newer" in (TOP / "README.md").read_text()


def test_files_named_exist():
    for page in READMES:
        text = (TOP / page).read_text()
        for named in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|service))`", text):
            beside = (TOP / page).parent / named
            assert (TOP / named).exists() or beside.exists(), f"{page}: {named}"
