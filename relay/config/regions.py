"""The AWS Region of each route, where the environment says it and the file does not.

AWS's own tools read AWS_REGION before AWS_DEFAULT_REGION (AWS SDKs and Tools Reference Guide,
region).

Errors: none; a route without any Region is a finding.
"""

from collections.abc import Mapping

from relay.config.shape import INVALID, Shape


def fill_regions(made: Shape, environ: Mapping[str, str]) -> None:
    """Give each route its Region, and make the default route where the file has none."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if "routes" not in made.data:
        if not region:
            made.data["routes"] = made.refuse(
                ("routes",),
                "there is no route to SES",
                "write routes: {default: {region: eu-west-1}}, or set AWS_REGION",
            )
            return
        made.data["routes"] = {"default": {}}
    routes = made.data["routes"]
    if not isinstance(routes, dict):
        return
    for name, route in routes.items():
        if isinstance(route, dict) and route.get("region") is None:
            route["region"] = region or INVALID
            if not region:
                made.refuse(
                    ("routes", name, "region"),
                    "the route has no Region",
                    "write region: eu-west-1, or set AWS_REGION",
                )
