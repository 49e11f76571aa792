"""What all scenarios share: no AWS credentials but the simulator's, whatever the machine has."""

import os

import pytest
from smtp_fakes import certificate_files

SIMULATED = {
    "AWS_ACCESS_KEY_ID": "simulator",
    "AWS_SECRET_ACCESS_KEY": "simulator",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    # No endpoint of AWS is trusted. (And reading all authorities takes longer than most tests.)
    "AWS_CA_BUNDLE": str(certificate_files().certificate),
}


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Give the environment of the simulator's account, to be changed by the test."""
    for name in tuple(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in SIMULATED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
