"""Where the configuration file is.

Errors: none; `None` when there is no file in any of the places.
"""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "SES_RELAY_CONFIG"
PLACES = (Path("config.yaml"), Path("/etc/ses-relay/config.yaml"))


def find(environ: Mapping[str, str]) -> Path | None:
    """Name the file to load: the variable's, there or not, else the first place that has one."""
    named = environ.get(VARIABLE)
    if named:
        return Path(named)
    return next((place for place in PLACES if place.is_file()), None)
