"""What all clients share: no AWS credentials but the simulator's, whatever the machine has."""

import os

import pytest
from aws_environment import SIMULATED


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Give the environment of the simulator's account."""
    for name in tuple(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in SIMULATED.items():
        monkeypatch.setenv(name, value)
