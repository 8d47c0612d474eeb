# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide "Connect to a database": its plays run as they stand, with the collections of others, on real servers that only an OpenSSH server reaches."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import threading
import typing as t
from pathlib import Path

import pytest
import trustme
import yaml
from scalingo_sandbox.engines import FACTORIES, Engine, EngineSetup
from scalingo_sandbox.engines.real import make_real_engine
from scalingo_sandbox.engines.real_mariadb import account, pattern
from scalingo_sandbox.testing import Sandbox
from support.openssh import OpenSSH
from support.pages import Page
from support.playbook import ROOT, Ansible, Run, oldest_core
from support.real import Office, engine

PAGE = Page("connect")
COMMUNITY = ROOT / ".cache" / "community"
ENGINE = "real-behind-ssh"
SEED: dict[str, t.Any] = {"apps": [{"name": "shop"}]}


@pytest.fixture
def gateway(tmp_path: Path) -> t.Iterator[OpenSSH]:
    """An SSH server that knows the names of the databases, and nobody else does."""
    with OpenSSH(tmp_path / "openssh") as running:
        yield running


@pytest.fixture
def sandbox(gateway: OpenSSH) -> t.Iterator[Sandbox]:
    def make(setup: EngineSetup) -> Engine:
        """A real server under the platform's name, which alone is in its certificate."""
        name = f"{setup.resource_id.replace('_', '-')}.{setup.kind.type_name}.a.osc-fr1.scalingo-dbs.com"
        issue = setup.certificate
        assert issue is not None
        made = make_real_engine(dataclasses.replace(setup, certificate=lambda dummy: issue([name])))
        address = made.address()
        if address is not None:
            with open(gateway.directory / "hosts", "a", encoding="ascii") as handle:
                handle.write(f"{address[0]} {name}\n")
            made.address = lambda: (name, address[1])  # type: ignore[method-assign]
        return made

    FACTORIES[ENGINE] = make
    try:
        with Sandbox({**SEED, "ssh": {"osc-fr1": gateway.address}}, engine=ENGINE, speed=100) as running:
            yield running
    finally:
        del FACTORIES[ENGINE]


@pytest.fixture
def ansible(sandbox: Sandbox, gateway: OpenSSH, tmp_path: Path) -> Ansible:
    ansible = Ansible(tmp_path, sandbox.environment())
    place = tmp_path / "collections" / "ansible_collections" / "community"
    for name in ("mysql", "postgresql"):
        (place / name).symlink_to(COMMUNITY / "ansible_collections" / "community" / name)
    ansible.environment["PYTHONPATH"] = str(COMMUNITY / "python")
    keys = ansible.home / ".ssh"
    keys.mkdir(mode=0o700)
    shutil.copy(gateway.accept("key"), keys / "scalingo")
    shutil.copy(gateway.known_hosts, keys / "scalingo_known_hosts")
    return ansible


def run(ansible: Ansible, sandbox: Sandbox, name: str, *options: str) -> Run:
    """A play of the page, while somebody looks for the passwords in all processes; nothing that is shown has one."""
    known: set[str] = set()
    found: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            known.update(passwords(sandbox))
            for process in (entry for entry in os.scandir("/proc") if entry.name.isdigit()):
                with contextlib.suppress(OSError):
                    for part in ("cmdline", "environ"):
                        text = Path(process.path, part).read_bytes().decode("utf-8", "replace")
                        found.update(f"{part}: {text[:200]}" for secret in known if secret in text)
            ended.wait(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = ansible.play(PAGE.files[name], "-vvvv", *options, timeout=300)
    finally:
        ended.set()
        watcher.join()
    assert known and not found
    for secret in known:
        assert secret not in done.output
    return done.clean()


def passwords(sandbox: Sandbox) -> set[str]:
    """The passwords of all databases and of their users."""
    apps = sandbox.running.world.apps
    engines = [addon.database.engine for app in list(apps) for addon in list(app.addons)]
    return {password for made in engines for password in list(getattr(made, "_passwords", {}).values()) if password}


def test_from_nothing_to_a_privilege_in_postgresql(ansible: Ansible, sandbox: Sandbox) -> None:
    # It fills in the defaults of a group for every task, of whatever group: newer ones would not see what is undefined by then.
    ansible.programs = oldest_core()
    first = run(ansible, sandbox, "postgresql.yml").ok()
    assert first.count("changed") == 7
    database = engine(sandbox, sandbox.addon_id("shop", "postgresql"))
    rights = "SELECT has_schema_privilege('reporting', %s, 'CREATE')"
    assert [database.rows(rights, name)[0][0] for name in ("reports", "public")] == [True, False]
    second = run(ansible, sandbox, "postgresql.yml").ok()
    assert {item.task for item in second.results if item.result.get("changed")} == {
        "Open the tunnel",
        "Close the tunnel",
    }

    shown = run(ansible, sandbox, "connection.yml").ok().result("Show it")["shop.connection"]
    assert shown["host"].endswith(".scalingo-dbs.com") and shown["password"] is None

    # The name is verified, too, and the tunnel is closed all the same.
    elsewhere = PAGE.files["postgresql.yml"].replace('"{{ way.tunnel.target_host }}"', "another.scalingo-dbs.com")
    refused = ansible.play(elsewhere).failed()
    assert 'does not match host name "another.scalingo-dbs.com"' in refused.result("Create the schema")["msg"]
    assert refused.task("Close the tunnel").result["changed"]

    Office(sandbox).database("POST", sandbox.addon_id("shop", "postgresql"), "/users", json={
        "database_user": {"name": "former_one", "database_id": "shop", "password": None, "read_only": False},
    })  # fmt: skip
    users = run(ansible, sandbox, "users.yml").ok().only.result
    assert users["steps"] == ["delete the user former_one"] and len(users["users"]) == 2


@pytest.mark.long
def test_what_the_default_user_of_mysql_may_do(ansible: Ansible, sandbox: Sandbox) -> None:
    shown = run(ansible, sandbox, "mysql.yml").ok().result("Show the privileges")["granted.query_result"]
    assert "GRANT ALL PRIVILEGES" in str(shown) and "GRANT OPTION" not in str(shown)

    other = trustme.CA().cert_pem.bytes().decode()
    (play,) = yaml.safe_load(PAGE.files["mysql.yml"])
    play["tasks"][1]["ansible.builtin.copy"]["content"] = other
    assert "CERTIFICATE_VERIFY_FAILED" in ansible.play([play]).failed().result("Read the privileges")["msg"]

    refused = run(ansible, sandbox, "grants.yml").failed()
    assert "denied" in refused.result("Let the reporting user add accounts")["msg"]
    assert refused.task("Close the tunnel").result["changed"]

    database = engine(sandbox, sandbox.addon_id("shop", "mysql"))
    default = database.setup.user.name
    may = account(default)
    database.execute(
        f"GRANT SELECT ON mysql.* TO {may}", f"GRANT ALL PRIVILEGES ON {pattern(default)}.* TO {may} WITH GRANT OPTION"
    )
    assert run(ansible, sandbox, "grants.yml").ok().task("Let the reporting user add accounts").result["changed"]
    assert any("INSERT" in row[0] for row in database.execute("SHOW GRANTS FOR 'reporting'@'%'"))
    assert not run(ansible, sandbox, "grants.yml").ok().task("Let the reporting user add accounts").result["changed"]
