"""Checks of the routes.

SES facts: only the v2 operation has a tenant (SES API reference v2, SendEmail).

Errors: none; findings.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from relay.config.checks.syntax import check_configuration_set, check_tags
from relay.config.fault import Finding, Loc, shown
from relay.model.settings import DEFAULT_ROUTE, Api, Route, Settings

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]+)+-[0-9]{1,2}")


def check_routes(settings: Settings) -> Iterator[Finding]:
    """Find a missing default, fallbacks that lead nowhere or in a circle, and bad names."""
    if DEFAULT_ROUTE not in settings.routes:
        yield Finding(
            ("routes",), "there is no route named default", "name one of the routes default"
        )
    for name, route in settings.routes.items():
        loc: Loc = ("routes", name)
        if not _NAME.fullmatch(name):
            yield Finding(
                loc,
                f"{shown(name)} cannot be the name of a route",
                "write at most 64 letters, digits, -, _ and dots: it stands in logs and metrics",
            )
        yield from _fallback(name, settings, loc)
        yield from _request(route, loc)
        yield from _credentials(route, loc)
        yield from check_configuration_set(route.configuration_set, (*loc, "configuration_set"))
        yield from check_tags(route.tags, (*loc, "tags"))


def _fallback(name: str, settings: Settings, loc: Loc) -> Iterator[Finding]:
    walked = [name]
    while (following := settings.routes[walked[-1]].fallback) is not None:
        if following not in settings.routes:
            if len(walked) == 1:  # further on it is the other route's finding
                yield Finding(
                    (*loc, "fallback"),
                    f"there is no route {shown(following)}",
                    f"write one of: {', '.join(settings.routes)}",
                )
            return
        if len(walked) == 1:
            yield from _unlike(settings.routes[name], settings.routes[following], following, loc)
        if following == name:
            yield Finding(
                (*loc, "fallback"),
                f"goes in a circle: {' → '.join([*walked, name])}",
                "let one of these routes have no fallback",
            )
        if following in walked:
            return
        walked.append(following)


def _unlike(route: Route, other: Route, name: str, loc: Loc) -> Iterator[Finding]:
    """Find what keeps a message that was made for one route from going by the other."""
    if other.dkim is not route.dkim:
        yield Finding(
            (*loc, "fallback"),
            f"{shown(name)} says dkim: {other.dkim}, and this route dkim: {route.dkim}",
            "have both sign the same way: a message is signed before its way is known",
        )
    if other.recipients_per_request < route.recipients_per_request:
        yield Finding(
            (*loc, "fallback"),
            f"{shown(name)} takes {other.recipients_per_request} recipients_per_request, fewer "
            f"than the {route.recipients_per_request} of this route",
            "give both the same number",
        )


def _request(route: Route, loc: Loc) -> Iterator[Finding]:
    if not _REGION.fullmatch(route.region):
        yield Finding(
            (*loc, "region"),
            f"{shown(route.region)} is not an AWS Region",
            "write its code, like eu-west-1",
        )
    if route.tenant is not None and route.api is Api.V1:
        yield Finding((*loc, "api"), "v1 cannot name a tenant", "write api: auto, or remove tenant")
    if route.endpoint_url is not None and not _is_http(route.endpoint_url):
        yield Finding(
            (*loc, "endpoint_url"),
            "is not an http or https URL with a host",
            "write it like https://email.eu-west-1.amazonaws.com",
        )


def _credentials(route: Route, loc: Loc) -> Iterator[Finding]:
    arns = {
        "role_arn": route.role_arn,
        "from_arn": route.from_arn,
        "source_arn": route.source_arn,
        "return_path_arn": route.return_path_arn,
    }
    for key, arn in arns.items():
        service = "iam" if key == "role_arn" else "ses"
        if arn is not None and not re.fullmatch(
            rf"arn:[a-z-]+:{service}:[^:]*:[0-9]{{12}}:.+", arn
        ):
            yield Finding(
                (*loc, key),
                f"{shown(arn)} is not an ARN of {service.upper()}",
                f"copy it from the AWS console, where it begins with arn:aws:{service}:",
            )
    if route.external_id is not None and route.role_arn is None:
        yield Finding(
            (*loc, "external_id"), "belongs to a role, and there is none", "write role_arn too"
        )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # an unclosed [ in the host
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
