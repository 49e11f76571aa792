"""The configuration file: found, read, checked, and explained.

`load` turns YAML into `relay.model.settings.Settings` or into all that is wrong with it, each with
file, line, key and fix. `example` and `schema` are derived from the same declarations.

pydantic is known in this package alone.

Errors: none escape; `Faults` is a value.
"""

from relay.config.example import example
from relay.config.fault import Fault, Faults
from relay.config.find import find
from relay.config.load import load
from relay.config.schema import schema

__all__ = ["Fault", "Faults", "example", "find", "load", "schema"]
