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


def secret_file(path: t.Any, overwrite: bool = False) -> SecretFile:
    return SecretFile({"dest": None if path is None else str(path), "overwrite": overwrite})


def names(place: Path) -> t.List[str]:
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
    "path, said", (("secret", "use an absolute path"), ("{}/nowhere/secret", "there is no directory"), ("{}", "is a directory"))
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
