"""Checks of the users.

SES facts: v1 takes 10 MiB (SES Developer Guide, quotas).

Errors: none; findings.
"""

from collections.abc import Iterator

from relay.config.checks.syntax import check_configuration_set, check_tags
from relay.config.checks.written import Written
from relay.config.fault import Finding, Loc, shown
from relay.model.settings import (
    Api,
    CertificateMark,
    IdentifyBy,
    Listener,
    Network,
    Settings,
    User,
)

NOBODY = "-"  # stands in logs for mail of no user in particular
V1_LARGEST = 10 * 2**20


def check_users(settings: Settings, written: Written) -> Iterator[Finding]:
    """Find users that cannot be told apart, cannot log in, or point nowhere."""
    names: dict[str, int] = {}
    networks: dict[Network, int] = {}
    marks: dict[CertificateMark, int] = {}
    for n, user in enumerate(settings.users):
        loc: Loc = ("users", n)
        first = names.setdefault(user.name, n)
        if first != n:
            yield Finding(
                (*loc, "name"), f"users[{first}] has the same name", "give each user its own name"
            )
        yield from _name(user, loc)
        yield from _identity(user, loc)
        yield from _certificates(settings, n, marks)
        yield from _mail(user, loc)
        yield from _route(user, settings, written, loc)
        if user.identify_by is not IdentifyBy.NETWORK:
            continue
        for network in user.networks:
            first = networks.setdefault(network, n)
            if first != n:
                yield Finding(
                    (*loc, "networks"),
                    f"{network} names users[{first}] already",
                    "give each network one user",
                )


def _name(user: User, loc: Loc) -> Iterator[Finding]:
    if not user.name.isprintable() or user.name != user.name.strip() or len(user.name) > 255:
        yield Finding(
            (*loc, "name"),
            f"{shown(user.name)} cannot be a user's name",
            "write up to 255 printable characters, without spaces at the ends",
        )
    if user.name == NOBODY:
        yield Finding((*loc, "name"), '"-" means nobody in the logs', "give the user another name")


def _identity(user: User, loc: Loc) -> Iterator[Finding]:
    if user.password is not None and user.identify_by is not IdentifyBy.PASSWORD:
        yield Finding(
            (*loc, "password"),
            f"is never asked for, because the user is identified by {user.identify_by}",
            "remove it, or write identify_by: password",
        )
    match user.identify_by, user.password, user.networks:
        case IdentifyBy.PASSWORD, None, _:
            yield Finding(
                (*loc, "password"),
                "is missing, and the user is to be identified by it",
                "write the output of `ses-relay user hash`, or identify_by: network",
            )
        case IdentifyBy.NETWORK, _, ():
            yield Finding(
                (*loc, "identify_by"),
                "network needs networks, and there are none",
                'write networks: ["10.1.0.0/16"], or identify_by: password',
            )
        case IdentifyBy.NETWORK, _, networks if any(net.prefixlen == 0 for net in networks):
            yield Finding(
                (*loc, "networks"),
                "name all the Internet: everybody would be this user",
                'name the clients, like ["10.1.0.0/16"]',
            )
        case _:
            pass  # the ways that work


def _certificates(
    settings: Settings, n: int, marks: dict[CertificateMark, int]
) -> Iterator[Finding]:
    """Find users who cannot be told by their certificate; `marks` are those of users before."""
    user = settings.users[n]
    loc: Loc = ("users", n, "certificates")
    if user.identify_by is not IdentifyBy.CERTIFICATE:
        if user.certificates:
            yield Finding(
                loc,
                f"are never looked at, because the user is identified by {user.identify_by}",
                "remove them, or write identify_by: certificate",
            )
        return
    if not user.certificates:
        yield Finding(
            loc,
            "are missing, and the user is to be identified by them",
            'write certificates: ["app.example.com"], or identify_by: password',
        )
    elif not any(_asks_for_one(settings, listener) for listener in settings.listeners):
        yield Finding(
            loc,
            "are never shown: no listener asks for one",
            "write client_ca: clients.pem under `tls` or the listener's `tls_files`",
            rests_on=("listeners", "tls"),
        )
    for mark in user.certificates:
        first = marks.setdefault(mark, n)
        if first != n:
            yield Finding(
                loc, f"{mark} names users[{first}] already", "give each certificate one user"
            )


def _asks_for_one(settings: Settings, listener: Listener) -> bool:
    files = settings.tls_of(listener)
    return files is not None and files.client_ca is not None


def _mail(user: User, loc: Loc) -> Iterator[Finding]:
    author = user.default_from
    if author is not None and not any(sender.matches(str(author)) for sender in user.senders):
        yield Finding(
            (*loc, "default_from"),
            f"{author} is not among the user's senders",
            "add it to senders, or choose an address that fits",
        )
    yield from check_configuration_set(user.configuration_set, (*loc, "configuration_set"))
    yield from check_tags(user.tags, (*loc, "tags"))


def _route(user: User, settings: Settings, written: Written, loc: Loc) -> Iterator[Finding]:
    route = settings.routes.get(user.route)
    if route is None:
        yield Finding(
            (*loc, "route"),
            f"there is no route {shown(user.route)}",
            f"write one of: {', '.join(settings.routes)}",
            rests_on=("routes",),
        )
    elif (
        route.api is Api.V1
        and user.limits.message_size > V1_LARGEST
        # The default says what SES takes at all; the route cuts it to its own size.
        and written.has(*loc, "limits", "message_size")
    ):
        yield Finding(
            (*loc, "limits", "message_size"),
            f"route {shown(user.route)} uses api v1, which takes 10MiB at most",
            "write 10MiB or less, or api: auto for the route",
            rests_on=("routes",),
        )
