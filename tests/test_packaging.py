"""Dockerfile and systemd unit: what they name is there, and what they promise holds."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise

import pytest
from generated_docs import commands
from markdown_pages import TOP, blocks
from programs import program

from relay.config.places import PLACES
from relay.model.settings import Http, Limits, Queue

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
UNIT = TOP / "systemd" / "ses-relay.service"
SOCKET = UNIT.with_suffix(".socket")

# --- the systemd unit -----------------------------------------------------------------------------


def settings_of(unit):
    """Read a unit file: each setting's values, in order."""
    found = {}
    for name, value in re.findall(r"(?m)^([A-Za-z]+)=(.*)$", unit.read_text()):
        found.setdefault(name, []).append(value)
    return found


SETTINGS = settings_of(UNIT)


def one(name):
    (value,) = SETTINGS[name]
    return value


def test_systemd_finds_nothing_wrong(tmp_path):
    # The program is not installed where the unit expects it, which is no fault of the unit.
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(one("ExecStart").split()[0], sys.executable))
    shutil.copy(SOCKET, tmp_path)
    said = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", copy, tmp_path / SOCKET.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert UNIT.stem not in said.stderr


def test_exposure_is_small():
    said = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=true", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        check=True,
    )
    level = re.search(r"Overall exposure level for ses-relay.service: ([\d.]+)", said.stdout)[1]
    assert float(level) <= 2.0


def test_the_unit_starts_a_verb_with_options_that_exist():
    _, verb, *options = one("ExecStart").split()
    (command,) = [command for words, command in commands() if words == (verb,)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in options if word.startswith("--")} <= known
    assert options[-1] == str(PLACES[-1])


def test_the_unit_leaves_the_relay_its_time():
    seconds = float(one("TimeoutStopSec").removesuffix("s"))
    assert seconds > Limits().stop_grace
    assert one("Type") == "notify"
    assert "-HUP" in one("ExecReload")


def test_the_unit_keeps_the_queue_where_the_default_is():
    assert Queue().store.folder.parts[-2:] == ("lib", one("StateDirectory"))


def test_the_unit_does_not_restart_what_no_restart_mends():
    assert one("RestartPreventExitStatus") == "2"


def test_readme_makes_the_user_and_the_folders_of_the_unit():
    text = (TOP / "README.md").read_text()
    assert re.search(rf"useradd --system .* {one('User')}\n", text)
    assert f"-g {one('Group')} -m 0750 /etc/ses-relay" in text
    assert f"python3 -m venv {one('ExecStart').partition('/bin/')[0]}\n" in text
    assert one("EnvironmentFile").removeprefix("-") in text
    secret, _, secrets = one("LoadCredential").partition(":")
    assert f"-m 0700 {secrets}\n" in text
    assert f"/run/credentials/{UNIT.name}/{secret}_" in text


def test_readme_names_the_socket_as_the_unit_does():
    assert f'"fd:{settings_of(SOCKET)["FileDescriptorName"][0]}"' in (TOP / "README.md").read_text()


# --- the Dockerfile -------------------------------------------------------------------------------

LINES = [
    (words[0], words[1] if len(words) > 1 else "")
    for line in (TOP / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
    for words in [line.split(None, 1)]
]


def arguments(instruction):
    return [argument for name, argument in LINES if name == instruction]


def test_instructions_are_known():
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}
    assert {name for name, _ in LINES} == known | {"HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_both_stages_stand_on_one_image_with_a_python_that_will_do():
    build, run = arguments("FROM")
    assert build.removesuffix(" AS build") == run
    version = tuple(map(int, re.search(r"python:(\d+)\.(\d+)-", run).groups()))
    assert version >= tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (TOP / ".dockerignore").read_text().split()
    for argument in arguments("COPY"):
        if not argument.startswith("--from"):
            *sources, _ = argument.split()
            for source in sources:
                assert (TOP / source).exists(), source
                assert f"!{source}" in ignored, source


def test_the_extra_that_is_installed_exists():
    extras = re.findall(r'"\.\[([a-z]+)\]"', " ".join(arguments("RUN")))
    assert extras
    assert set(extras) <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("text", arguments("RUN"))
def test_steps_are_shell(text):
    subprocess.run(["sh", "-n", "-c", text], check=True)


def test_it_runs_the_relay_as_nobody_in_particular():
    uid, gid = arguments("USER")[-1].split(":")
    assert uid == gid != "0"
    folder = str(Queue().store.folder)
    assert f"install -d -o {uid} -g 0 -m 0770 {folder}" in arguments("RUN")[-1]
    assert arguments("VOLUME") == [folder]
    assert json.loads(arguments("ENTRYPOINT")[0]) == list(PROJECT["scripts"])
    assert tuple(json.loads(arguments("CMD")[0])) in {words for words, _ in commands()}
    assert f"user {uid}" in (TOP / "README.md").read_text()


def test_health_is_asked_for_where_it_is_served():
    options, _, command = arguments("HEALTHCHECK")[0].partition(" CMD ")
    assert "--start-period" in options
    _, flag, source = json.loads(command)
    assert flag == "-c"
    ast.parse(source)
    port = Http().bind.port
    assert f"http://127.0.0.1:{port}/healthz" in source
    assert str(port) in arguments("EXPOSE")[0].split()


def test_readmes_container_listens_where_the_image_says():
    (run,) = re.findall(r"(?m)^docker run .+$", (TOP / "README.md").read_text())
    words = shlex.split(run)
    published = {value.rsplit(":", 1)[1] for name, value in pairwise(words) if name == "--publish"}
    assert published == set(arguments("EXPOSE")[0].split())
    stop = int(words[words.index("--stop-timeout") + 1])
    assert stop > Limits().stop_grace


# --- the checks -----------------------------------------------------------------------------------


def test_the_checks_call_readmes_command():
    script = (TOP / ".ci" / "run").read_text()
    extract = re.search(r"awk '(.+?)' README\.md", script, re.DOTALL)[1]
    told = subprocess.run(
        [program("awk"), extract, TOP / "README.md"], capture_output=True, text=True, check=True
    )
    (block,) = [block for block in blocks("README.md") if block.kind == "command: tests"]
    assert told.stdout == block.text
    assert "SES_RELAY_NO_SKIP=1" in script
    assert re.search(r"timeout .*\b25m\b", script)
