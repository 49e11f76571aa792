"""The layers hold: who may import whom, and who may name which library."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "relay"

# Adding an arrow is a reviewed edit of this table.
MAY_IMPORT = {
    "model": set(),
    "policy": {"model"},
    "mail": {"model"},
    "scheduler": {"model"},
    "telemetry": {"model"},
    "config": {"model"},
    "aws": {"model"},
    "delivery": {"model", "aws", "telemetry"},
    "feedback": {"model", "aws", "telemetry", "mail"},
    "stores": {"model", "telemetry"},
    "smtp": {"model", "telemetry"},
    "web": {"model", "telemetry"},
    "queue": {"model", "telemetry"},
    "flow": {"model", "policy", "mail", "telemetry"},
    "simulator": set(),
    "service": {
        *("model", "policy", "mail", "scheduler", "telemetry", "config", "aws", "delivery"),
        *("feedback", "stores", "smtp", "web", "queue", "flow", "simulator"),
    },
    "cli": {"config", "service", "stores", "simulator", "model"},
    "__main__": {"cli"},
    "__init__": set(),
}

# Which package may name which library; the standard library is free to all but `model`'s purity
# table below. A library in no row is a dependency nobody decided on.
MAY_USE = {
    "aiosmtpd": {"smtp"},
    "argon2": {"smtp", "cli"},
    "asyncpg": {"stores"},
    "aioboto3": {"aws"},
    "aiobotocore": {"aws", "delivery"},
    "botocore": {"aws", "delivery"},
    "types_aiobotocore_ses": {"aws", "delivery"},
    "types_aiobotocore_sesv2": {"aws", "delivery"},
    "types_aiobotocore_sqs": {"aws"},
    "types_aiobotocore_sts": {"aws"},
    "aiohttp": {"delivery", "feedback", "simulator", "web", "service"},
    "dkim": {"mail"},
    "cryptography": {"feedback", "mail", "simulator", "cli", "smtp", "service"},
    "dns": {"service"},
    "idna": {"smtp", "mail"},
    "orjson": {"telemetry", "stores", "web", "cli"},
    "prometheus_client": {"telemetry"},
    "pybase64": {"delivery"},
    "pydantic": {"config"},
    "pydantic_core": {"config"},
    "rich": {"cli"},
    "structlog": {"telemetry"},
    "typer": {"cli"},
    "uvloop": {"service"},
    "yaml": {"config"},
}

# `model`, `policy`, `mail` do no I/O and read no clock. `model.clock` is where the clock is read.
IMPURE = {"socket", "subprocess", "threading", "time", "asyncio", "os", "io", "tempfile", "sqlite3"}
PURE = {"model", "policy", "mail"}


def part_of(path: Path) -> str:
    """Give the part of the relay that a file belongs to."""
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Give line and dotted name of each import in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{path}:{node.lineno}: a parent's name is written out"
            if node.level == 0:  # a sibling is in the same part
                yield node.lineno, node.module or ""


SOURCES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_table(path):
    part = part_of(path)
    for line, name in imports(path):
        top, _, rest = name.partition(".")
        where = f"{path.relative_to(ROOT.parent)}:{line}"
        if top == "relay":
            other = rest.partition(".")[0] or "__init__"
            assert other == part or other in MAY_IMPORT[part], f"{where}: {part} → {other}"
        elif top in MAY_USE:
            assert part in MAY_USE[top], f"{where}: {part} names {top}"
        else:
            assert top in sys.stdlib_module_names, f"{where}: {top} is in no row of MAY_USE"
            pure = part in PURE and path != ROOT / "model" / "clock.py"
            assert not (pure and top in IMPURE), f"{where}: {part} must not know {top}"


def test_every_part_has_a_row():
    assert {part_of(path) for path in SOURCES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_readable(path):
    assert len(path.read_text().splitlines()) <= 400, "over 400 lines: which noun is missing?"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text()))
