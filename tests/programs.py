"""Programs and libraries of others that tests hold ours against.

Where one is missing its tests are skipped and say so; with SES_RELAY_NO_SKIP=1, as in CI, they
fail instead, so that nobody believes to have seen what was never tried.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def program(name):
    """Give the path of a program, or skip the test that needs it."""
    found = shutil.which(name)
    if found is None:
        missing(f"the program {name} is not installed")
    return found


def perl_with(module):
    """Give the path of Perl where it has that module, or skip the test that needs it."""
    perl = program("perl")
    tried = subprocess.run([perl, f"-M{module}", "-e", "1"], capture_output=True, check=False)
    if tried.returncode:
        missing(f"Perl has no {module}")
    return perl


def node_with(package):
    """Give the paths of Node.js and of the folder that has the npm package, or skip the test."""
    node = program("node")
    modules = Path(os.environ.get("SES_RELAY_NODE_MODULES", "node_modules")).absolute()
    if not (modules / package).is_dir():
        missing(f"npm's {package} is not in {modules} (SES_RELAY_NODE_MODULES)")
    return node, modules


def missing(what):
    """Skip the test, or fail it where nothing may be skipped."""
    if os.environ.get("SES_RELAY_NO_SKIP") == "1":
        pytest.fail(f"{what}, and SES_RELAY_NO_SKIP=1 forbids to skip")
    pytest.skip(what)
