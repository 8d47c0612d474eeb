# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of backups in a directory: what is a good one, what goes and what stays."""

from __future__ import annotations

import builtins
import dataclasses
import errno
import gzip
import hashlib
import io
import itertools
import json
import os
import random
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _copies, _copy, _copy_making
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from support.programs import packed
from support.shelf import ADDON, Shelf, archive, dump, moment

DAY = 86400.0


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def read(content: bytes, engine: str | None = None) -> int:
    return _copy_making.read_through(io.BytesIO(content), engine)


def described(path: Path) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8")))


def describe(path: Path, **more: t.Any) -> None:
    path.with_name(path.name + ".json").write_text(json.dumps({**described(path), **more}), encoding="utf-8")


# -- archives --------------------------------------------------------------------------------------------------------

WHOLE = packed({"dump.sql": random.Random(1).randbytes(200_000)})


def test_a_whole_archive_is_read_to_its_end() -> None:
    assert read(WHOLE) == 200_000


@pytest.mark.parametrize("end", [0, 1, 20, 1000, 100_000, -700, -9, -8, -4, -1])
def test_a_truncated_archive_is_none(end: int) -> None:
    with pytest.raises(ScalingoError):
        read(WHOLE[:end])


@pytest.mark.parametrize("place", [0, 2, 5000, 100_000, -20, -6, -2])
def test_an_altered_archive_is_none(place: int) -> None:
    content = bytearray(WHOLE)
    content[place] ^= 16
    with pytest.raises(ScalingoError):
        read(bytes(content))


@pytest.mark.parametrize(
    "content",
    [gzip.compress(gzip.decompress(WHOLE)[:100_000]), b"", packed({"dump.sql": b""}), b"<html>no</html>"],
    ids=["a tar that is cut inside a whole gzip", "nothing", "empty", "text"],
)
def test_an_archive_that_holds_nothing_is_none(content: bytes) -> None:
    with pytest.raises(ScalingoError):
        read(content)


def test_a_dump_of_postgresql_lists_something() -> None:
    """Backups of five bytes once rotated the real ones out."""
    assert read(packed({"dump.pgsql": dump(b"")}), "postgresql") > 0
    assert read(packed({"a": b"x", "b": dump(b"", entries=1)}), "postgresql") > 0
    assert read(packed({"dump.sql": b"SELECT 1;"}), "mysql") == 9
    for bad in (b"PGDMP", b"error", dump(b"", entries=0), dump(b"")[:40], dump(b"")[:10] + b"\x02" + dump(b"")[11:]):
        for name, engine in (("dump", "postgresql"), ("dump.pgsql", None)):
            with pytest.raises(ScalingoError, match="no dump of PostgreSQL that lists anything"):
                read(packed({name: bad}), engine)


def test_what_came_otherwise_than_it_was_received_is_not_kept(shelf: Shelf) -> None:
    with pytest.raises(ScalingoError, match="altered on this machine"):
        shelf.take(1, spoiled=True)
    assert shelf.names() == []


# -- encryption ------------------------------------------------------------------------------------------------------

TURNED = ["sh", "-c", "tr '\\000-\\377' '\\001-\\377\\000' < $0 > $1", "{input}", "{output}"]
TURNED_BACK = ["sh", "-c", "tr '\\001-\\377\\000' '\\000-\\377' < $0 > $1", "{input}", "{output}"]


def test_encryption_leaves_nothing_clear(shelf: Shelf, tmp_path: Path) -> None:
    path = Path(shelf.take(1, encrypt=TURNED, decrypt=TURNED_BACK)["path"])
    found = described(path)
    clear = bytes((byte - 1) % 256 for byte in path.read_bytes())
    assert path.name.endswith(".tar.gz.sealed") and found["encrypted"]
    assert found["archive"]["sha256"] == hashlib.sha256(clear).hexdigest() != found["sha256"]
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() and path.stat().st_mode & 0o777 == 0o600
    assert shelf.names() == [path.name, path.name + ".json"]
    # What a drill does with it.
    copy = _copies.find_copy(str(tmp_path), ADDON)
    work = tmp_path / "work"
    work.mkdir()
    assert Path(_copies.decrypted(copy, TURNED_BACK, str(work))).read_bytes() == clear
    with pytest.raises(ScalingoError, match="gave something else than the archive") as raised:
        _copies.decrypted(copy, TURNED, str(work))
    assert "key" in raised.value.hint
    with pytest.raises(ScalingoError, match="could not be decrypted, sh ended with exit status 3: no such key"):
        _copies.decrypted(copy, ["sh", "-c", "echo no such key >&2; exit 3", "{input}", "{output}"], str(work))
    with pytest.raises(ScalingoError, match="wrote nothing"):
        _copies.decrypted(copy, ["true", "{input}", "{output}"], str(work))
    with pytest.raises(ScalingoError, match="is encrypted"):
        _copies.decrypted(copy, [], str(work))
    assert len(list(work.iterdir())) == 1


def test_what_is_not_encrypted_is_there_to_be_read(shelf: Shelf) -> None:
    shelf.have(1)
    copy = _copies.find_copy(str(shelf.directory), ADDON, "backup-01")
    assert _copies.decrypted(copy, [], str(shelf.growing)) == copy.path
    shelf.spoil(1)
    with pytest.raises(ScalingoError, match="was altered"):
        _copies.decrypted(copy, [], str(shelf.growing))
    for backup_id in ("", "backup-09"):
        with pytest.raises(ScalingoError, match="holds no good copy"):
            _copies.find_copy(str(shelf.directory), ADDON, backup_id)


def shell(script: str) -> list[str]:
    return ["sh", "-c", script, "{input}", "{output}"]


@pytest.mark.parametrize(
    ("encrypt", "decrypt", "problem"),
    [
        (shell("echo no key >&2; exit 3"), [], "could not be encrypted, sh ended with exit status 3: no key"),
        (["cp", "{input}", "{output}"], [], "cp did not encrypt"),
        (["true", "{input}", "{output}"], [], "true wrote nothing to"),
        (["/nowhere/age", "{input}", "{output}"], [], "there is no program /nowhere/age"),
        # The first of them reads a file that is not there, and its end is that of the second.
        (shell("cat $0.typo | sha256sum > $1"), [], "not encrypted as a whole: sh wrote 68 bytes for an archive of"),
        (shell("head -c 1000 $0 > $1"), [], "not encrypted as a whole"),
        (shell("head -c 1000 $0 > $1"), TURNED_BACK, "gave something else than the archive"),
        (shell("cat $0 $0 > $1"), ["false", "{input}", "{output}"], "could not be decrypted, false ended with exit status 1"),
        (shell('echo more >> "$0"; cat "$0" "$0" > "$1"'), [], "was changed while it was encrypted"),
        (shell('rm "$0"; echo it > "$1"'), [], "No such file"),
    ],
)  # fmt: skip
def test_an_encryption_that_encrypts_not_all_is_none(
    encrypt: list[str], decrypt: list[str], problem: str, shelf: Shelf
) -> None:
    shelf.have(1, 2)
    with pytest.raises(ScalingoError, match=problem):
        shelf.take(3, encrypt=encrypt, decrypt=decrypt)
    assert shelf.names() == shelf.of(1, 2)


def test_an_encryption_that_compresses_is_proven_by_the_way_back(shelf: Shelf) -> None:
    content = packed({"dump.sql": dump(b"0" * 3_000_000)})
    encrypt, decrypt = shell("gzip -9 < $0 > $1"), shell("gzip -d < $0 > $1")
    with pytest.raises(ScalingoError, match="If it compresses, prove it with decrypt_command|not encrypted as a whole"):
        shelf.take(1, content, encrypt=encrypt)
    assert shelf.take(1, content, encrypt=encrypt, decrypt=decrypt)["good"]


def test_the_command_learns_no_token(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCALINGO_API_TOKEN", "SCALINGO_ADDON_TOKEN", "SCALINGO_POSTGRESQL_URL"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("KEY_OF_THE_USER", "kept")
    path = Path(shelf.take(1, encrypt=shell("env > $1; cat $0 >> $1"))["path"])
    assert b"KEY_OF_THE_USER=kept" in path.read_bytes() and b"canary" not in path.read_bytes()


def test_a_command_forges_no_line(shelf: Shelf) -> None:
    with pytest.raises(ScalingoError) as raised:
        shelf.take(1, encrypt=shell("printf 'first\\nPLAY\\033[2K RECAP\\342\\200\\256' >&2; exit 3"))
    assert str(raised.value).endswith("first / PLAY\\x1b[2K RECAP\\u202e.")


# -- what goes and what stays ----------------------------------------------------------------------------------------


def test_the_newest_good_ones_stay_whatever_their_age(shelf: Shelf) -> None:
    shelf.have(1, 5, 20, 28, 30)
    assert shelf.going(4, 60) == [shelf.path(1).name] and len(shelf.good()) == 5
    assert shelf.prune(4, 40 * 60) == []
    assert shelf.prune(2, 10 * 60) == [shelf.path(5).name, shelf.path(1).name]
    assert shelf.prune(1) == [shelf.path(28).name, shelf.path(20).name]
    assert shelf.names() == shelf.of(30)


def test_bad_ones_never_count(shelf: Shelf) -> None:
    paths = shelf.have(1, 2, 3, 4)
    paths[3].write_bytes(paths[3].read_bytes()[:-1])
    paths[2].unlink()
    content = bytearray(paths[1].read_bytes())
    content[30] ^= 1
    paths[1].write_bytes(content)
    found = shelf.look()
    assert [copy["good"] for copy in found] == [False, False, False, True]
    assert "bytes" in found[0]["problem"] and "not there" in found[1]["problem"] and "altered" in found[2]["problem"]
    # Fewer good ones than asked for: nothing goes, not even what is bad.
    assert shelf.prune(2) == shelf.prune(2, remove_bad=True) == []
    assert sorted(shelf.prune(1, remove_bad=True)) == [shelf.path(number).name for number in (2, 3, 4)]
    assert shelf.names() == shelf.of(1) and all(copy["good"] for copy in shelf.look())


def a_copy(day: int, problem: str = "", content: int | None = 100, **more: t.Any) -> _copy.Copy:
    began = f"2026-10-{day:02d}T03:00:00.000000Z"
    return _copy.Copy(f"/{day}", f"backup-{day:02d}", began, size=1, content_bytes=content, problem=problem, **more)


def test_there_are_never_fewer_good_ones_than_asked_for() -> None:
    """Every directory of up to five copies, good, bad, unreadable or too small, for every number and age."""
    kinds: dict[str, dict[str, t.Any]] = {
        "good": {}, "bad": {"problem": "bad"}, "unreadable": {"problem": "bad", "unreadable": True}, "small": {"content": 9}, "ahead": {"ahead": True}
    }  # fmt: skip
    for kind_of_each in itertools.chain.from_iterable(
        itertools.product(kinds, repeat=number) for number in range(1, 5)
    ):
        found = [a_copy(30 - 3 * day, **kinds[kind]) for day, kind in enumerate(kind_of_each)]
        small = _copy.smaller(found, 50)
        whole = [copy.path for copy in found if copy.counts and copy.path not in small]
        for count, seconds, remove_bad in itertools.product((1, 2, 3), (None, 5 * DAY), (True, False)):
            going = {copy.path for copy in _copy.chosen(found, count, seconds, remove_bad, 50)}
            left = [path for path in whole if path not in going]
            assert left[:count] == whole[:count], (kind_of_each, count)
            assert not going & {copy.path for copy in found if copy.unreadable or (copy.ahead and not copy.problem)}
            newest = next((copy for copy in found if copy.counts), None)
            if newest is not None and newest.path in small:
                assert not going & {copy.path for copy in found if not copy.problem}, (
                    "one that is too small removes none"
                )


def test_several_copies_of_one_backup_count_as_one() -> None:
    one, other = a_copy(4), dataclasses.replace(a_copy(4), path="/another")
    found = [one, other, a_copy(3), a_copy(2)]
    assert [copy.path for copy in _copy.chosen(found, 2, None, False)] == ["/2"]
    assert _copy.chosen([one, other], 1, None, False) == []
    bad = dataclasses.replace(one, problem="bad", path="/bad")
    assert _copy.chosen([*found, bad], 4, None, True) == []


def test_tiny_copies_do_not_rotate_the_real_ones_out(shelf: Shelf) -> None:
    """Of each the content falls: gbrain#1361, hassio-google-drive-backup#1030, and GitLab in 2017."""
    shelf.have(1, 2, 3)
    for number in (4, 5, 6):
        shelf.take(number, archive(number, 500))
    assert shelf.going(3, most=50) == []
    (said, *dummy) = _copy.smaller(shelf.copies(), 50).values()
    assert said.startswith(shelf.path(4).name + " holds ") and f"% less than {shelf.path(3).name}" in said
    # A real one again: the tiny ones do not count, and are too old by then.
    shelf.take(7, archive(7))
    assert shelf.going(3, most=50) == [shelf.path(1).name]
    assert shelf.going(1, most=50) == [shelf.path(number).name for number in (6, 5, 4, 3, 2, 1)]
    # Told that this is right: then the next are compared with it.
    shelf.take(8, archive(8, 500), accepted=True)
    shelf.take(9, archive(9, 500))
    assert shelf.going(2, most=50) == [shelf.path(number).name for number in (7, 6, 5, 4, 3, 2, 1)]


def test_a_copy_with_a_date_in_the_future_says_nothing_of_others(shelf: Shelf) -> None:
    """restic#21956: one snapshot of 2099 made all others too old."""
    shelf.have(1, 2, 3)
    shelf.take(4, backup={"started_at": "2099-01-01T00:00:00Z"})
    found = shelf.copies()
    assert [copy.ahead for copy in found] == [False, False, False, True]
    assert shelf.going(2, 30 * DAY) == [] and shelf.going(2) == [shelf.path(1).name]
    assert _copies.find_copy(str(shelf.directory), ADDON).backup_id == "backup-03"


# -- what cannot be read, is not described, or has disappeared ---------------------------------------------------------


@pytest.mark.parametrize("number", ["EACCES", "EIO", "ESTALE"])
def test_what_cannot_be_read_is_not_bad(number: str, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """borg#3393: a disk that does not answer was taken for a damaged copy, and the copy was removed."""
    shelf.have(1, 2, 3)
    real = builtins.open

    def refusing(path: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
        if str(path) == str(shelf.path(2)):
            raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)), path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(builtins, "open", refusing)
    found = shelf.look()
    assert [copy["good"] for copy in found] == [True, False, True] and "cannot be read" in found[1]["problem"]
    assert shelf.prune(2, remove_bad=True) == [] and shelf.path(2).exists()


def test_a_directory_that_cannot_be_listed_is_an_error(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: str) -> t.Any:
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr(os, "listdir", refusing)
    with pytest.raises(ScalingoError, match=f"list the copies in {shelf.directory}: Input/output error"):
        shelf.look()


def test_descriptions_that_are_lost_are_said(shelf: Shelf) -> None:
    """wal-g#556, pgbackrest#902: a copy without its description was as if it had never been."""
    one, two, three, four = shelf.have(1, 2, 3, 4)
    one.with_name(one.name + ".json").write_text("", encoding="utf-8")
    two.with_name(two.name + ".json").unlink()
    three.with_name(three.name + ".json").write_text("[" * 100_000, encoding="utf-8")
    found = {copy["backup_id"]: copy["problem"] for copy in shelf.look()}
    assert found["backup-04"] == ""
    assert found["backup-02"] == f"the description of {two.name} cannot be read: No such file or directory"
    assert found["backup-01"] == f"the description of {one.name} cannot be read: it is not JSON"
    assert found["backup-03"] == f"the description of {three.name} cannot be read: it is not JSON"
    assert shelf.prune(1, remove_bad=True) == [] and one.exists() and two.exists() and four.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe{", b'{"made_by": "\\ud800"', b"null", b"{}"])
def test_no_description_ends_the_look_at_others(content: bytes, shelf: Shelf) -> None:
    """btrfs-backup-ng#38, clickhouse-backup#899: one bad neighbour hid every healthy backup."""
    one, dummy = shelf.have(1, 2)
    one.with_name(one.name + ".json").write_bytes(content)
    assert [copy["good"] for copy in shelf.look()] == [True, False]
    (shelf.directory / "a.json").write_bytes(content)
    assert len(shelf.look()) == 2


def test_a_description_that_cannot_be_finished_costs_no_good_copy(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VMaNGOS-Manager#94: the clean-up after a failure removed the backup that had its name already."""
    shelf.have(1)
    write, times = _copies.write_atomically, itertools.count()

    def failing(*arguments: t.Any) -> None:
        if "owner" not in arguments[0] and next(times) == 1:
            raise ScalingoError("write it: No space left on device")
        write(*arguments)

    with monkeypatch.context() as patch, pytest.raises(ScalingoError, match="No space"):
        patch.setattr(_copies, "write_atomically", failing)
        shelf.take(2)
    assert [copy["good"] for copy in shelf.look()] == [True, True] and shelf.names() == shelf.of(1, 2)


def test_copies_that_have_disappeared_are_said(shelf: Shelf) -> None:
    """NethServer/dev#5720: nobody missed what was on a disk that was not mounted."""
    for path in shelf.have(1, 2)[:1]:
        path.unlink()
        path.with_name(path.name + ".json").unlink()
    gone = shelf.look()[1]
    assert gone["backup_id"] == "backup-01" and "has disappeared, with its description" in gone["problem"]
    shelf.have(3)
    assert len(shelf.look()) == 3, "it is missed as long as nobody says that this is right"
    assert shelf.prune(1, remove_bad=True) == [shelf.path(2).name, shelf.path(1).name]
    assert [copy["backup_id"] for copy in shelf.look()] == ["backup-03"]


def test_whether_copies_have_been_kept_here(shelf: Shelf) -> None:
    assert not shelf.shelf.is_known() and not _copies.Shelf(str(shelf.directory / "none"), ADDON).is_known()
    for name in (_copies.MARKER, ".lock-ad-1"):
        (shelf.directory / name).touch()
        assert shelf.shelf.is_known()
        (shelf.directory / name).unlink()
    (shelf.directory / "foreign.json").write_text("[]", encoding="utf-8")
    assert not shelf.shelf.is_known()
    shelf.have(1)
    (shelf.directory / (".lock-" + ADDON)).unlink()
    assert shelf.shelf.is_known()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"a": 1, "b": {"size": "x"}}',
        '{"a": {"backup_id": "b", "started_at": "?", "size": 1, "sha256": ""}}',
    ],
)
def test_a_list_of_copies_that_cannot_be_read_says_nothing(content: str, shelf: Shelf) -> None:
    shelf.have(1, 2)
    (shelf.directory / (".lock-" + ADDON)).write_text(content, encoding="utf-8")
    assert [copy["good"] for copy in shelf.look()] == [True, True]
    shelf.have(3)
    assert len(json.loads((shelf.directory / (".lock-" + ADDON)).read_text(encoding="utf-8"))) == 3


def test_a_description_without_a_file_is_a_finding_unless_it_was_unfinished(shelf: Shelf) -> None:
    one, dummy = shelf.have(1, 2)
    one.unlink()
    assert [copy["good"] for copy in shelf.look()] == [True, False]
    describe(one, unfinished=True)
    assert [copy["backup_id"] for copy in shelf.look()] == ["backup-02"]
    assert one.with_name(one.name + ".json").exists(), "who only looks removes nothing"
    assert shelf.prune(5) == [] and shelf.names() == shelf.of(2)


def test_what_others_wrote_stays(shelf: Shelf) -> None:
    mine, dummy = shelf.have(1, 2)
    description = described(mine)
    others: dict[str, t.Any] = {
        "list": [], "text": "made_by", "nothing": None, "half": {"made_by": description["made_by"]}, "plain": {**description, "database": ADDON},
        "undated": {**description, "backup": {"id": "backup-01", "started_at": None}}, "other": {**description, "database": {"addon_id": "ad-1"}},
        "strange": {**description, "made_by": "somebody"}, "unsized": {**description, "size": None}, "true": {**description, "size": True},
        "numbered": {**description, "sha256": 1}, "archived": {**description, "archive": 5},
    }  # fmt: skip
    for name, content in others.items():
        (shelf.directory / (name + ".tar.gz")).write_bytes(b"of somebody else")
        (shelf.directory / (name + ".tar.gz.json")).write_text(json.dumps(content), encoding="utf-8")
    (shelf.directory / "torn.json").write_text('{"made_by": "comm', encoding="utf-8")
    before = set(os.listdir(shelf.directory))
    assert shelf.prune(1, remove_bad=True) == [mine.name]
    assert before - set(os.listdir(shelf.directory)) == {mine.name, mine.name + ".json"}


def test_copies_of_the_role_as_it_was_are_copies(shelf: Shelf) -> None:
    """Their descriptions say less."""
    (path,) = shelf.have(1)
    old = {key: value for key, value in described(path).items() if key not in ("archive", "encrypted")}
    path.with_name(path.name + ".json").write_text(json.dumps(old), encoding="utf-8")
    (copy,) = shelf.copies()
    assert (
        not copy.problem
        and (copy.archive_size, copy.archive_sha256, copy.content_bytes) == (copy.size, copy.sha256, None)
        and not copy.encrypted
    )
    assert _copy.smaller([copy, a_copy(2)], 50) == {}


def test_no_directory_holds_no_copies(tmp_path: Path) -> None:
    with _copies.Shelf(str(tmp_path / "none"), ADDON).alone(changing=False):
        assert _copies.Shelf(str(tmp_path / "none"), ADDON).found() == []
    with pytest.raises(ScalingoError, match="lock the copies in .*none: No such file or directory"):
        with _copies.Shelf(str(tmp_path / "none"), ADDON).alone():
            pass


def test_moments_are_those_of_the_platform(shelf: Shelf) -> None:
    (path,) = shelf.have(1)
    for text, meant in (("2026-01-01T02:00:00.51+01:00", "2026-01-01T01:00:00.510000Z"), (moment(1), moment(1))):
        describe(path, backup={"id": "backup-01", "started_at": text})
        assert shelf.look()[0]["started_at"] == meant
