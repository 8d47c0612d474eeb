# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""One SQL conversation with a PostgreSQL database: where it is, how it is reached, what it said.

The platform only lists extensions, so changing them is left to SQL (docs/contract.md section 7.4). This layer stands beside
`_transport`: it knows nothing of the API. Passwords live in `Login` and nowhere else, and no text of an error holds one.

The way through SSH is the platform's own tunnel. It listens on a port of this machine for one connection, that of the
driver, and hands the accepted socket to `ssh -W` as its input and output. So the tunnel lasts exactly as long as the
driver's socket does, however this process ends: there is no port that stays open, none that had to be chosen beforehand,
and nothing to tidy up. Three things more make sure that ssh itself goes: it is ended when the conversation is; on Linux
the kernel kills it when this process dies; and elsewhere the server is told to look after its client each second, so that a
statement which nobody waits for any more is given up, and the channel closed with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import socket
import sys
import typing as t

from . import _connection_url
from ._errors import InvalidInput, OutcomeUnknown, ScalingoError, SqlRefused, Unreachable
from ._ssh_tunnel import Address, Gateway, Tunnel, require_ssh

try:
    import psycopg
    from psycopg import sql
except ImportError as error:
    PSYCOPG_PROBLEM = str(error) or "it cannot be imported"
else:
    PSYCOPG_PROBLEM = ""

#: What is taken of psycopg. tests/unit/test_frame.py compares every place that names it.
LOWEST_PSYCOPG = "3.1"
APPLICATION_NAME = "community.scalingo"
SCHEMES = ("postgres", "postgresql")
DEFAULT_PORT = _connection_url.PORTS["postgresql"]
#: What a connection URL may say besides who and where. How TLS is used is for the options of the task to say.
EXTRAS = ("hostaddr", "options", "application_name", "target_session_attrs")
#: From this version on a server can look after its client while it works.
CLIENT_CHECK_VERSION = 14


# -- where ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Login:
    """Where a database is, and as whom. Its password appears in no text made of it."""

    address: Address
    user: str
    database: str
    password: str | None = dataclasses.field(repr=False)
    extras: t.Mapping[str, str]
    #: What must never be shown: the URL, and the password as it is written in it and as it is meant.
    secrets: tuple[str, ...] = dataclasses.field(repr=False)


def is_url(text: object) -> bool:
    """Whether a text is meant as a connection URL of PostgreSQL."""
    return isinstance(text, str) and text.strip().split("://")[0].lower() in SCHEMES


def parse_url(text: str) -> Login:
    """A login from `postgresql://user:password@host:port/database`. Raises `ValueError` that repeats nothing of it."""
    try:
        login = login_of(_connection_url.parse(text)) if is_url(text) else None
    except ValueError:
        login = None
    if login is None:
        raise ValueError("it does not have the form postgresql://user:password@host:port/database")
    return login


def login_of(url: _connection_url.ConnectionUrl) -> Login | None:
    """The login of a URL; nothing when it names no user, no database or several hosts."""
    if not (url.user and url.database) or len(url.addresses) != 1:
        return None
    return Login(
        address=url.addresses[0],
        user=url.user,
        database=url.database,
        password=url.password,
        extras={name: url.query[name] for name in EXTRAS if url.query.get(name)},
        secrets=url.secrets,
    )


# -- what to say ------------------------------------------------------------------------------------------------------


class Identifier(str):
    """A name within a statement, to be quoted as one."""


class Literal(str):
    """A text within a statement, to be quoted as one."""


class Statement:
    """One SQL statement, from texts that are taken as they are, identifiers and literals."""

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def __str__(self) -> str:
        """The statement as the server gets it."""
        return "".join(_quoted(part) for part in self.parts)

    def composed(self) -> t.Any:
        """The statement for the driver, which quotes by itself."""
        return sql.Composed([_composed(part) for part in self.parts])


def _quoted(part: str) -> str:
    if isinstance(part, Identifier):
        return '"{}"'.format(part.replace('"', '""'))
    if isinstance(part, Literal):
        return "'{}'".format(part.replace("'", "''"))
    return part


def _composed(part: str) -> t.Any:
    if isinstance(part, Identifier):
        return sql.Identifier(str(part))
    if isinstance(part, Literal):
        return sql.Literal(str(part))
    return sql.SQL(t.cast(t.Any, part))


def script(statements: t.Sequence[Statement]) -> list[str]:
    """The statements as they are executed: several are one transaction."""
    lines = [str(statement) for statement in statements]
    return ["BEGIN", *lines, "COMMIT"] if len(lines) > 1 else lines


# -- how --------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Encryption:
    """What is asked of TLS: `mode` as libpq names it, `name` the host that the certificate must be for."""

    mode: str
    name: str
    authorities: str | None = None


# -- the conversation -------------------------------------------------------------------------------------------------


def require_driver() -> None:
    """Raise `ScalingoError` when the driver is missing."""
    if PSYCOPG_PROBLEM:
        raise ScalingoError(
            f"the Python library psycopg is missing for {sys.executable}: {PSYCOPG_PROBLEM}",
            hint=f"Install it, for example with: pip install 'psycopg[binary]>={LOWEST_PSYCOPG}'.",
        )


class Session:
    """An open connection to the database. Everything that it raises is a `ScalingoError`."""

    def __init__(self, connection: t.Any, login: Login) -> None:
        self._connection = connection
        self._login = login

    def rows(self, query: str) -> list[tuple[t.Any, ...]]:
        """What a query that changes nothing returns."""
        try:
            return t.cast("list[tuple[t.Any, ...]]", self._connection.execute(query).fetchall())
        except psycopg.Error as error:
            raise self._failure(error, writing=False) from None

    def execute(self, statements: t.Sequence[Statement]) -> list[str]:
        """Execute all of the statements or none. What the server says about it, such as what it removes by CASCADE.

        A single one is sent by itself, as there are extensions that can only be changed by the very first command.
        Raises `OutcomeUnknown` when the connection broke before the end was told.
        """
        said: list[str] = []
        self._connection.add_notice_handler(
            lambda notice: said.append(notice.message_detail or notice.message_primary or "")
        )
        try:
            if len(statements) == 1:
                self._connection.execute(statements[0].composed())
                return said
            with self._connection.transaction():
                for statement in statements:
                    self._connection.execute(statement.composed())
        except psycopg.Error as error:
            raise self._failure(error, writing=True) from None
        return said

    def _failure(self, error: t.Any, writing: bool) -> ScalingoError:
        failure: ScalingoError
        if error.sqlstate:
            failure = SqlRefused(_said(error), code=error.sqlstate)
        elif writing:
            failure = OutcomeUnknown(f"the connection to the database broke: {_said(error)}")
        else:
            failure = Unreachable(f"the connection to the database broke: {_said(error)}")
        failure.hide(self._login.secrets)
        return failure


@contextlib.contextmanager
def connect(
    login: Login,
    encryption: Encryption,
    *,
    gateway: Gateway | None = None,
    timeout: float,
    statement_timeout: float,
    server_version: int | None = None,
    read_only: bool = False,
) -> t.Iterator[Session]:
    """Talk to the database, directly or through an SSH server, and leave nothing behind.

    Timeouts are seconds. Raises `Unreachable`, `SqlRefused` for a login that is refused, `ScalingoError` without driver.
    """
    require_driver()
    if encryption.mode == "disable" and not login.address.is_this_machine:
        raise InvalidInput(
            f"a connection without TLS is made to this very machine only, and {login.address.host} is another"
        )
    with contextlib.ExitStack() as stack:
        place: dict[str, t.Any] = {"host": encryption.name, "port": login.address.port}
        tunnel = None
        if gateway is not None:
            require_ssh(gateway.program)
            tunnel = stack.enter_context(Tunnel(gateway, login.address, timeout))
            place.update(hostaddr="127.0.0.1", port=tunnel.port)
        elif "hostaddr" in login.extras:
            place["hostaddr"] = login.extras["hostaddr"]
        elif encryption.name != login.address.host:
            place["hostaddr"] = _resolved(login.address)
        parameters = {**_parameters(login, encryption, timeout, statement_timeout, server_version, read_only), **place}
        with _without_environment():
            try:
                connection = psycopg.connect(autocommit=True, **parameters)
            except psycopg.Error as error:
                raise _no_connection(error, login, tunnel) from None
        stack.callback(connection.close)
        yield Session(connection, login)


def _parameters(
    login: Login,
    encryption: Encryption,
    timeout: float,
    statement_timeout: float,
    server_version: int | None,
    read_only: bool,
) -> dict[str, t.Any]:
    settings = {"statement_timeout": f"{max(1, round(statement_timeout * 1000))}"}
    if server_version is not None and server_version >= CLIENT_CHECK_VERSION:
        settings["client_connection_check_interval"] = "1000"
    if read_only:
        settings["default_transaction_read_only"] = "on"
    options = " ".join("-c {}={}".format(*item) for item in settings.items())
    values: dict[str, t.Any] = {
        "application_name": APPLICATION_NAME,
        **{name: value for name, value in login.extras.items() if name != "hostaddr"},
        "user": login.user,
        "dbname": login.database,
        "password": login.password,
        "options": f"{login.extras.get('options', '')} {options}".strip(),
        "connect_timeout": max(2, round(timeout)),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "sslmode": encryption.mode,
        # Otherwise a Kerberos ticket of the user would be preferred to TLS, and nobody's certificate looked at.
        "gssencmode": "disable",
    }
    if encryption.authorities is not None:
        values["sslrootcert"] = encryption.authorities
    if psycopg.pq.version() >= 160000:
        values["sslcertmode"] = "disable"
    return values


@contextlib.contextmanager
def _without_environment() -> t.Iterator[None]:
    """Hide the variables by which the environment could send the connection, and the password, somewhere else."""
    hidden = {name: value for name, value in os.environ.items() if re.fullmatch(r"PG[A-Z]+", name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _resolved(address: Address) -> str:
    try:
        return str(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise Unreachable(f"the name {address.host} cannot be resolved: {error.strerror}") from None


def _no_connection(error: t.Any, login: Login, tunnel: Tunnel | None) -> ScalingoError:
    said = _said(error)
    refused = re.search(r"FATAL:\s*(.*)", said)
    failure: ScalingoError | None = None
    if refused:
        failure = SqlRefused(
            f"the database server refuses the login of the user {login.user}: {refused.group(1)}",
            hint="Check the user and the password of the connection URL.",
        )
    elif re.search(r"(?i)certificate|does not support SSL", said):
        failure = Unreachable(
            f"no TLS connection to the database is possible: {said}",
            hint="The certificate must be for the database's own host name and come from the platform's authority, or from that of ca_cert.",
        )
    elif tunnel is not None:
        failure = tunnel.problem()
    if failure is None:
        failure = Unreachable(f"the database at {login.address} cannot be reached: {said}")
    failure.hide(login.secrets)
    return failure


def _said(error: t.Any) -> str:
    """What server or driver said, on one line, without the driver's own preludes."""
    parts = [error.diag.message_primary, error.diag.message_detail, error.diag.message_hint]
    text = " ".join(part.rstrip(".") + "." for part in parts if part) or str(error)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"^connection failed: ", "", text)
    text = re.sub(r'connection to server at "[^"]*"(?: \([^)]*\))?, port \d+ failed: ', "", text)
    return text.split(" Multiple connection attempts failed")[0].rstrip(".") or type(error).__name__
