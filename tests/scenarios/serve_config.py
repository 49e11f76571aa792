"""A configuration file for `ses-relay serve`, as small as scenarios need it."""

from relay_world import FAST
from smtp_fakes import PASSWORD, quick_hash

CONFIG = """\
hostname: relay.example.com
listeners:
  - bind: "127.0.0.1:0"
    tls: off
    auth: optional
    cleartext_auth: true
    networks: ["127.0.0.0/8"]
users:
  - {{name: local, identify_by: network, networks: ["127.0.0.0/8"], senders: ["*"]}}
routes:
  default: {{region: eu-west-1, endpoint_url: "{url}", max_send_rate: {rate}}}
queue: {{store: "{store}", wait: {wait}, backoff_min: 1s}}
http: {{bind: "127.0.0.1:0"}}
"""
TICKETS = '  - {{name: tickets, password: "{hash}", senders: ["*@example.com"]}}\n'


def written(folder, url, *, store="none", users="", wait="5s", more=""):
    """Write a configuration file."""
    text = CONFIG.format(url=url, rate=FAST, store=store, wait=wait)
    path = folder / "config.yaml"
    path.write_text(text.replace("routes:\n", f"{users}routes:\n") + more)
    return path


def tickets():
    return TICKETS.format(hash=quick_hash(PASSWORD))
