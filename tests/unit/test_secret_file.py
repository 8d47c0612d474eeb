# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file for a secret: whole or not there, for its owner only, never over another one, and nothing is lost when that fails."""

from __future__ import annotations

import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput, ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._secret_file import SecretFile
from ansible_collections.community.scalingo.plugins.modules import scalingo_database_user
from scalingo_sandbox.testing import Sandbox
from support.port import Report, perform


def secret_file(path: t.Any, overwrite: bool = False) -> SecretFile:
    return SecretFile({"dest": None if path is None else str(path), "overwrite": overwrite})


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_it_is_there_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = secret_file(tmp_path / "secret")
        made.check()
        made.keep("")
        made.keep("first\n")
        assert names(tmp_path) == [".secret.new"]
        assert stat.S_IMODE((tmp_path / ".secret.new").stat().st_mode) == 0o600
        made.publish()
    finally:
        os.umask(before)
    assert names(tmp_path) == ["secret"] and (tmp_path / "secret").read_text(encoding="utf-8") == "first\n"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_without_a_path_it_is_none(tmp_path: Path) -> None:
    assert not secret_file(None) and secret_file(tmp_path / "secret")


@pytest.mark.parametrize("links", (True, False))
def test_another_file_is_never_lost(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that appears after it was looked for."""
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    made = secret_file(tmp_path / "secret")
    made.check()
    made.keep("new\n")
    (tmp_path / "secret").write_text("old\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        made.publish()
    assert "exists" in caught.value.message and ".secret.new" in caught.value.hint
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "old\n"
    assert made.salvage() == str(tmp_path / ".secret.new")
    assert (tmp_path / ".secret.new").read_text(encoding="utf-8") == "new\n"
    with pytest.raises(InvalidInput, match="what it holds would be lost"):
        secret_file(tmp_path / "secret").check()


def _no_links(*dummy: t.Any, **options: t.Any) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_where_there_are_no_links_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _no_links)
    made = secret_file(tmp_path / "secret")
    made.keep("new\n")
    assert made.salvage() == str(tmp_path / "secret") and names(tmp_path) == ["secret"]


def test_another_file_is_replaced_when_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old\n", encoding="utf-8")
    made = secret_file(tmp_path / "secret", overwrite=True)
    made.check()
    made.keep("new\n")
    made.publish()
    made.publish()
    assert names(tmp_path) == ["secret"] and (tmp_path / "secret").read_text(encoding="utf-8") == "new\n"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_what_a_killed_run_left_is_taken_again_and_no_link_is_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("other\n", encoding="utf-8")
    (tmp_path / ".secret.new").symlink_to(other)
    made = secret_file(tmp_path / "secret")
    made.keep("new\n")
    made.publish()
    assert other.read_text(encoding="utf-8") == "other\n" and names(tmp_path) == ["other", "secret"]
    made.keep("")
    made.discard()
    made.discard()
    assert names(tmp_path) == ["other", "secret"]


@pytest.mark.parametrize(
    "path, said",
    (("secret", "use an absolute path"), ("{}/nowhere/secret", "there is no directory"), ("{}", "is a directory")),
)
def test_what_would_fail_later_is_refused_first(path: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=said):
        secret_file(path.format(tmp_path)).check()


def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InvalidInput, match="cannot write to"):
        secret_file(tmp_path / "secret").check()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ScalingoError, match="cannot be written: No space left on device"):
        secret_file(tmp_path / "secret").keep("new\n")


# -- a password that nobody can read again ----------------------------------------------------------------------------


def create(sandbox: Sandbox, path: Path, **more: t.Any) -> Report:
    arguments = {
        **sandbox.params(),
        "app": "shop",
        "addon": "postgresql",
        "name": "importer",
        "dest": str(path),
        **more,
    }
    arguments.pop("ca_path", None)
    return perform(scalingo_database_user, arguments, home=path.parent)


def users(sandbox: Sandbox) -> dict[str, str]:
    (addon,) = [addon for app in sandbox.running.world.apps for addon in app.addons]
    return {user.name: user.password for user in addon.database.engine.list_users()}


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed={"apps": [{"name": "shop", "addons": [{"provider": "postgresql"}]}]}) as running:
        yield running


def test_a_password_is_not_lost_when_its_file_cannot_have_its_name(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else makes a file of that name meanwhile."""
    path = tmp_path / "password"
    monkeypatch.setattr(SecretFile, "check", lambda self: path.write_text("old\n", encoding="utf-8"))
    report = create(sandbox, path)
    kept = tmp_path / ".password.new"
    assert report.failed and report.changed and report.result["steps_done"] == ["create the user importer"]
    assert report.result["secret_file"] == str(kept) and str(kept) in report.message and "exists" in report.message
    assert kept.read_text(encoding="utf-8").strip() == users(sandbox)["importer"]
    assert users(sandbox)["importer"] not in report.everything() and path.read_text(encoding="utf-8") == "old\n"


def test_no_user_is_made_when_there_is_no_place_for_its_password(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    report = create(sandbox, tmp_path / "password")
    assert report.failed and not report.changed and "No space left on device" in report.message
    assert "importer" not in users(sandbox)


def test_nothing_stays_of_a_password_that_the_platform_did_not_make(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.fault(match={"route": "U2"}, times=1, do="html", status=422)
    report = create(sandbox, tmp_path / "password")
    assert report.failed and "importer" not in users(sandbox)
    assert [name for name in names(tmp_path) if "password" in name] == []
