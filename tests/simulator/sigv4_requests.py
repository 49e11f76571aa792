"""Requests signed by botocore, so that our check is tested against somebody else's signer."""

from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from relay.simulator import HttpRequest

HOST = "127.0.0.1:8026"


def signed(method, target, body=b"", *, service="ses", keys=("simulator", "simulator"), **headers):
    """An arriving request, signed over plain HTTP as botocore does it."""
    request = AWSRequest(method, f"http://{HOST}{target}", headers=headers, data=body)
    SigV4Auth(Credentials(*keys), service, "eu-west-1").add_auth(request)
    path, _, query = target.partition("?")
    arrived = (("Host", HOST), *((name, str(value)) for name, value in request.headers.items()))
    return HttpRequest(method, path, query, arrived, body)


def form(version="2010-12-01", **fields):
    return urlencode({**fields, "Version": version}).encode()


def without(request, name):
    """The request without one header."""
    return changed(request, **{name: None})


def changed(request, **headers):
    """The request with headers replaced (underscores for dashes) or, by None, removed."""
    replaced = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    kept = [
        (name, replaced.get(name.lower(), value))
        for name, value in request.headers
        if replaced.get(name.lower(), value) is not None
    ]
    return HttpRequest(request.method, request.path, request.query, tuple(kept), request.body)
