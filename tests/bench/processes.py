"""The programs of a measurement: started, looked at from outside, and stopped by their own id."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TICK = os.sysconf("SC_CLK_TCK")
ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "PYTHONPATH": str(ROOT),
}
CONFIG = """\
hostname: relay.example.com
listeners:
  - bind: "127.0.0.1:{port}"
    tls: starttls
    auth: optional
    networks: ["127.0.0.0/8"]
    max_connections: 6000
    max_connections_per_client: 6000
tls: {{certificate: cert.pem, key: cert.key}}
users:
  - {{name: tickets, password: {{secret: "correct horse"}}, senders: ["*"]}}
{users}routes: {{default: {{region: eu-west-1, endpoint_url: "http://127.0.0.1:{ses}"{route}}}}}
queue: {{store: "{store}"{queue}}}
http: {{bind: "127.0.0.1:{http}"}}
{more}"""
SIGNING = "dkim: [{domain: example.com, selector: s1, key: {file: dkim.pem}}]\n"


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


class GeneratorFailedError(Exception):
    """Could not send what it was asked to: what it said stands above."""


class Program:
    """A child process that prints its port, or listens on a given one; Python's unless named."""

    def __init__(self, *command, program=sys.executable, port=None, log=subprocess.PIPE, env=None):
        self.process = subprocess.Popen(
            [str(program), *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT if log is not subprocess.PIPE else None,
            cwd=ROOT,
            env=ENVIRONMENT | (env or {}),
            text=True,
        )
        self.port = port if port is not None else int(self.process.stdout.readline())

    def listening(self):
        """Wait until it is; for those that do not tell their port."""
        for _ in range(600):
            with socket.socket() as asked:
                if not asked.connect_ex(("127.0.0.1", self.port)):
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.process.kill()
        self.process.wait()
        raise SystemExit(f"does not start: {self.process.args}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu(self):
        """CPU seconds of the whole process tree."""
        return sum(_cpu(pid) for pid in _tree(self.process.pid))

    def memory(self, line="VmRSS"):
        """Octets resident now, or at most since `forget_peak` (VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{line}:")[1].split()[0]) * 1024

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def _tree(pid):
    yield pid
    with suppress(FileNotFoundError):  # it ended meanwhile: its parent has its times
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _cpu(pid):
    """CPU seconds of a process and of its children that are no more."""
    with suppress(FileNotFoundError, ProcessLookupError):
        # Behind the name in parentheses: utime and stime, then those of dead children, in ticks.
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        user, system, *dead = (int(ticks) / TICK for ticks in fields[11:15])
        # Ticks are coarse, and a mail server has many processes: living threads tell nanoseconds.
        threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
        living = sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
        return max(living, user + system) + sum(dead)
    return 0.0


def sink(delay=0.0):
    """Start an SES that takes everything."""
    return Program(HERE / "sink.py", "--delay", delay)


def taken(program):
    """Say how many messages a sink has taken."""
    with urllib.request.urlopen(f"http://127.0.0.1:{program.port}/count", timeout=10) as answer:
        return int(answer.read())


def relay(folder, ses, *, store="none", queue="", route="", users="", dkim=False, more=""):
    """Start the relay in front of a sink, and wait until it is up."""
    folder.mkdir(exist_ok=True)
    openssl("genrsa", "-out", folder / "dkim.pem", "2048")
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=relay.example.com"),
        *("-keyout", folder / "cert.key", "-out", folder / "cert.pem", "-days", "2"),
    )
    for secret in ("dkim.pem", "cert.key"):
        (folder / secret).chmod(0o600)
    config, log = folder / "config.yaml", folder / "log"
    for _ in range(3):  # somebody may take a free port before the relay does
        port = free_port()
        config.write_text(
            CONFIG.format(
                port=port,
                ses=ses.port,
                http=free_port(),
                store=store if store == "none" else f"sqlite:///{folder}/queue",
                queue=queue,
                route=route,
                users=users,
                more=f"{SIGNING if dkim else ''}{more}",
            )
        )
        config.chmod(0o600)
        with log.open("w") as out:
            program = Program("-m", "relay", "serve", "--config", config, port=port, log=out)
        while program.process.poll() is None:
            if '"relay.started"' in log.read_text():
                return program
            time.sleep(0.05)
    raise SystemExit(f"the relay does not start:\n{log.read_text()}")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def load(port, *arguments, wait=True):
    """Run the load generator; gives its report, or the process."""
    command = [sys.executable, HERE / "loadgen.py", port, *arguments]
    process = subprocess.Popen(
        list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return report(process) if wait else process


def report(process):
    """Wait for a load generator's line."""
    out, _ = process.communicate()
    if process.returncode:
        raise GeneratorFailedError(f"{' '.join(process.args)}: {out}")
    return json.loads(out)
