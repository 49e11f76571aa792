"""The files that a configuration names: secrets, keys, certificates.

Errors: a file that cannot be used is a `Wrong`; nothing of its content is ever in a message.
"""

import os
import stat
from pathlib import Path

from relay.config.leaves import Wrong

MAX_SECRET = 65_536  # octets; the largest key or token is far smaller


def read_secret(path: Path, *, private: bool) -> str | Wrong:
    """Read the text of a secret, without the line end that editors append."""
    refused = inspect(path, private=private)
    if refused is not None:
        return refused
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_SECRET + 1)
    except OSError as error:
        return _unreadable(path, error)
    if len(octets) > MAX_SECRET:
        return Wrong(f"names {path}, which is too large for a secret", "name the right file")
    try:
        text = octets.decode().strip("\r\n")
    except UnicodeDecodeError:
        return Wrong(f"names {path}, which is not text", "name a text file (PEM for keys)")
    return text or Wrong(f"names {path}, which is empty", "write the secret into it")


def inspect(path: Path, *, private: bool) -> Wrong | None:
    """Say why a file cannot be used, if so."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            return Wrong(f"names {path}, which is not a file", "name the right file")
        with path.open("rb") as file:
            empty = not file.read(1)
    except (OSError, ValueError) as error:  # ValueError: a path no system call takes
        return _unreadable(path, error)
    if empty:
        return Wrong(f"names {path}, which is empty", "name the right file")
    if private and _open_to_others(found):
        return Wrong(
            f"names {path}, a private key that others can read (mode {found.st_mode & 0o777:04o})",
            f"run chmod 600 {path}",
        )
    return None


def _open_to_others(found: os.stat_result) -> bool:
    """Say if more than the owner can read a file.

    A file that root owns and gives us through our group (mode 0640) is private still: that is
    how a service that is not root gets keys from Kubernetes, or from Debian's ssl-cert group.
    """
    granted = found.st_uid == 0 and os.geteuid() != 0
    return bool(found.st_mode & (0o027 if granted else 0o077))


def _unreadable(path: Path, error: OSError | ValueError) -> Wrong:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
    return Wrong(
        f"names {path}, which cannot be read ({reason.lower()})",
        "write the path of a file that the relay's user may read",
    )
