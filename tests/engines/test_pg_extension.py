# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scalingo_pg_extension against a real PostgreSQL server, mostly through a real OpenSSH server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import typing as t
import urllib.parse
from pathlib import Path

import pytest
import trustme
from scalingo_sandbox.testing import Sandbox
from support.openssh import OpenSSH
from support.port import Report
from support.postgresql import PostgreSQL
from support.postgresql_tasks import DOMAIN, FIRST_ADDON, PASSWORDS, SECOND_ADDON, SHOP, Task, shown, tunnels
from support.programs import until

SHOP_DATABASE = "shop_1002"
INSTALLED_AT_FIRST = {"plpgsql"}


@pytest.fixture(autouse=True)
def no_tunnel_stays(task: Task, gateway: OpenSSH) -> t.Iterator[None]:
    """Whatever a test does, no process of a tunnel outlives its task."""
    yield
    assert not tunnels(gateway.known_hosts)


def done(report: Report) -> Report:
    assert not report.failed, shown(report)
    return report


def refused(report: Report, *words: str) -> Report:
    assert report.failed, shown(report)
    for word in words:
        assert word in report.message, report.message
    assert not report.changed
    return report


# -- what it is for ---------------------------------------------------------------------------------------------------


def test_extensions_are_really_installed_and_removed_again(task: Task, server: PostgreSQL, gateway: OpenSSH) -> None:
    wanted = {"names": ["pg_trgm", "hstore"]}
    report = done(task.extension(**wanted))
    assert report.changed and set(server.extensions(SHOP_DATABASE)) == {"plpgsql", "pg_trgm", "hstore"}
    assert report.result["queries"] == [
        "BEGIN",
        'CREATE EXTENSION IF NOT EXISTS "pg_trgm"',
        'CREATE EXTENSION IF NOT EXISTS "hstore"',
        "COMMIT",
    ]
    assert report.result["previous_versions"] == {"pg_trgm": None, "hstore": None}
    assert {item["name"]: item["version"] for item in report.result["extensions"]} == server.extensions(SHOP_DATABASE)

    report = done(task.extension(**wanted, state="absent"))
    assert report.changed and set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST
    assert report.result["queries"] == ['DROP EXTENSION IF EXISTS "pg_trgm", "hstore"']
    assert report.result["previous_versions"] == {"pg_trgm": "1.6", "hstore": "1.8"}
    assert not done(task.extension(**wanted, state="absent")).changed


def test_a_second_run_sends_no_sql_and_one_request(task: Task, gateway: OpenSSH, server: PostgreSQL) -> None:
    done(task.extension(name="pg_trgm"))
    logins, lines = gateway.logins(), server.log()
    report = done(task.extension(name="pg_trgm"))
    assert not report.changed and report.result["api_usage"]["requests"] == 1
    assert report.result["queries"] == [] and report.result["extension"] == {"name": "pg_trgm", "version": "1.6"}
    assert gateway.logins() == logins and server.log() == lines


def test_the_cost_of_a_change_is_what_the_documentation_says(
    task: Task, sandbox: Sandbox, authority: trustme.CA, tmp_path: Path
) -> None:
    done(task.extension(name="plpgsql"))
    report = done(task.extension(name="pg_trgm"))
    assert report.result["api_usage"]["requests"] == 3 + 1 + 1 + 1
    certificate = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    more = {"ca_cert": str(certificate), "ssh_host": task.gateway.address, "connection_url": url(sandbox)}
    assert done(task.extension(name="hstore", **more)).result["api_usage"]["requests"] == 3
    assert done(task.extension(name="hstore", state="latest")).result["api_usage"]["requests"] == 5
    assert done(task.extension(name="citext", state="latest")).result["api_usage"]["requests"] == 6
    assert done(task.extension(name="pg_stat_statements")).result["api_usage"]["requests"] == 3


def url(sandbox: Sandbox, password: str = PASSWORDS[SHOP], place: str | None = None) -> str:
    hostname = place or sandbox.state()["apps"][0]["addons"][0]["database"]["hostname"]
    return "postgresql://{}:{}@{}/{}".format(
        SHOP_DATABASE, urllib.parse.quote(password, safe=""), hostname, SHOP_DATABASE
    )


def test_check_mode_says_the_same_and_connects_to_nothing(
    task: Task, server: PostgreSQL, gateway: OpenSSH, sandbox: Sandbox
) -> None:
    logins = gateway.logins()
    checked = done(task.extension(name="pg_trgm", check=True))
    assert (
        gateway.logins() == logins
        and set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST
        and not sandbox.unsafe()
    )
    real = done(task.extension(name="pg_trgm"))
    for key in ("changed", "diff", "steps", "queries", "previous_version"):
        assert checked.result[key] == real.result[key], key
    assert checked.result["extension"] == {"name": "pg_trgm", "version": None}


def test_statistics_of_statements_come_through_the_api(
    task: Task, server: PostgreSQL, gateway: OpenSSH, sandbox: Sandbox
) -> None:
    logins = gateway.logins()
    report = done(task.extension(name="pg_stat_statements"))
    assert report.changed and report.result["queries"] == [] and gateway.logins() == logins
    assert [record.action_name for record in sandbox.unsafe()] == ["pg-stat-statements-enable"]
    assert "pg_stat_statements" in server.extensions(SHOP_DATABASE)


def test_statistics_of_statements_come_last(task: Task, server: PostgreSQL, sandbox: Sandbox) -> None:
    refused(task.extension(names=["pg_stat_statements", "dblink"]), "dblink")
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST and not sandbox.unsafe()
    report = done(task.extension(names=["pg_stat_statements", "hstore"]))
    assert report.result["steps"] == ["install the extension hstore", "enable pg_stat_statements"]
    assert set(server.extensions(SHOP_DATABASE)) == {"plpgsql", "hstore", "pg_stat_statements"}


# -- what the server refuses ------------------------------------------------------------------------------------------


def test_a_name_that_is_not_allowed_gives_the_servers_message_and_nothing_half_done(
    task: Task, server: PostgreSQL
) -> None:
    report = refused(
        task.extension(names=["pg_trgm", "dblink", "hstore"]), 'permission denied to create extension "dblink"', "42501"
    )
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST
    assert report.kind == "SqlRefused" and report.result["steps_done"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "no_such_extension"}, ["is not available", "does not have this extension"]),
        ({"name": "citext", "version": "99"}, ["no installation script", "state: latest"]),
        ({"name": "earthdistance"}, ['required extension "cube" is not installed', "cascade: true"]),
        ({"name": "pg_repack"}, ["superuser", "operators"]),
        ({"name": "anon"}, ["support only"]),
        ({"name": "citext", "schema": "nowhere"}, ['schema "nowhere" does not exist']),
        ({"name": 'x" CASCADE; DROP TABLE kept; --'}, ["invalid extension name"]),
    ],
)
def test_refusals_say_what_to_do(task: Task, server: PostgreSQL, arguments: dict[str, t.Any], words: list[str]) -> None:
    refused(task.extension(**arguments), *words)
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "pgvector"}, ["there is no extension pgvector", "Its name is vector"]),
        ({"name": "uuid_ossp"}, ["Its name is uuid-ossp"]),
        ({"name": "pgtrgm"}, ["Its name is pg_trgm"]),
        ({"name": "HSTORE"}, ["Its name is hstore"]),
        ({"names": ["hstore", "timescale"], "state": "absent"}, ["Its name is timescaledb"]),
        ({"name": "plpgsql", "state": "absent"}, ["never removed"]),
        ({"name": "hstore", "ssh_key_file": "/nonexistent/key"}, ["there is no file /nonexistent/key"]),
    ],
)
def test_mistakes_are_refused_before_any_request(
    task: Task, sandbox: Sandbox, arguments: dict[str, t.Any], words: list[str]
) -> None:
    refused(task.extension(**arguments), *words)
    assert sandbox.log() == []


def test_what_depends_on_an_extension_goes_with_cascade_only(task: Task, server: PostgreSQL) -> None:
    done(task.extension(name="hstore"))
    server.rows("CREATE TABLE kept (id int, fields hstore)", SHOP_DATABASE)
    try:
        refused(task.extension(name="hstore", state="absent"), "depend on it", "cascade: true")
        assert "hstore" in server.extensions(SHOP_DATABASE)
        removed = done(task.extension(name="hstore", state="absent", cascade=True)).result
        assert removed["queries"] == ['DROP EXTENSION IF EXISTS "hstore" CASCADE']
        assert "the database server says: drop cascades to column fields of table kept" in removed["notes"][-1]
        assert server.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0 AND NOT attisdropped",
            SHOP_DATABASE,
        ) == [("id",)]
    finally:
        server.rows("DROP TABLE kept", SHOP_DATABASE)


@pytest.fixture
def all_allowed(server: PostgreSQL) -> t.Iterator[None]:
    """The platform's list has extensions that PostgreSQL itself leaves to a superuser."""
    server.rows("ALTER ROLE shop_1002 SUPERUSER")
    yield
    server.rows("ALTER ROLE shop_1002 NOSUPERUSER")


@pytest.mark.usefixtures("all_allowed")
def test_cascade_installs_what_is_needed(task: Task, server: PostgreSQL) -> None:
    done(task.extension(name="earthdistance", cascade=True))
    assert set(server.extensions(SHOP_DATABASE)) == {"plpgsql", "cube", "earthdistance"}


@pytest.mark.usefixtures("all_allowed")
def test_extensions_that_need_each_other_go_together(task: Task, server: PostgreSQL) -> None:
    done(task.extension(names=["cube", "earthdistance"]))
    done(task.extension(names=["cube", "earthdistance"], state="absent"))
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST


def test_a_statement_that_waits_for_a_lock_is_given_up(task: Task, server: PostgreSQL) -> None:
    with held_back(server):
        refused(task.extension(name="hstore", sql_timeout=0.5), "statement timeout", "sql_timeout")
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST


@contextlib.contextmanager
def held_back(server: PostgreSQL) -> t.Iterator[None]:
    """Whoever installs hstore has to wait for somebody who is about to."""
    with server.superuser(SHOP_DATABASE) as connection, connection.transaction(force_rollback=True):
        connection.execute("CREATE EXTENSION hstore")
        yield


# -- versions and schemas ---------------------------------------------------------------------------------------------


def test_versions(task: Task, server: PostgreSQL) -> None:
    assert done(task.extension(name="pg_trgm", version="1.5")).result["queries"] == [
        "CREATE EXTENSION IF NOT EXISTS \"pg_trgm\" VERSION '1.5'"
    ]
    assert not done(task.extension(name="pg_trgm")).changed, "what is there stays at its version"
    assert not done(task.extension(name="pg_trgm", version="v1.5")).changed
    report = done(task.extension(name="pg_trgm", version="1.6"))
    assert report.result["queries"] == ["ALTER EXTENSION \"pg_trgm\" UPDATE TO '1.6'"]
    assert (report.result["previous_version"], report.result["extension"]["version"]) == ("1.5", "1.6")
    assert server.extensions(SHOP_DATABASE)["pg_trgm"] == "1.6"


def test_latest_is_what_the_server_has(task: Task, server: PostgreSQL, gateway: OpenSSH) -> None:
    done(task.extension(name="pg_trgm", version="1.4"))
    wanted = {"names": ["pg_trgm", "hstore", "citext"], "state": "latest"}
    done(task.extension(name="citext"))
    checked = done(task.extension(**wanted, check=True))
    assert server.extensions(SHOP_DATABASE)["pg_trgm"] == "1.4"
    logins = gateway.logins()
    real = done(task.extension(**wanted))
    assert gateway.logins() == logins + 2, "one to ask, and one of its own for the change"
    assert checked.result["diff"] == real.result["diff"] and checked.result["extensions"] == real.result["extensions"]
    assert {**server.extensions(SHOP_DATABASE), "plpgsql": "1.0"} == {
        "plpgsql": "1.0",
        "pg_trgm": "1.6",
        "hstore": "1.8",
        "citext": "1.6",
    }
    assert not done(task.extension(**wanted)).changed
    refused(task.extension(name="trg", state="latest"), "the server has no extension trg", "pg_trgm")


def test_the_connection_that_asks_cannot_write(task: Task, server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.community.scalingo.plugins.module_utils import _sql

    def rows(self: t.Any, query: str) -> t.Any:
        return self._connection.execute("CREATE EXTENSION hstore")

    monkeypatch.setattr(_sql.Session, "rows", rows)
    report = task.extension(name="hstore", state="latest", check=True)
    assert report.failed and set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST


def test_a_schema_is_used_at_installation_only(task: Task, server: PostgreSQL) -> None:
    server.rows(
        'CREATE SCHEMA IF NOT EXISTS "odd ""name"; GRANT ALL ON SCHEMA "odd ""name" TO shop_1002', SHOP_DATABASE
    )
    done(task.extension(name="hstore", schema='odd "name'))
    where = "SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'hstore'"
    assert server.rows(where, SHOP_DATABASE) == [('odd "name',)]
    assert not done(task.extension(name="hstore", schema="public")).changed


# -- the right database -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addon", "chosen", "other"), [(FIRST_ADDON, "twins_1", "twins_2"), (SECOND_ADDON, "twins_2", "twins_1")]
)
def test_of_two_databases_of_an_app_the_right_one_is_changed(
    task: Task, server: PostgreSQL, sandbox: Sandbox, addon: str, chosen: str, other: str
) -> None:
    names = [variable for variable in sandbox.state()["apps"][1]["variables"] if "POSTGRESQL" in variable]
    assert len(names) == 2, "the app has a variable for each of them"
    done(task.extension("twins", addon=addon, name="hstore"))
    assert "hstore" in server.extensions(chosen) and "hstore" not in server.extensions(other)


def variables(sandbox: Sandbox, app: str) -> dict[str, str]:
    """The variables of an app as the sandbox holds them: changing them changes what the API shows."""
    found = sandbox.running.world.find_app("osc-fr1", app)
    assert found is not None
    return found.variables


def test_without_a_variable_for_this_database_no_other_is_taken(
    task: Task, server: PostgreSQL, sandbox: Sandbox
) -> None:
    del variables(sandbox, "twins")["SCALINGO_POSTGRESQL_URL"]
    report = refused(
        task.extension("twins", addon=FIRST_ADDON, name="hstore"),
        "no variable of the app twins holds a PostgreSQL URL",
        f"twins-1.{DOMAIN}:{server.port}",
        'CREATE EXTENSION IF NOT EXISTS "hstore"',
        "Ways in",
    )
    assert report.kind == "NoAccess"
    assert "hstore" not in server.extensions("twins_1") and "hstore" not in server.extensions("twins_2")


def test_the_variable_of_the_platform_comes_before_those_of_the_user(
    task: Task, server: PostgreSQL, sandbox: Sandbox
) -> None:
    own = variables(sandbox, "shop")
    right = own["SCALINGO_POSTGRESQL_URL"]
    own["A_READER"] = right.replace("shop_1002:", "reader:", 1)
    own["BROKEN"] = "postgresql://"
    done(task.extension(name="hstore"))
    # Under another name it is still found, by the user.
    own["Z_OWN_NAME"] = own.pop("SCALINGO_POSTGRESQL_URL")
    done(task.extension(name="citext"))
    assert set(server.extensions(SHOP_DATABASE)) == {"plpgsql", "hstore", "citext"}


# -- ways in ----------------------------------------------------------------------------------------------------------


def test_an_unreachable_database_gives_the_sql_and_the_ways_in(task: Task, server: PostgreSQL) -> None:
    report = refused(
        task.extension(names=["pg_trgm", "hstore"], ssh=False, via="direct"),
        "cannot be reached",
        'BEGIN; CREATE EXTENSION IF NOT EXISTS "pg_trgm"; CREATE EXTENSION IF NOT EXISTS "hstore"; COMMIT',
        "pgsql-console",
        "via: ssh",
        "publicly-available",
        "db-tunnel",
    )
    assert report.kind == "Unreachable"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{probe.getsockname()[1]}"
    refused(task.extension(name="hstore", ssh_host=closed), "Connection refused", "Ways in")
    refused(task.extension(name="hstore", ssh_host="no-such-host.invalid"), "cannot be resolved", "Ways in")
    refused(
        task.extension(name="hstore", connection_url=url(task.sandbox, place=closed), ssh=False),
        "Connection refused",
        "Ways in",
    )


def test_a_database_that_is_publicly_available_is_reached_directly(
    task: Task, server: PostgreSQL, gateway: OpenSSH
) -> None:
    logins = gateway.logins()
    report = done(task.extension("open", name="hstore", ssh=False))
    assert "hstore" in server.extensions("open_1") and gateway.logins() == logins
    assert report.result["api_usage"]["requests"] <= 3 + 1 + 1 + 3
    refused(
        task.extension("open", name="citext", via="ssh", ssh_key_file=str(gateway.make_key("stranger-1"))),
        "accepts none of the SSH keys",
    )


def test_a_tunnel_of_ones_own_is_verified_by_the_databases_name(
    task: Task, server: PostgreSQL, sandbox: Sandbox
) -> None:
    by_tunnel = url(sandbox, place=f"127.0.0.1:{server.port}")
    done(task.extension(name="hstore", connection_url=by_tunnel, ssh=False))
    variables(sandbox, "strange")
    other = by_tunnel.replace("shop_1002", "strange_1").replace(PASSWORDS[SHOP], PASSWORDS["strange-1"])
    refused(
        task.extension("strange", name="hstore", connection_url=other, ssh=False),
        "does not match host name",
        "strange-1." + DOMAIN,
    )


def test_without_tls_only_this_machine_is_spoken_to(task: Task, sandbox: Sandbox) -> None:
    refused(task.extension(name="hstore", ssl_mode="disable"), "without TLS", "this very machine")
    # The server of these tests takes no clear text. That it refuses shows that it was asked for.
    place = sandbox.state()["apps"][0]["addons"][0]["database"]["hostname"].rpartition(":")[2]
    refused(
        task.extension(
            name="hstore", ssl_mode="disable", ssh=False, connection_url=url(sandbox, place="127.0.0.1:" + place)
        ),
        "refuses the login",
        "no encryption",
    )


def test_a_database_with_dedicated_resources_has_no_tunnel(task: Task, sandbox: Sandbox) -> None:
    sandbox.reset({"apps": [{"name": "large", "addons": [{"provider": "postgresql-ng", "resource_id": "shop_1002"}]}]})
    refused(task.extension("large", addon="postgresql-ng", name="hstore", via="ssh"), "no tunnel", "via: direct")
    refused(
        task.extension("large", addon="postgresql-ng", name="hstore", ssh=False),
        "cannot be reached",
        "scalingo_firewall_rule",
    )


def test_a_busy_database_is_not_connected_to(task: Task, sandbox: Sandbox, gateway: OpenSSH) -> None:
    with sandbox.running.world.lock:
        found = sandbox.running.world.find_app("osc-fr1", "shop")
        assert found is not None
        found.addons[0].database.status = "updating"
    logins = gateway.logins()
    refused(task.extension(name="hstore", on_busy="fail"), "updating", "on_busy: wait")
    refused(task.extension(name="hstore", on_busy="fail", state="latest"), "updating")
    refused(
        task.extension(name="hstore", wait_timeout=1, wait_interval=0.2),
        "waited 1 seconds, and the database is updating",
    )
    assert gateway.logins() == logins


# -- the tunnel -------------------------------------------------------------------------------------------------------


def known(path: Path, gateway: OpenSSH, *keys: str) -> str:
    path.write_text("".join(f"[{gateway.host}]:{gateway.port} {gateway.public(key)}" for key in keys), encoding="ascii")
    return str(path)


def test_another_host_key_is_refused(task: Task, server: PostgreSQL, gateway: OpenSSH, tmp_path: Path) -> None:
    gateway.make_key("other_host_key")
    logins = gateway.logins()
    refused(
        task.extension(name="hstore", ssh_known_hosts=known(tmp_path / "changed", gateway, "other_host_key")),
        f"the host key of the SSH server {gateway.address} is not the one that is known",
        "fingerprints",
    )
    refused(
        task.extension(name="hstore", ssh_known_hosts=known(tmp_path / "empty", gateway)),
        f"the host key of the SSH server {gateway.address} is not known",
        "ssh_known_hosts",
    )
    done(task.extension(name="hstore", ssh_known_hosts=known(tmp_path / "path with 100%d signs", gateway, "host_key")))
    assert gateway.logins() == logins + 1


def test_another_key_is_refused_with_a_clear_sentence(task: Task, gateway: OpenSSH, tmp_path: Path) -> None:
    refused(
        task.extension(name="hstore", ssh_key_file=str(gateway.make_key("stranger-2"))),
        "accepts none of the SSH keys for the user git",
        "Add the public key to the Scalingo account",
    )
    refused(task.extension(name="hstore", ssh_user="somebody"), "for the user somebody")
    refused(
        task.extension(name="hstore", ssh_key_file=str(gateway.make_key("locked", passphrase="words"))), "passphrase"
    )
    garbage = tmp_path / "garbage"
    garbage.write_text("no key at all\n", encoding="ascii")
    garbage.chmod(0o600)
    refused(task.extension(name="hstore", ssh_key_file=str(garbage)), "cannot read the key file")
    garbage.chmod(0o644)
    refused(task.extension(name="hstore", ssh_key_file=str(garbage)), "0600")


def test_tls_is_verified_through_the_tunnel(task: Task, server: PostgreSQL, sandbox: Sandbox, tmp_path: Path) -> None:
    another = trustme.CA()
    certificate = tmp_path / "another.pem"
    another.cert_pem.write_to_path(str(certificate))
    refused(task.extension(name="hstore", ca_cert=str(certificate)), "certificate verify failed")
    # The platform's own answer is what is trusted otherwise.
    sandbox.running.world.set_ca_certificate(another.cert_pem.bytes())
    refused(task.extension(name="hstore"), "certificate verify failed")
    refused(task.extension(name="hstore", ssl_mode="verify-ca"), "certificate verify failed")
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST
    done(task.extension(name="hstore", ssl_mode="require"))


def test_a_certificate_for_another_name_is_refused(task: Task, server: PostgreSQL) -> None:
    refused(task.extension("strange", name="hstore"), "does not match host name", f"strange-1.{DOMAIN}")
    assert "hstore" not in server.extensions("strange_1")
    done(task.extension("strange", name="hstore", ssl_mode="verify-ca"))


def test_no_port_stays_open(task: Task, server: PostgreSQL, gateway: OpenSSH, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else of this machine can come in by the tunnel once the driver has."""
    from ansible_collections.community.scalingo.plugins.module_utils import _sql

    tried: list[int] = []
    execute = _sql.Session.execute

    def knock(self: t.Any, statements: t.Any) -> list[str]:
        port = self._connection.info.port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
        tried.append(port)
        return execute(self, statements)

    monkeypatch.setattr(_sql.Session, "execute", knock)
    done(task.extension(name="hstore"))
    assert len(tried) == 1 and tried[0] not in (gateway.port, server.port)


WORKER = """
import json, signal, sys
# Whoever runs the tests in the background has SIGINT ignored, and so have all that come from there.
signal.signal(signal.SIGINT, signal.default_int_handler)
for path in json.loads(sys.argv[1]):
    sys.path.insert(0, path)
import conftest_of_the_root
from ansible_collections.community.scalingo.plugins.modules import scalingo_pg_extension
from pathlib import Path
from support.port import perform
print("begun", flush=True)
report = perform(scalingo_pg_extension, json.loads(sys.argv[2]), home=Path(sys.argv[3]))
print(report.everything(), flush=True)
"""


@pytest.fixture
def worker(task: Task, tmp_path: Path) -> t.Iterator[t.Callable[..., subprocess.Popen[str]]]:
    """A task in a process of its own, to be killed."""
    root = Path(__file__).resolve().parents[2]
    place = str(root / "conftest.py")
    text = Path(place).read_text(encoding="utf-8").replace("__file__", repr(place))
    (tmp_path / "conftest_of_the_root.py").write_text(text, encoding="utf-8")
    started: list[subprocess.Popen[str]] = []

    def start(environment: t.Mapping[str, str] | None = None, **more: t.Any) -> subprocess.Popen[str]:
        arguments = json.dumps(task.params(**task.by_ssh(**more)))
        paths = json.dumps([str(tmp_path), str(root / "tests")])
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, paths, arguments, str(task.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def running_tunnel(gateway: OpenSSH, module: subprocess.Popen[str]) -> list[int]:
    return [pid for pid in tunnels(gateway.known_hosts) if pid != module.pid]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_tunnel_outlives_a_module_that_is_killed_while_a_statement_waits(
    server: PostgreSQL, gateway: OpenSSH, worker: t.Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    waiting = "SELECT pid FROM pg_stat_activity WHERE usename = 'shop_1002' AND wait_event_type = 'Lock'"
    with held_back(server):
        module = worker(name="hstore")
        until(lambda: server.rows(waiting), "the statement to wait")
        assert running_tunnel(gateway, module)
        module.send_signal(number)
        module.wait(30)
        # Else both would wait for as long as the other session does.
        until(lambda: not tunnels(gateway.known_hosts), "the end of the tunnel")
        until(lambda: not server.rows(waiting), "the end of the statement")
    assert set(server.extensions(SHOP_DATABASE)) == INSTALLED_AT_FIRST


def test_no_tunnel_outlives_a_module_that_is_killed_while_the_server_is_silent(
    gateway: OpenSSH, worker: t.Callable[..., subprocess.Popen[str]], task: Task
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        module = worker(name="hstore", ssh_host=f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout=600)
        until(lambda: running_tunnel(gateway, module), "a tunnel")
        # It has come so far that it waits for what the server says.
        with silent.accept()[0]:
            module.kill()
            module.wait(30)
            until(lambda: not tunnels(gateway.known_hosts), "the end of the tunnel")


def test_a_silent_server_is_given_up(task: Task, gateway: OpenSSH) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        # It would never end.
        report = task.extension(name="hstore", ssh_host=f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout=2)
        refused(report, "hstore")


def test_nothing_of_the_environment_leads_elsewhere(
    task: Task, server: PostgreSQL, worker: t.Callable[..., subprocess.Popen[str]]
) -> None:
    environment = {
        "PGHOSTADDR": "127.0.0.2",
        "PGSSLMODE": "disable",
        "PGSERVICE": "elsewhere",
        "PGOPTIONS": "-c role=nobody",
        "PGSSLROOTCERT": "/nonexistent",
        "PGUSER": "nobody",
        "PGREQUIRESSL": "1",
        "SSH_ASKPASS": "/bin/false",
    }
    configuration = task.home / ".ssh"
    configuration.mkdir()
    (configuration / "config").write_text("Host *\n  ProxyCommand false\n", encoding="ascii")
    said, dummy = worker(environment, name="hstore").communicate(timeout=60)
    assert "hstore" in server.extensions(SHOP_DATABASE), said


# -- secrets ----------------------------------------------------------------------------------------------------------


AWKWARD = "p%3A/\u00fc b@r?#&=+'\"\\x%zz" + "9kQ"


@pytest.fixture
def awkward(server: PostgreSQL) -> t.Iterator[str]:
    """A password with every sign that has a meaning somewhere."""
    with server.superuser() as connection:
        from psycopg import sql

        connection.execute(sql.SQL("ALTER ROLE shop_1002 PASSWORD {}").format(sql.Literal(AWKWARD)))
        yield AWKWARD
        connection.execute(sql.SQL("ALTER ROLE shop_1002 PASSWORD {}").format(sql.Literal(PASSWORDS[SHOP])))


def test_a_percent_encoded_password_is_meant_decoded_and_masked_in_both_forms(
    task: Task, sandbox: Sandbox, awkward: str
) -> None:
    address = url(sandbox, awkward)
    report = done(task.extension(name="hstore", connection_url=address))
    encoded = urllib.parse.quote(awkward, safe="")
    assert {awkward, encoded, address} <= report.secrets
    for value in (awkward, encoded):
        assert value not in report.everything()


@pytest.mark.parametrize("place", ["", "127.0.0.1:1"])
def test_a_refused_login_shows_no_password(task: Task, sandbox: Sandbox, place: str) -> None:
    wrong = "Wrong{}/Canary".format("Password")
    address = url(sandbox, wrong, place=place or None)
    report = refused(task.extension(name="hstore", connection_url=address))
    assert "refuses the login of the user shop_1002" in report.message or place
    for value in (wrong, urllib.parse.quote(wrong, safe="")):
        assert value not in report.everything() and value in report.secrets


def test_a_url_that_is_none_is_not_repeated(task: Task, sandbox: Sandbox) -> None:
    report = refused(
        task.extension(name="hstore", connection_url="postgresql://u:CanaryWithout/slash@host/db"),
        "connection_url",
        "form",
    )
    assert "Canary" not in report.everything() and sandbox.log() == []
