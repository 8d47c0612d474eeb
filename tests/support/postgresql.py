# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private PostgreSQL server on loopback, with the rights that the platform gives: no superuser for anybody."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import psycopg
from psycopg import sql
from support import fetched

VERSION = "17.10"
SUPERUSER = "postgres"


class PostgreSQL:
    """A server as long as the with block lasts. With a certificate it speaks TLS, and takes clear text too unless told not to."""

    def __init__(
        self,
        directory: Path,
        *,
        version: str = VERSION,
        certificate: tuple[bytes, bytes] | None = None,
        tls_only: bool = False,
    ) -> None:
        self.directory = directory
        self.port = 0
        self.host = "127.0.0.1"
        self._programs = fetched.postgres(version) / "bin"
        self._certificate = certificate
        self._tls_only = tls_only
        self._password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgreSQL:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *dummy: object) -> None:
        self.stop()

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        secret = self.directory / "password"
        secret.write_text(self._password, encoding="ascii")
        command = [
            *fetched.unprivileged(),
            str(self._programs / "initdb"),
            "-D",
            str(self.directory / "data"),
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            str(secret),
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": "''",
            "shared_preload_libraries": "'pg_stat_statements'",
            "fsync": "off",
            "max_connections": "40",
            "shared_buffers": "'16MB'",
        }
        if self._certificate is not None:
            for name, content in zip(("server.pem", "server.key"), self._certificate):
                path = self.directory / name
                path.write_bytes(content)
                path.chmod(0o600)
            settings.update(
                ssl="on",
                ssl_cert_file="'%s'" % (self.directory / "server.pem"),
                ssl_key_file="'%s'" % (self.directory / "server.key"),
            )
        with open(self.directory / "data" / "postgresql.conf", "a", encoding="utf-8") as handle:
            handle.write("".join("{} = {}\n".format(*item) for item in settings.items()))
        if self._tls_only:
            access = "local all all reject\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
            (self.directory / "data" / "pg_hba.conf").write_text(access, encoding="ascii")

    def start(self) -> None:
        """Start it on a port of the kernel's choice, or on the one that it had."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        command = [
            *fetched.unprivileged(),
            str(self._programs / "postgres"),
            "-D",
            str(self.directory / "data"),
            "-p",
            str(self.port),
        ]
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.rows("SELECT 1")
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            fetched.stop(self._process, signal.SIGINT)

    def log(self) -> str:
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    @contextlib.contextmanager
    def superuser(self, database: str = "postgres") -> t.Iterator[psycopg.Connection]:
        """A connection that may do everything."""
        with psycopg.connect(
            host=self.host,
            port=self.port,
            user=SUPERUSER,
            password=self._password,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        ) as connection:
            yield connection

    def rows(self, query: str, database: str = "postgres") -> list[tuple[t.Any, ...]]:
        with self.superuser(database) as connection:
            cursor = connection.execute(t.cast(t.Any, query))
            return cursor.fetchall() if cursor.description else []

    def create(self, name: str, password: str) -> None:
        """A user and its database, both of this name, with what the platform's default user may do."""
        with self.superuser() as connection:
            role = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(role))
            connection.execute(sql.SQL("GRANT ALL ON DATABASE {} TO {}").format(role, role))
        with self.superuser(name) as connection:
            connection.execute(sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(role))

    def extensions(self, database: str) -> dict[str, str]:
        """The extensions of a database with their versions, as the server itself has them."""
        return dict(t.cast(t.Any, self.rows("SELECT extname, extversion FROM pg_extension ORDER BY extname", database)))
