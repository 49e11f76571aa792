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


def java_with(*libraries):
    """Give the path of Java and a class path with those of Debian's libraries, or skip the test."""
    java = program("java")
    program("javac")  # a source file is compiled when it is run
    jars = [Path("/usr/share/java", f"{name}.jar") for name in libraries]
    for jar in jars:
        if not jar.exists():
            missing(f"Java has no {jar.stem}")
    return java, ":".join(map(str, jars))


def php_with(library):
    """Give the path of PHP where it finds that library, or skip the test that needs it."""
    php = program("php")
    tried = subprocess.run(
        [php, "-r", f"require_once '{library}';"], capture_output=True, check=False
    )
    if tried.returncode:
        missing(f"PHP has no {library}")
    return php


def missing(what):
    """Skip the test, or fail it where nothing may be skipped."""
    if os.environ.get("SES_RELAY_NO_SKIP") == "1":
        pytest.fail(f"{what}, and SES_RELAY_NO_SKIP=1 forbids to skip")
    pytest.skip(what)
