"""The configuration file: found, read, checked, and explained.

`load` turns YAML into `relay.model.settings.Settings` or into all that is wrong with it, each with
file, line, key and fix. `example` and `schema` are derived from the same declarations.

pydantic is known in this package alone.

Errors: none escape; `Faults` is a value.
"""

from relay.config.annotated import example
from relay.config.fault import Fault, Faults
from relay.config.json_schema import schema
from relay.config.loader import load
from relay.config.places import find

__all__ = ["Fault", "Faults", "example", "find", "load", "schema"]
