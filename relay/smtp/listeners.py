"""The listeners: opens them, keeps an eye on the sessions, reloads, stops.

Errors: `ListenFault` for each listener that cannot be opened; the others are opened all the same.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from relay.model.clock import Clock
from relay.model.ports import Reception
from relay.model.settings import BounceTo, Listener, Settings, Tls, TlsMode
from relay.smtp.census import Census
from relay.smtp.certificates import Certificate, CertificateFault
from relay.smtp.door import Door, House
from relay.smtp.guesses import Guesses
from relay.smtp.passwords import Passwords
from relay.smtp.paths import PathRules
from relay.smtp.patience import Patience
from relay.smtp.session import Session
from relay.smtp.sockets import Doors, ListenFault, OwnDoors
from relay.smtp.users import Users
from relay.smtp.verbs import SubmissionSession
from relay.telemetry import Telemetry

_OWN = OwnDoors()
LOOK_EACH = 1.0  # seconds between two looks at all sessions


@dataclass(slots=True)
class _Open:
    """One open listener. Its door changes with a reload, its sockets do not."""

    door: Door
    servers: tuple[asyncio.Server, ...] = ()


class Listeners:
    """The front door of the relay."""

    def __init__(
        self,
        reception: Reception,
        settings_now: Callable[[], Settings],
        telemetry: Telemetry,
        clock: Clock,
        doors: Doors = _OWN,
    ) -> None:
        self._doors = doors
        self._settings_now = settings_now
        self._telemetry = telemetry
        self._clock = clock
        self._house = House(
            reception=reception,
            telemetry=telemetry,
            clock=clock,
            census=Census(),
            guesses=Guesses(clock),
            passwords=Passwords(clock),
        )
        self._open: dict[str, _Open] = {}  # by bind
        self._certificates: dict[Tls, Certificate] = {}
        self._sessions: set[Session] = set()
        self._patience = Patience()
        self._own_name = ""  # asked for once
        self._stopped = False

    @property
    def sessions(self) -> int:
        """Sessions open now."""
        return len(self._sessions)

    @property
    def guesses(self) -> Guesses:
        """Who guessed at passwords."""
        return self._house.guesses

    @property
    def addresses(self) -> Mapping[str, tuple[object, ...]]:
        """Where each open listener is reached, by bind: the names of its sockets.

        This is how a port that the system chose (0) is known.
        """
        return {
            bind: tuple(sock.getsockname() for server in known.servers for sock in server.sockets)
            for bind, known in self._open.items()
        }

    async def start(self) -> tuple[ListenFault, ...]:
        """Open all listeners of the settings."""
        return await self.reload()

    async def reload(self) -> tuple[ListenFault, ...]:
        """Open, change and close listeners as the settings of now say; no session is dropped.

        What is stopped opens nothing any more.
        """
        settings = self._settings_now()
        if settings.hostname is None and not self._own_name:
            self._own_name = await _own_name()
        users = Users(settings.users)
        self._house.passwords.imitate(users.with_passwords())
        wanted = {str(listener.bind): listener for listener in settings.listeners}
        for bind in self._open.keys() - wanted.keys():
            self._close(self._open.pop(bind))
        faults = []
        for bind, listener in wanted.items():
            door = self._door(listener, settings, users)
            if isinstance(door, ListenFault):
                faults.append(door)
            elif bind in self._open:
                self._open[bind].door = door
            elif not self._stopped and (fault := await self._start(bind, door)) is not None:
                faults.append(fault)
        used = {settings.tls_of(listener) for listener in wanted.values()}
        self._certificates = {
            files: known for files, known in self._certificates.items() if files in used
        }
        return tuple(faults)

    async def reopen(self, binds: Iterable[str]) -> None:
        """Take the sockets of these anew, of which the doors have more or fewer now."""
        for bind in binds:
            known = self._open.get(bind)
            if known is None:
                continue
            sockets = self._doors.open(known.door.listener.bind)
            if isinstance(sockets, ListenFault):  # about to be closed
                continue
            servers = await self._serve_all(sockets, known)
            if self._open.get(bind) is known:  # still
                servers, known.servers = known.servers, servers
            for server in servers:
                server.close()

    async def run(self) -> None:
        """Look at all sessions and certificates, for ever; the service owns this task."""
        while True:
            await self._clock.sleep(LOOK_EACH)
            self.look()

    def look(self) -> None:
        """End sessions whose time is up, and read certificates that were replaced."""
        now = self._clock.monotonic()
        for session in tuple(self._sessions):
            self._patience.look_at(session, now)
        for certificate in self._certificates.values():
            fault = certificate.refresh()
            if fault is not None:
                self._telemetry.relay.fault("certificate", fault.error)

    async def stop(self, grace: float) -> None:
        """Close the listeners, let idle sessions go, give the others `grace` seconds to end."""
        self._stopped = True
        for known in self._open.values():
            self._close(known)
        self._open.clear()
        for session in tuple(self._sessions):
            session.dismiss()
        tasks = {session.task for session in self._sessions if session.task is not None}
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=grace)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished)
        self._house.passwords.close()

    def _door(self, listener: Listener, settings: Settings, users: Users) -> Door | ListenFault:
        certificate: Certificate | None = None
        if listener.tls is not TlsMode.OFF:
            files = settings.tls_of(listener)
            if files is None:
                return ListenFault(str(listener.bind), "it speaks TLS but no certificate is named")
            loaded = self._certificate(files)
            if isinstance(loaded, CertificateFault):
                return ListenFault(str(listener.bind), loaded.reason)
            certificate = loaded
        return Door(
            listener=listener,
            name=listener.name or str(listener.bind),
            hostname=settings.hostname or self._own_name,
            certificate=certificate,
            users=users,
            dsn=settings.bounces.to is not BounceTo.OFF,
            paths=PathRules(listener.strict_addresses, listener.default_domain),
        )

    def _certificate(self, files: Tls) -> Certificate | CertificateFault:
        known = self._certificates.get(files)
        if known is None:
            loaded = Certificate.load(files)
            if isinstance(loaded, CertificateFault):
                return loaded
            known = self._certificates[files] = loaded
        return known

    async def _start(self, bind: str, door: Door) -> ListenFault | None:
        sockets = self._doors.open(door.listener.bind)
        if isinstance(sockets, ListenFault):
            return sockets
        known = _Open(door)
        known.servers = await self._serve_all(sockets, known)
        if self._stopped:  # meanwhile
            self._close(known)
        else:
            self._open[bind] = known
        return None

    async def _serve_all(
        self, sockets: Iterable[socket.socket], known: _Open
    ) -> tuple[asyncio.Server, ...]:
        return tuple([await self._serve(sock, known) for sock in sockets])

    async def _serve(self, sock: socket.socket, known: _Open) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def arrive() -> Session:
            session = SubmissionSession(loop, known.door, self._house, self._left)
            self._sessions.add(session)
            return session

        if sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(arrive, sock=sock)
        return await loop.create_server(arrive, sock=sock)

    def _close(self, known: _Open) -> None:
        for server in known.servers:
            server.close()
        self._doors.gone(known.door.listener.bind)

    def _left(self, session: Session) -> None:
        self._sessions.discard(session)
        self._patience.forget(session)


async def _own_name() -> str:
    """Ask the system for its own name; the resolver may take its time."""
    return await asyncio.get_running_loop().run_in_executor(None, socket.getfqdn)
