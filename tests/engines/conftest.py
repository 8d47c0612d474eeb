# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules against real servers: PostgreSQL behind the sandbox's API, and an OpenSSH server in the place of the platform's."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import trustme
from scalingo_sandbox.engines import FACTORIES
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.openssh import OpenSSH
from support.postgresql import PostgreSQL
from support.postgresql_tasks import (
    DOMAIN,
    ENGINE,
    FIRST,
    PASSWORDS,
    SECOND,
    SHOP,
    STRANGE,
    OnServer,
    Task,
    make_engine,
    resource,
    seed,
)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> t.Iterator[PostgreSQL]:
    """One server for all databases. Its certificate has the names of all but one."""
    names = [f"{name}.{DOMAIN}" for name in (SHOP, FIRST, SECOND)]
    issued = authority.issue_cert(*names, "localhost")
    certificate = (issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())
    with PostgreSQL(tmp_path_factory.mktemp("postgresql"), certificate=certificate, tls_only=True) as running:
        OnServer.server = running
        FACTORIES[ENGINE] = make_engine
        yield running
        del FACTORIES[ENGINE]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[OpenSSH]:
    names = [f"{name}.{DOMAIN}" for name in (SHOP, FIRST, SECOND, STRANGE)]
    with OpenSSH(tmp_path_factory.mktemp("openssh"), names) as running:
        running.accept("key")
        yield running


@pytest.fixture(scope="session")
def running_sandbox(server: PostgreSQL, gateway: OpenSSH) -> t.Iterator[Sandbox]:
    for name in PASSWORDS:
        server.create(resource(name), PASSWORDS[name])
    with Sandbox(seed=seed(server, gateway), engine=ENGINE) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, server: PostgreSQL, gateway: OpenSSH, authority: trustme.CA) -> Sandbox:
    """The sandbox with nothing left of the test before, in the databases either."""
    for name in PASSWORDS:
        left = [extension for extension in server.extensions(resource(name)) if extension != "plpgsql"]
        for extension in left:
            server.rows(f'DROP EXTENSION IF EXISTS "{extension}" CASCADE', resource(name))
    running_sandbox.reset(seed(server, gateway))
    running_sandbox.clear_faults()
    running_sandbox.running.world.set_ca_certificate(authority.cert_pem.bytes())
    running_sandbox.clear_log()
    return running_sandbox


@pytest.fixture
def task(sandbox: Sandbox, gateway: OpenSSH, tmp_path: Path) -> Task:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Task(sandbox, gateway, home)


@pytest.fixture(scope="session")
def mariadb_programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """MariaDB as if it were installed: the tree of the package needs to be told where it is."""
    tree, environment = fetched.debian("mariadb-server")
    directory = tmp_path_factory.mktemp("mariadb") / "bin"
    directory.mkdir()
    share = tree / "usr" / "share" / "mysql"
    after = (
        f'"$@" --lc-messages-dir={share} --character-sets-dir={share}/charsets --plugin-dir={tree}/usr/lib/mysql/plugin'
    )
    for name, place, words in (
        ("mariadbd", "sbin", after), ("mariadb", "bin", '"$@"'), ("mariadb-dump", "bin", '"$@"'),
        ("mariadb-install-db", "bin", f'"$@" --basedir={tree}/usr --lc-messages-dir={share}'),
    ):  # fmt: skip
        path = directory / name
        path.write_text(
            f"#!/bin/sh\nexport LD_LIBRARY_PATH={environment['LD_LIBRARY_PATH']}\nexec {tree}/usr/{place}/{name} {words}\n"
        )
        path.chmod(0o755)
    return str(directory)
