"""The configuration file to `Settings`.

file → tree of texts → data shaped by the declared types → validated settings → cross checks. Every
stage adds its findings, so that the operator sees all of them at once; a check that rests on an
option found wrong before is left out.

Errors: `load` returns `Faults`, it never raises for anything a file can hold.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from relay.config.checks import Written, check
from relay.config.fault import Fault, Faults, Finding, key_path
from relay.config.regions import fill_regions
from relay.config.shape import Shape, shape
from relay.config.tree import Document, parse
from relay.config.validate import validate
from relay.model.settings import AuthMode, Settings, TcpBind, TlsMode

MAX_FILE = 16 * 2**20  # octets; ten thousand users fit


def load(path: Path, environ: Mapping[str, str]) -> Settings | Faults:
    """Read a configuration file; files it names are relative to its folder."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE + 1)
    except OSError as error:
        reason = f"cannot be read ({(error.strerror or 'input/output error').lower()})"
        instead = "name a file with --config, or in SES_RELAY_CONFIG"
        return Faults((Fault(str(path), 0, "", reason, instead),))
    if len(octets) > MAX_FILE:
        return Faults((Fault(str(path), 0, "", "is larger than 16 MiB", "name the right file"),))
    return read(octets, path, environ)


def read(octets: bytes, path: Path, environ: Mapping[str, str]) -> Settings | Faults:
    """Read the octets of a configuration file; the path serves messages and relative paths."""
    document = parse(octets, environ)
    if any(not finding.loc for finding in document.findings):
        return _faults(document.findings, document, path)  # no tree to speak of
    made = shape(document.root, Settings, path.parent.absolute())
    fill_regions(made, environ)
    settings = validate(made)
    findings = [*document.findings, *made.findings]
    if not isinstance(settings, Settings):
        findings += settings
    faulty = frozenset(str(finding.loc[0]) for finding in findings)
    if faulty or not isinstance(settings, Settings):
        settings = _sound_part(made, faulty)
    later = check(settings, Written(document.lines))
    findings += (
        finding
        for finding in later
        if not faulty.intersection((str(finding.loc[0]), *finding.rests_on))
    )
    return _faults(findings, document, path) if findings else settings


def _sound_part(made: Shape, faulty: frozenset[str]) -> Settings:
    """Make settings of the options without findings; defaults stand for the others.

    Nothing is concluded from the stand-ins: checks that rest on a faulty option are dropped.
    """
    sound = {key: value for key, value in made.data.items() if key not in faulty}
    sound.setdefault(
        "listeners",
        [{"bind": TcpBind("127.0.0.1", 0), "tls": TlsMode.OFF, "auth": AuthMode.OFF}],
    )
    sound.setdefault("routes", {"default": {"region": "none"}})
    settings = validate(Shape(made.folder, sound, made.asked))
    if not isinstance(settings, Settings):
        raise TypeError(f"options without findings are not valid: {settings}")
    return settings


def _faults(findings: Iterable[Finding], document: Document, path: Path) -> Faults:
    faults = (
        Fault(
            str(path),
            finding.line or document.line(finding.loc),
            key_path(finding.loc),
            finding.wrong,
            finding.instead,
        )
        for finding in findings
    )
    return Faults(sorted(dict.fromkeys(faults), key=lambda fault: fault.line))
