# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""How a task comes to talk SQL with its database (docs/contract.md sections 1.1, 7.4 and 7.9).

The options and what the API tells become a login, a way and what is asked of TLS. Nothing here changes anything.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import tempfile
import typing as t

from .. import _canon, _sql, _ssh_tunnel
from .._api.account import list_regions
from .._api.app import list_variables
from .._api.database import show_ca_certificate, show_database
from .._connection_url import ConnectionUrl, find, find_by_user
from .._errors import InvalidInput, ScalingoError, UnexpectedAnswer
from .._options import Spec
from .._shapes import or_none
from .._step import Params
from ._engine import DEDICATED

if t.TYPE_CHECKING:
    from .._client import Client

NO_ADDRESS = "the platform does not show the host and the port of the database"

#: The way through SSH.
GATEWAY = Spec(
    {
        "ssh_host": {"type": "str"},
        "ssh_user": {"type": "str", "default": "git"},
        "ssh_key_file": {"type": "path", "no_log": False},
        "ssh_known_hosts": {"type": "path"},
        "connect_timeout": {"type": "float", "default": 15.0},
    }
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that a connection needs."""

    login: _sql.Login
    gateway: _ssh_tunnel.Gateway | None
    #: The host that the certificate must be for.
    name: str
    server_version: int | None
    #: The platform's authority as PEM, unless the task names another or wants none.
    authority: str | None


def check(params: Params) -> None:
    """Refuse options that can be refused without a request."""
    check_gateway(params, ("connect_timeout", "sql_timeout"), ("ssh_key_file", "ssh_known_hosts", "ca_cert"))
    if params["connection_url"] is not None:
        _parsed(params["connection_url"])


def check_gateway(
    params: Params,
    timeouts: t.Sequence[str] = ("connect_timeout",),
    files: t.Sequence[str] = ("ssh_key_file", "ssh_known_hosts"),
) -> None:
    """Refuse what is wrong with the options of the way through SSH, and with more of their kind."""
    for option in timeouts:
        value = params[option]
        if not (math.isfinite(value) and value > 0):
            raise InvalidInput(f"{option} is {value}: use a number of seconds above 0")
    for option in files:
        path = params[option]
        if path is not None and not os.path.isfile(path):
            raise InvalidInput(
                f"{option}: there is no file {path} on the machine that runs the module",
                hint="Give the path of a file.",
            )
        if path is not None and '"' in path:
            raise InvalidInput(f"{option}: a path with a quotation mark cannot be used")
    if params["ssh_host"] is not None:
        _address("ssh_host", params["ssh_host"], _ssh_tunnel.DEFAULT_SSH_PORT)
    user = params["ssh_user"]
    if not user or user.startswith("-") or any(not sign.isprintable() or sign.isspace() for sign in user):
        raise InvalidInput(f"ssh_user: {user!r} is not the name of a user: use for example git")


class Access:
    """The SQL side of the target of a task."""

    def __init__(self, client: Client, params: Params) -> None:
        self._client = client
        self._params = params
        self._plan: Plan | None = None
        #: The database as the API showed it last, once it was needed.
        self.shown: t.Mapping[str, t.Any] | None = None

    def prepare(self) -> Plan:
        """Find out how to connect. Costs one request for the database, and one each for the variables of the app, the region's
        SSH server and the certificate of the authority, where these are needed and not given.
        """
        _sql.require_driver()
        shown = show_database(self._client)
        self.shown = shown
        hostname = shown.get("hostname")
        address = address_of(hostname if self._params["connection_url"] is None else or_none(hostname))
        login = self._login(address)
        for secret in login.secrets:
            self._client.transport.secrets.add(secret)
        own_way = login.address != address
        name = login.address.host
        if own_way and login.address.is_this_machine and address is not None:
            # The end of a tunnel that the user has made: the certificate is still the database's.
            name = address.host
        gateway = gateway_of(self._client, self._params) if self._via(shown, own_way) == "ssh" else None
        if gateway is not None:
            _ssh_tunnel.require_ssh(gateway.program)
        verified = self._params["ssl_mode"] in ("verify-full", "verify-ca")
        plan = self._plan = Plan(
            login=login,
            gateway=gateway,
            name=name,
            server_version=_major(shown),
            authority=show_ca_certificate(self._client) if verified and not self._params["ca_cert"] else None,
        )
        return plan

    @contextlib.contextmanager
    def session(self, read_only: bool) -> t.Iterator[_sql.Session]:
        """An open connection. Sends nothing to the API once it has been prepared."""
        plan = self._plan or self.prepare()
        with contextlib.ExitStack() as stack:
            authorities = self._params["ca_cert"]
            if plan.authority is not None:
                authorities = stack.enter_context(_private_file(plan.authority))
            yield stack.enter_context(
                _sql.connect(
                    plan.login,
                    _sql.Encryption(self._params["ssl_mode"], plan.name, authorities),
                    gateway=plan.gateway,
                    timeout=self._params["connect_timeout"],
                    statement_timeout=self._params["sql_timeout"],
                    server_version=plan.server_version,
                    read_only=read_only,
                )
            )

    def _login(self, address: _ssh_tunnel.Address | None) -> _sql.Login:
        if self._params["connection_url"] is not None:
            return _parsed(self._params["connection_url"])
        if address is None:
            raise NoAccess(NO_ADDRESS)
        found = find_url(self._client, address, _sql.SCHEMES)
        login = None if found is None else _sql.login_of(found[1])
        if login is None:
            raise NoAccess(
                f"no variable of the app {self._client.target.app} holds a PostgreSQL URL with the host and the port of this database, {address}"
            )
        return login

    def _via(self, shown: t.Mapping[str, t.Any], own_way: bool) -> str:
        dedicated = self._client.target.engine == DEDICATED
        via = str(self._params["via"])
        if via == "ssh" and dedicated:
            raise InvalidInput(
                "via is ssh, and the platform has no tunnel to a database with dedicated resources",
                hint="Use 'via: direct' and a firewall rule for this machine (community.scalingo.scalingo_firewall_rule).",
            )
        if via == "auto":
            return "direct" if own_way or dedicated or has_feature(shown, "publicly-available") else "ssh"
        return via


class NoAccess(ScalingoError):
    """Nothing is known that the database could be reached by, from the options of the task or from the platform."""


def address_of(hostname: t.Any) -> _ssh_tunnel.Address | None:
    """The host name of a database includes its port (docs/contract.md section 2.2)."""
    if not hostname:
        return None
    try:
        return _ssh_tunnel.parse_address(str(hostname), _sql.DEFAULT_PORT)
    except ValueError:
        raise UnexpectedAnswer("the hostname of the database is not a host with a port") from None


def required_address(shown: t.Mapping[str, t.Any]) -> _ssh_tunnel.Address:
    """Return where a database is. Raises ``NoAccess`` when the platform does not show it."""
    address = address_of(shown.get("hostname"))
    if address is None:
        raise NoAccess(NO_ADDRESS)
    return address


def has_feature(shown: t.Mapping[str, t.Any], name: str) -> bool:
    """Whether a feature of the database is active."""
    return any(
        feature.get("name") == name and feature.get("status") == "ACTIVATED" for feature in shown.get("features") or []
    )


def find_url(
    client: Client, address: _ssh_tunnel.Address, schemes: t.Container[str], by_user: bool = False
) -> tuple[str, ConnectionUrl, list[str]] | None:
    """Return the variable of the app with the URL of the database at this address, the URL, and other variables that point to it.
    With ``by_user`` the platform's own variable for its resource ID will do.

    Costs one request. Its secrets are not concealed yet. Raises ``NoAccess`` with an addon token, which does not open the app.
    """
    app = client.target.app
    if app is None:
        raise NoAccess("an addon token does not show the variables of the app, so there is no user to connect as")
    listed = list_variables(client, app)
    variables = [(str(item["name"]), str(or_none(item["value"]) or "")) for item in listed]
    name = client.target.resource_id
    found = find(variables, address, name, schemes)
    if found is None and by_user and name:
        found = find_by_user(variables, name, schemes)
    if found is None:
        return None
    return (*found, sorted(name for name, value in variables if value.strip() == f"${found[0]}"))


def gateway_of(client: Client, params: Params) -> _ssh_tunnel.Gateway:
    """Return the SSH server of the region, or the task's. Costs one request unless ``ssh_host`` is given. Raises ``NoAccess``."""
    host = params["ssh_host"]
    if host is None:
        for region in list_regions(client):
            if region.get("name") == client.region:
                host = region.get("ssh")
        if not host:
            raise NoAccess(f"the platform names no SSH server for the region {client.region}; give ssh_host")
    return _ssh_tunnel.Gateway(
        address=_address("ssh_host", host, _ssh_tunnel.DEFAULT_SSH_PORT),
        user=params["ssh_user"],
        key_file=params["ssh_key_file"],
        known_hosts=params["ssh_known_hosts"],
    )


def _parsed(url: str) -> _sql.Login:
    try:
        return _sql.parse_url(url)
    except ValueError as error:
        raise InvalidInput(f"connection_url: {error}") from None


def _address(option: str, text: str, default_port: int) -> _ssh_tunnel.Address:
    try:
        return _ssh_tunnel.parse_address(text, default_port)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from None


def _major(shown: t.Mapping[str, t.Any]) -> int | None:
    try:
        return _canon.version(or_none(shown.get("readable_version")))[0]
    except ValueError:
        return None


@contextlib.contextmanager
def _private_file(text: str) -> t.Iterator[str]:
    """A file with this text that only the user can read, as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="scalingo-") as directory:
        path = os.path.join(directory, "authorities.pem")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)
        yield path
