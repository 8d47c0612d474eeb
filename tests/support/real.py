# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the sandbox with real servers share: its API as a client sees it, and the databases as their users do."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tempfile
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller

#: Tokens that last, whatever the clock is moved by.
DURATIONS = {"bearer": 1e9, "addon_token": 1e9}


@contextlib.contextmanager
def short_directory() -> t.Iterator[Path]:
    """A directory with a name in which that of a socket has room, wherever the checkout is."""
    place = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="d-", dir=place if len(place) < 50 else "/tmp") as name:  # noqa: S108
        yield Path(name).resolve()


class Office(Caller):
    """The API of one sandbox, with the waits that a client would have."""

    def url(self, app: str, name: str) -> str:
        """A connection URL, as the variables of an app hold it."""
        for variable in self.main("GET", f"/v1/apps/{app}/variables").json()["variables"]:
            if variable["name"] == name:
                return str(variable["value"])
        raise LookupError(name)

    def authority(self, directory: Path) -> Path:
        """The certificate authority that the API names, in a file."""
        path = directory / "authority.pem"
        path.write_text(self.client.get(self.sandbox.db_api_url() + "/api/ca_certificate").text, encoding="ascii")
        return path

    def operation(self, addon_id: str, identifier: str) -> dict[str, t.Any]:
        """An operation after it has ended."""
        self.sandbox.advance(3600)
        ended: dict[str, t.Any] = self.top("GET", addon_id, f"/api/operations/{identifier}").json()["operation"]
        return ended

    def upgrade(self, addon_id: str) -> dict[str, t.Any]:
        answer = self.database("POST", addon_id, "/upgrade")
        assert answer.status_code == 202, answer.text
        return self.operation(addon_id, answer.json()["operation_id"])

    def backup(self, addon_id: str) -> tuple[str, dict[str, bytes]]:
        """A new backup: its identifier, and the files in its archive."""
        identifier = self.database("POST", addon_id, "/backups").json()["database_backup"]["id"]
        self.sandbox.advance(600)
        link = self.database("GET", addon_id, f"/backups/{identifier}/archive").json()["download_url"]
        with tarfile.open(fileobj=io.BytesIO(self.client.get(link).content), mode="r:gz") as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
            return identifier, {name: stream.read() for name, stream in files.items() if stream is not None}

    def restore(self, addon_id: str, backup_id: str) -> dict[str, t.Any]:
        answer = self.database("POST", addon_id, f"/backups/{backup_id}/restore")
        assert answer.status_code == 201, answer.text
        self.sandbox.advance(3600)
        path = f"/backup_restorations/{answer.json()['id']}"
        ended: dict[str, t.Any] = self.database("GET", addon_id, path).json()["backup_restoration"]
        return ended

    def feature(self, addon_id: str, name: str, on: bool) -> None:
        if on:
            self.database("POST", addon_id, "/features", json={"feature": {"name": name}})
        else:
            self.database("DELETE", addon_id, "/features", params={"feature": name})
        self.sandbox.advance(60)
        assert (name in {item["name"] for item in self.show(addon_id)["features"]}) is on


def engine(sandbox: Sandbox, addon_id: str) -> t.Any:
    found = sandbox.running.world.find_addon(addon_id)
    assert found is not None
    return found.database.engine


def with_user(url: str, name: str, password: str) -> str:
    """The same place for another user."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()


def fixtures(app: str, provider: str, variable: str, seed: dict[str, t.Any] | None = None) -> tuple[t.Any, ...]:
    """The fixtures database and url of an addon; with a seed sandbox and office, too."""

    @pytest.fixture
    def database(office: Office) -> str:
        return office.sandbox.addon_id(app, provider)

    @pytest.fixture
    def url(office: Office) -> str:
        return office.url(app, variable)

    @pytest.fixture(scope="module")
    def sandbox() -> t.Iterator[Sandbox]:
        with Sandbox(seed, engine="real") as running:
            yield running

    @pytest.fixture
    def office(sandbox: Sandbox) -> t.Iterator[Office]:
        sandbox.reset()
        office = Office(sandbox)
        yield office
        office.close()

    return (database, url) if seed is None else (database, url, sandbox, office)
