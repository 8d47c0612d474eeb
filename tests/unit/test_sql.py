# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQL side without a server: connection URLs, statements, the command of the tunnel, what errors say.

What needs servers is in tests/engines.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import psycopg
import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _sql, _ssh_tunnel
from ansible_collections.community.scalingo.plugins.module_utils._connection_url import find
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    InvalidInput,
    OutcomeUnknown,
    ScalingoError,
    SqlRefused,
    Unreachable,
)
from ansible_collections.community.scalingo.plugins.module_utils._sql import (
    SCHEMES,
    Encryption,
    Identifier,
    Literal,
    Login,
    Session,
    Statement,
    connect,
    is_url,
    parse_url,
    require_driver,
    script,
)
from ansible_collections.community.scalingo.plugins.module_utils._ssh_tunnel import (
    Address,
    Gateway,
    Tunnel,
    parse_address,
    require_ssh,
)
from hypothesis import given
from hypothesis import strategies as some

NAME = "shop-1.postgresql.a.osc-fr1.scalingo-dbs.com"
ROOT = Path(__file__).resolve().parents[2]
URL = "postgresql://shop_1:S3cret%2Fpart%25@Shop-1.postgresql.a.osc-fr1.scalingo-dbs.com:31000/shop_1?sslmode=prefer"


# -- addresses and URLs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("ssh.osc-fr1.scalingo.com:22", "ssh.osc-fr1.scalingo.com", 22),
        ("ssh.osc-fr1.scalingo.com", "ssh.osc-fr1.scalingo.com", 99),
        ("SSH.Example.", "ssh.example", 99),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:5", "::1", 5),
        ("[::1]", "::1", 99),
        ("::1", "::1", 99),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse_address(text, 99) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":22",
        "a b",
        "user@host",
        "host/path",
        "host:many",
        "host:70000",
        "-oProxyCommand=x",
        "a,b",
        "h?x",
        "h#x",
        ".",
        "%41",
        "[::1",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host, or a host with a port: use for example"):
        parse_address(text, 99)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("db.localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_this_machine(host: str, expected: bool) -> None:
    assert Address(host, 1).is_this_machine is expected


def test_an_address_as_text() -> None:
    assert (str(Address("host", 1)), str(Address("::1", 2))) == ("host:1", "[::1]:2")


def test_a_url_is_taken_apart() -> None:
    login = parse_url(URL)
    assert login.address == Address("shop-1.postgresql.a.osc-fr1.scalingo-dbs.com", 31000)
    assert (login.user, login.database, login.password, dict(login.extras)) == ("shop_1", "shop_1", "S3cret/part%", {})
    assert set(login.secrets) == {URL, "S3cret%2Fpart%25", "S3cret/part%"}


@pytest.mark.parametrize(
    ("url", "password", "extras"),
    [
        ("postgres://u@h/d", None, {}),
        ("postgres://u:@h/d", "", {}),
        (
            "POSTGRESQL://a%40b:c%3Ad@h:1/d%20e?hostaddr=127.0.0.1&pool=5&sslmode=disable&sslrootcert=/x",
            "c:d",
            {"hostaddr": "127.0.0.1"},
        ),
        ("postgresql://u:a:b+c@h/d?options=-c%20search_path%3Dx&options=", "a:b+c", {}),
        ("  postgresql://u:p@h/d\n", "p", {}),
    ],
)
def test_other_urls(url: str, password: str | None, extras: dict[str, str]) -> None:
    login = parse_url(url)
    assert (login.password, dict(login.extras)) == (password, extras)
    assert "" not in login.secrets


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://u:Canary@h/d",
        "postgresql://u:Canary@h",
        "postgresql://u:Canary@h/",
        "postgresql://:Canary@h/d",
        "postgresql://h/d",
        "postgresql://u:Canary@/d",
        "postgresql://u:Canary@a:1,b:2/d",
        "postgresql://u:Canary@h:port/d",
        "postgresql://u:Can ary@h/d",
        "postgresql://u:Canary@h/d#x",
        "postgresql://u:Canary/@h/d",
        "postgresql://u:Canary@[h/d",
        "host=h user=u password=Canary",
    ],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="form") as caught:
        parse_url(url)
    assert "Canary" not in str(caught.value) and caught.value.__cause__ is None


def test_a_login_shows_no_password() -> None:
    for text in (repr(parse_url(URL)), str(parse_url(URL))):
        assert "S3cret" not in text and "shop_1" in text


@given(some.text(min_size=1), some.text(min_size=1), some.text(min_size=1))
def test_every_password_survives_its_encoding(user: str, password: str, database: str) -> None:
    import urllib.parse

    def encoded(text: str) -> str:
        return urllib.parse.quote(text.encode("utf-8", "surrogatepass"), safe="")

    try:
        user.encode(), password.encode(), database.encode()
    except UnicodeEncodeError:
        return
    login = parse_url(f"postgresql://{encoded(user)}:{encoded(password)}@h/{encoded(database)}")
    assert (login.user, login.password, login.database) == (user, password, database)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (URL, True),
        ("Postgres://x", True),
        ("$SCALINGO_POSTGRESQL_URL", False),
        ("mysql://x", False),
        (None, False),
        (3, False),
    ],
)
def test_what_is_meant_as_a_url(text: object, expected: bool) -> None:
    assert is_url(text) is expected


def at(host: str, user: str = "shop_1", port: int = 31000) -> str:
    return f"postgresql://{user}:secret@{host}:{port}/shop_1"


@pytest.mark.parametrize(
    ("variables", "user"),
    [
        ([("SCALINGO_POSTGRESQL_URL", at("a"))], "shop_1"),
        ([("SCALINGO_POSTGRESQL_URL", at("b")), ("SCALINGO_POSTGRESQL_1_URL", at("A.", "second"))], "second"),
        ([("SCALINGO_POSTGRESQL_URL", at("a", port=1)), ("OTHER", at("a", "other"))], "other"),
        ([("A", at("a", "reader")), ("SCALINGO_POSTGRESQL_URL", at("a", "owner"))], "owner"),
        ([("A", at("a", "reader")), ("B", at("a", "default")), ("C", at("a", "another"))], "default"),
        ([("B", at("a", "second")), ("A", at("a", "first"))], "first"),
        (
            [("A", "postgresql://"), ("DATABASE_URL", "$SCALINGO_POSTGRESQL_URL"), ("X", "text"), ("B", at("a"))],
            "shop_1",
        ),
    ],
)
def test_the_variable_of_this_database_is_found(variables: list[tuple[str, str]], user: str) -> None:
    found = find(variables, Address("a", 31000), "default", SCHEMES)
    assert found is not None and found[1].user == user


@pytest.mark.parametrize(
    "variables",
    [
        [],
        [("SCALINGO_POSTGRESQL_URL", at("b"))],
        [("SCALINGO_POSTGRESQL_URL", at("a", port=31001))],
        [("X", at("b.a"))],
    ],
)
def test_another_databases_variable_is_never_taken(variables: list[tuple[str, str]]) -> None:
    assert find(variables, Address("a", 31000), "shop_1", SCHEMES) is None


# -- statements -------------------------------------------------------------------------------------------------------


def test_a_statement_as_text() -> None:
    statement = Statement("CREATE EXTENSION ", Identifier('odd"name'), " VERSION ", Literal("it's"), " CASCADE")
    assert str(statement) == "CREATE EXTENSION \"odd\"\"name\" VERSION 'it''s' CASCADE"


@given(some.text(some.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), min_size=1))
def test_what_is_shown_is_what_the_driver_sends(text: str) -> None:
    for part in (Identifier(text), Literal(text)):
        statement = Statement("SELECT ", part)
        assert statement.composed().as_string(None) == str(statement)


def test_several_statements_are_one_transaction() -> None:
    first, second = Statement("A"), Statement("B")
    assert (script([]), script([first]), script([first, second])) == ([], ["A"], ["BEGIN", "A", "B", "COMMIT"])


class Diagnosis(types.SimpleNamespace):
    message_primary: str | None = None
    message_detail: str | None = None
    message_hint: str | None = None


class DriverError(psycopg.Error):
    def __init__(self, text: str, sqlstate: str | None = None, **diagnosis: str) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        self._diagnosis = Diagnosis(**diagnosis)

    @property
    def diag(self) -> t.Any:
        return self._diagnosis


class Broken:
    """A connection whose every statement fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def add_notice_handler(self, handler: object) -> None:
        """Nothing is said."""

    def execute(self, statement: object) -> t.Any:
        raise self.error


@pytest.mark.parametrize("writing", [True, False])
def test_what_the_server_refuses(writing: bool) -> None:
    error = DriverError(
        "raw", "42501", message_primary="permission denied", message_detail="Must be S3cret/part%.", message_hint="Ask"
    )
    session = Session(Broken(error), parse_url(URL))
    with pytest.raises(SqlRefused) as caught:
        session.execute([Statement("A")]) if writing else session.rows("A")
    assert caught.value.code == "42501" and "permission denied. Must be ********. Ask" in caught.value.message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_broken_connection_leaves_open_what_was_written() -> None:
    session = Session(Broken(DriverError("server closed the connection\n\tunexpectedly")), parse_url(URL))
    with pytest.raises(OutcomeUnknown, match="server closed the connection unexpectedly"):
        session.execute([Statement("A")])
    with pytest.raises(Unreachable, match="server closed"):
        session.rows("A")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('connection failed: connection to server at "127.0.0.1", port 4242 failed: FATAL:  no', "FATAL: no"),
        (
            'connection failed: connection to server at "h" (10.0.0.1), port 1 failed: timeout expired',
            "timeout expired",
        ),
        ("one\nMultiple connection attempts failed. All failures were:\n- x", "one"),
        ("", "DriverError"),
    ],
)
def test_the_preludes_of_the_driver_are_left_out(said: str, kept: str) -> None:
    assert _sql._said(DriverError(said)) == kept


# -- the tunnel -------------------------------------------------------------------------------------------------------


def options_of(command: t.Sequence[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for flag, word in zip(command, command[1:]) if flag == "-o")


def test_the_command_trusts_nothing_it_was_not_given() -> None:
    gateway = Gateway(Address("ssh.example", 2222), "git", "/keys/a b%d", "/keys/known")
    command = gateway.command(Address("db.example", 31000), 7.4)
    options = options_of(command)
    assert command[:3] == ["ssh", "-F", "none"] and command[-2:] == ["--", "ssh.example"]
    assert command[command.index("-W") + 1] == "db.example:31000" and command[command.index("-p") + 1] == "2222"
    assert command[command.index("-l") + 1] == "git"
    assert (
        options["StrictHostKeyChecking"]
        == options["BatchMode"]
        == options["IdentitiesOnly"]
        == options["ExitOnForwardFailure"]
        == "yes"
    )
    assert options["UserKnownHostsFile"] == '"/keys/known"' and options["GlobalKnownHostsFile"] == "/dev/null"
    assert options["IdentityFile"] == '"/keys/a b%%d"' and options["ConnectTimeout"] == "7"


def test_without_files_openssh_takes_the_users_own() -> None:
    options = options_of(Gateway(Address("h", 22), "git").command(Address("::1", 1), 0.1))
    assert not {"UserKnownHostsFile", "GlobalKnownHostsFile", "IdentityFile", "IdentitiesOnly"} & set(options)
    assert options["ConnectTimeout"] == "1"


def test_the_command_is_one_that_openssh_understands() -> None:
    gateway = Gateway(Address("h.invalid", 22), "git", "/keys/a b%d", "/keys/known")
    done = subprocess.run(
        [*gateway.command(Address("db", 1), 5)[:-2], "-G", "h.invalid"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "\nidentityfile /keys/a b%%d\n" in done.stdout and "\nstricthostkeychecking true\n" in done.stdout
    assert "\nuserknownhostsfile /keys/known\n" in done.stdout and "\nforwardagent no\n" in done.stdout


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
            "is not the one that is known for it",
        ),
        (
            "No ED25519 host key is known for [h]:22 and you have requested strict checking.\nHost key verification failed.",
            "is not known",
        ),
        ("git@h: Permission denied (publickey).", "accepts none of the SSH keys for the user git"),
        (
            'Load key "/k": error in libcrypto\ngit@h: Permission denied (publickey).',
            'cannot read the key file: Load key "/k": error in libcrypto',
        ),
        (
            "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed",
            "cannot reach the database: stdio forwarding failed",
        ),
        ("ssh: Could not resolve hostname h: Name or service not known", "cannot be resolved"),
        (
            "ssh: connect to host h port 22: Connection refused",
            "cannot be reached: ssh: connect to host h port 22: Connection refused",
        ),
        ("kex_exchange_identification: read: Connection reset by peer", "cannot be reached"),
        ("something new", "ssh to h:22 failed: something new"),
    ],
)
def test_what_openssh_says_is_told_in_other_words(said: str, words: str) -> None:
    problem = _ssh_tunnel.problem_of(said, Gateway(Address("h", 22), "git"))
    assert isinstance(problem, Unreachable) and words in problem.message


def waiting_tunnel(program: str, timeout: float = 30) -> Tunnel:
    return Tunnel(Gateway(Address("h", 22), "git", program=program), Address("db", 1), timeout)


def test_a_tunnel_that_nobody_uses_goes_by_itself() -> None:
    with waiting_tunnel("ssh") as tunnel:
        assert tunnel.problem() is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", tunnel.port), 1)
    tunnel.close()


def test_a_program_that_cannot_be_started_is_told() -> None:
    with (
        waiting_tunnel("/nonexistent/ssh") as tunnel,
        socket.create_connection(("127.0.0.1", tunnel.port), 5) as client,
    ):
        assert client.recv(1) == b""
        problem = tunnel.problem()
    assert problem is not None and "there is no program /nonexistent/ssh" in problem.message


def test_without_an_interpreter_the_program_is_started_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with (
        waiting_tunnel("/nonexistent/ssh") as tunnel,
        socket.create_connection(("127.0.0.1", tunnel.port), 5) as client,
    ):
        assert client.recv(1) == b""
        problem = tunnel.problem()
    assert problem is not None and "there is no program /nonexistent/ssh" in problem.message


def script_of(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text, encoding="ascii")
    path.chmod(0o755)
    return str(path)


def test_the_accepted_socket_is_the_programs_input_and_output(tmp_path: Path) -> None:
    program = script_of(tmp_path / "ssh", 'read line; echo "told $line"\n')
    with waiting_tunnel(program) as tunnel, socket.create_connection(("127.0.0.1", tunnel.port), 5) as client:
        client.sendall(b"this\n")
        assert client.makefile().readline() == "told this\n"
        assert tunnel.problem() is None


def test_ssh_learns_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALINGO_API_TOKEN", "canary")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    program = script_of(tmp_path / "ssh", "env\n")
    with waiting_tunnel(program) as tunnel, socket.create_connection(("127.0.0.1", tunnel.port), 5) as client:
        surroundings = client.makefile().read()
    assert "SSH_AUTH_SOCK=/nonexistent/agent" in surroundings and "canary" not in surroundings


def test_a_program_that_does_not_go_is_killed(tmp_path: Path) -> None:
    program = script_of(tmp_path / "ssh", "trap '' TERM\necho ready\nwhile :; do sleep 1; done\n")
    with waiting_tunnel(program) as tunnel, socket.create_connection(("127.0.0.1", tunnel.port), 5) as client:
        assert client.makefile().readline() == "ready\n"
        process = tunnel._process
        assert process is not None
        client.close()
    assert process.wait(5) != 0


def test_a_silent_end_is_told_with_its_status(tmp_path: Path) -> None:
    program = script_of(tmp_path / "ssh", "exit 3\n")
    with waiting_tunnel(program) as tunnel, socket.create_connection(("127.0.0.1", tunnel.port), 5) as client:
        assert client.recv(1) == b""
        problem = tunnel.problem()
    assert problem is not None and "ssh ended with exit status 3" in problem.message


# -- connecting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """What the driver is asked for; it never gets through."""
    asked: dict[str, t.Any] = {}

    def refuse(**parameters: t.Any) -> t.Any:
        asked.update(parameters, environment={name for name in os.environ if name.startswith("PG")})
        raise DriverError("nobody there")

    monkeypatch.setattr(psycopg, "connect", refuse)
    return asked


def dial(url: str, encryption: Encryption, **more: t.Any) -> ScalingoError:
    arguments: dict[str, t.Any] = {"timeout": 5, "statement_timeout": 1.5, **more}
    with pytest.raises(ScalingoError) as caught, connect(parse_url(url), encryption, **arguments):
        raise AssertionError("it got through")
    return caught.value


def test_what_is_asked_of_the_driver(dialled: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    error = dial(URL, Encryption("verify-full", NAME, "/ca.pem"), server_version=17, read_only=True)
    assert isinstance(error, Unreachable) and "cannot be reached: nobody there" in error.message
    assert dialled["host"] == NAME and dialled["port"] == 31000 and dialled["sslmode"] == "verify-full"
    assert (
        dialled["sslrootcert"] == "/ca.pem"
        and dialled["gssencmode"] == "disable"
        and dialled["password"] == "S3cret/part%"
    )
    assert dialled["options"] == (
        "-c statement_timeout=1500 -c client_connection_check_interval=1000 -c default_transaction_read_only=on"
    )
    assert dialled["environment"] == set() and os.environ["PGHOSTADDR"] == "10.0.0.1"
    assert dialled["autocommit"] is True


@pytest.mark.parametrize("version", [None, 13])
def test_a_server_that_cannot_look_after_its_client_is_not_asked_to(
    dialled: dict[str, t.Any], version: int | None
) -> None:
    dial("postgresql://u:p@h/d?options=-c%20role%3Dx", Encryption("require", "h"), server_version=version)
    assert dialled["options"] == "-c role=x -c statement_timeout=1500" and "sslrootcert" not in dialled
    assert "hostaddr" not in dialled


def test_a_connection_by_another_address_keeps_the_name(dialled: dict[str, t.Any]) -> None:
    dial("postgresql://u:p@127.0.0.1:7/d", Encryption("require", "db.example"))
    assert (dialled["host"], dialled["hostaddr"], dialled["port"]) == ("db.example", "127.0.0.1", 7)
    dial("postgresql://u:p@db.example/d?hostaddr=10.9.8.7", Encryption("require", "db.example"))
    assert (dialled["host"], dialled["hostaddr"], dialled["port"]) == ("db.example", "10.9.8.7", 5432)


def test_a_name_that_cannot_be_resolved() -> None:
    error = dial("postgresql://u:p@no-such-name.localhost.invalid/d", Encryption("require", "db.example"))
    assert isinstance(error, Unreachable) and "cannot be resolved" in error.message


def test_clear_text_never_leaves_this_machine(dialled: dict[str, t.Any]) -> None:
    assert isinstance(dial("postgresql://u:p@db.example/d", Encryption("disable", "db.example")), InvalidInput)
    assert dialled == {}
    dial("postgresql://u:p@localhost/d", Encryption("disable", "localhost"))
    assert dialled["sslmode"] == "disable"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            'FATAL:  password authentication failed for user "u" S3cret/part%',
            SqlRefused,
            "refuses the login of the user shop_1",
        ),
        ("SSL error: certificate verify failed", Unreachable, "no TLS connection"),
        ("server does not support SSL, but SSL was required", Unreachable, "no TLS connection"),
        ("timeout expired", Unreachable, "cannot be reached: timeout expired"),
    ],
)
def test_why_there_is_no_connection(
    monkeypatch: pytest.MonkeyPatch, said: str, kind: type[ScalingoError], words: str
) -> None:
    def refuse(**parameters: t.Any) -> t.Any:
        raise DriverError(said)

    monkeypatch.setattr(psycopg, "connect", refuse)
    error = dial(URL, Encryption("require", NAME))
    assert isinstance(error, kind) and words in error.message and "S3cret" not in error.message


def test_old_drivers_are_not_asked_for_what_they_do_not_know(
    dialled: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    dial(URL, Encryption("require", NAME))
    assert dialled["sslcertmode"] == "disable"
    dialled.clear()
    monkeypatch.setattr(psycopg.pq, "version", lambda: 150000)
    dial(URL, Encryption("require", NAME))
    assert "sslcertmode" not in dialled


def test_a_missing_driver_or_client_is_told() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import conftest\n"
        "sys.modules['psycopg'] = None\n"
        "from ansible_collections.community.scalingo.plugins.module_utils import _sql\n"
        "try:\n    _sql.require_driver()\nexcept _sql.ScalingoError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "psycopg is missing for" in done.stdout and "pip install" in done.stdout, done.stderr
    require_driver()
    require_ssh()
    with pytest.raises(ScalingoError, match="no program no-such-program"):
        require_ssh("no-such-program")


def test_a_login_can_be_made_by_hand() -> None:
    login = Login(Address("h", 1), "u", "d", None, {}, ())
    assert login.secrets == ()


class Open:
    """A connection on which everything works; what it was told is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.tell: t.Callable[[t.Any], None] = lambda dummy: None

    def add_notice_handler(self, handler: t.Callable[[t.Any], None]) -> None:
        self.tell = handler

    def execute(self, statement: t.Any) -> t.Any:
        self.said.append(statement if isinstance(statement, str) else statement.as_string(None))
        self.tell(
            types.SimpleNamespace(
                message_primary="drop cascades to 2 other objects", message_detail="drop cascades to a and b"
            )
        )
        return types.SimpleNamespace(fetchall=lambda: [("a", 1)])

    @contextlib.contextmanager
    def transaction(self) -> t.Iterator[None]:
        self.said.append("BEGIN")
        yield
        self.said.append("COMMIT")

    def close(self) -> None:
        self.said.append("closed")


def test_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Open()
    monkeypatch.setattr(psycopg, "connect", lambda **parameters: opened)
    with connect(parse_url(URL), Encryption("require", NAME), timeout=5, statement_timeout=5) as session:
        assert session.rows("SELECT 1") == [("a", 1)]
        assert session.execute([Statement("A ", Identifier("b"))]) == ["drop cascades to a and b"]
        session.execute([Statement("C"), Statement("D")])
    assert opened.said == ["SELECT 1", 'A "b"', "BEGIN", "C", "D", "COMMIT", "closed"]


def test_a_conversation_is_closed_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Open()
    monkeypatch.setattr(psycopg, "connect", lambda **parameters: opened)
    with (
        pytest.raises(KeyboardInterrupt),
        connect(parse_url(URL), Encryption("require", NAME), timeout=5, statement_timeout=5),
    ):
        raise KeyboardInterrupt
    assert opened.said == ["closed"]


def test_through_the_tunnel_the_driver_is_led_to_this_machine(dialled: dict[str, t.Any], tmp_path: Path) -> None:
    program = script_of(tmp_path / "ssh", "exit 0\n")
    error = dial(
        URL, Encryption("verify-full", NAME, "/ca.pem"), gateway=Gateway(Address("h", 22), "git", program=program)
    )
    assert (dialled["host"], dialled["hostaddr"]) == (NAME, "127.0.0.1") and dialled["port"] not in (22, 31000)
    assert "cannot be reached: nobody there" in error.message


def test_why_ssh_ended_comes_before_what_the_driver_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**parameters: t.Any) -> t.Any:
        with socket.create_connection((parameters["hostaddr"], parameters["port"]), 5) as client:
            assert client.recv(1) == b""
        raise DriverError("server closed the connection unexpectedly")

    monkeypatch.setattr(psycopg, "connect", refuse)
    program = script_of(tmp_path / "ssh", "echo 'git@h: Permission denied (publickey).' >&2; exit 255\n")
    error = dial(URL, Encryption("require", NAME), gateway=Gateway(Address("h", 22), "git", program=program))
    assert "accepts none of the SSH keys" in error.message
