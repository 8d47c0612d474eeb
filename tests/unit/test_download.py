# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large file on its way here: what breaks off, what changes meanwhile, what is kept, and what is never left behind."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _download, _files, _part
from ansible_collections.community.scalingo.plugins.module_utils._answer import Stream
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    Forbidden,
    NotFound,
    ScalingoError,
    ServerError,
    UnexpectedAnswer,
    Unreachable,
)
from support.files import Content, FileServer

SIZE = 3_000_000


@pytest.fixture
def server() -> t.Iterator[FileServer]:
    with FileServer(Content(SIZE)) as running:
        yield running


class Origin:
    """Hands out links with the tokens 1, 2, 3 and so on."""

    def __init__(self, office: t.Any, server: FileServer, retries: int = 3) -> None:
        self.clock = office.clock
        self.retries = retries
        self.notes: list[str] = []
        self.sizes: list[tuple[int, int | None]] = []
        self.links = 0
        self._server = server
        self._client = office.direct(api_retries=1)

    def link(self) -> str:
        self.links += 1
        return self._server.link(str(self.links))

    def open(self, link: str, headers: t.Mapping[str, str]) -> Stream:
        return self._client.open_link(_download.ROUTE, link, headers)

    def received(self, size: int, total: int | None, seconds: float, rate: float) -> None:
        self.sizes.append((size, total))

    def note(self, message: str) -> None:
        self.notes.append(message)


class Place:
    """A directory with a part and a destination."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.dest = directory / "backup.tar.gz"
        self.part = directory / ".backup.tar.gz.part"

    def fetch(self, origin: Origin, subject: str = "b1", size: int | None = None) -> str:
        """Download as the module does, and return the digest."""
        with _part.Part(str(self.part), subject) as part:
            _download.fetch(origin, part, size)
            _part.publish(part, str(self.dest), 0o640)
            return part.digest.hexdigest()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())

    def holds(self, content: Content) -> bool:
        return hashlib.sha256(self.dest.read_bytes()).hexdigest() == content.sha256()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def origin(office: t.Any, server: FileServer) -> Origin:
    return Origin(office, server)


def test_a_file_comes_whole_and_nothing_else_stays(place: Place, origin: Origin, server: FileServer) -> None:
    server.before = lambda seen: origin.note("there already" if place.dest.exists() else "not there yet")
    assert place.fetch(origin) == server.content.sha256()
    assert place.holds(server.content)
    assert place.names() == ["backup.tar.gz"]
    assert place.dest.stat().st_mode & 0o777 == 0o640
    assert (origin.links, origin.notes) == (1, ["not there yet"])
    seen = server.seen[0].headers
    assert seen["accept-encoding"] == "identity" and "authorization" not in seen and "range" not in seen


CUTS = [1, 300_000, 1_500_001, 2_999_999]


@pytest.mark.parametrize("length", [True, False])
def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    place: Place, origin: Origin, server: FileServer, length: bool
) -> None:
    server.cuts, server.length = list(CUTS), length
    assert place.fetch(origin) == server.content.sha256()
    assert place.holds(server.content) and place.names() == ["backup.tar.gz"]
    ranges = server.ranges()
    assert ranges[0] is None and len(ranges) == len(CUTS) + 1
    offsets = [0 if text is None else int(text[len("bytes=") : -1]) for text in ranges[1:]]
    # What was on its way when the connection was cut may be lost, but not more.
    assert all(cut - _files.CHUNK <= offset <= cut for cut, offset in zip(CUTS, offsets)), offsets
    assert all(seen.headers.get("if-range") == ('"one"' if "range" in seen.headers else None) for seen in server.seen)
    assert [seen.status for seen in server.seen[-2:]] == [206, 206]
    assert origin.links == 1


@pytest.mark.parametrize("etag", ['W/"one"', None, "one", '"one'])
def test_without_a_strong_tag_the_date_and_the_length_say_that_it_is_the_same(
    place: Place, origin: Origin, server: FileServer, etag: str | None
) -> None:
    server.etag, server.cuts = etag, [2_000_000]
    assert place.fetch(origin) == server.content.sha256()
    assert server.seen[1].status == 206
    assert server.seen[1].headers["if-range"] == "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("etag", "modified", "length"), [(None, None, True), ('W/"one"', None, True), (None, 1.0, False)]
)
def test_without_any_sign_that_it_is_the_same_it_starts_over(
    place: Place,
    origin: Origin,
    server: FileServer,
    etag: str | None,
    modified: float | None,
    length: bool,
) -> None:
    server.etag, server.modified, server.length, server.cuts = etag, modified, length, [2_000_000, 2_500_000]
    assert place.fetch(origin) == server.content.sha256()
    assert server.ranges() == [None] * 3
    assert place.names() == ["backup.tar.gz"]


def test_it_gives_up_when_it_has_to_start_over_again_and_again(
    place: Place, origin: Origin, server: FileServer
) -> None:
    server.etag = server.modified = None
    server.cuts = [2_000_000 + number for number in range(20)]
    with pytest.raises(Unreachable):
        place.fetch(origin)
    assert len(server.seen) == origin.retries + 1
    assert place.names() == []


def test_breaks_without_progress_are_counted_and_others_are_not(
    place: Place, origin: Origin, server: FileServer
) -> None:
    # Three that bring little, one that brings a megabyte, and three that bring little again.
    server.cuts = [300_000, 600_000, 900_000, 2_100_000, 2_400_000, 2_600_000, 2_900_000, 2_950_000]
    with pytest.raises(Unreachable) as caught:
        place.fetch(origin)
    assert len(server.seen) == 7 and origin.retries == 3
    assert place.names() == [".backup.tar.gz.part", ".backup.tar.gz.part.json"]
    assert f"bytes are kept in {place.part}" in caught.value.hint
    # The next task goes on with what there is.
    server.cuts.clear()
    kept = place.part.stat().st_size
    assert place.fetch(origin) == server.content.sha256()
    assert server.ranges()[-1] == f"bytes={kept}-" and kept > 1_000_000
    assert place.holds(server.content) and place.names() == ["backup.tar.gz"]
    assert origin.notes[-1] == f"going on with {place.part} from byte {kept}"


def test_a_server_that_sends_no_parts_is_taken_from_the_beginning(
    place: Place, origin: Origin, server: FileServer
) -> None:
    server.parts, server.cuts = False, [2_000_000]
    assert place.fetch(origin) == server.content.sha256()
    assert [seen.status for seen in server.seen] == [200, 200]
    assert any("the server sends no parts" in note for note in origin.notes)
    assert place.holds(server.content)


@pytest.mark.parametrize("conditions", [True, False])
@pytest.mark.parametrize("what", ["etag", "modified", "length"])
def test_a_file_that_changes_between_two_parts_is_noticed(
    place: Place, origin: Origin, server: FileServer, what: str, conditions: bool
) -> None:
    """Also by a server that does not understand the condition, and sends the rest of the other file."""
    old, new = server.content, Content(SIZE + (1 if what == "length" else 0), seed=2)
    server.cuts, server.conditions = [2_000_000], conditions
    if what != "etag":
        server.etag = None

    def change(seen: t.Any) -> None:
        if seen.headers.get("range") and server.content is old:
            server.content = new
            server.etag = '"two"' if what == "etag" else None
            server.modified = 1_700_000_001.0 if what == "modified" else server.modified
            if what == "length":
                server.conditions = False

    server.before = change
    assert place.fetch(origin) == new.sha256()
    assert place.holds(new) and place.names() == ["backup.tar.gz"]
    assert any("the file has changed" in note for note in origin.notes)


def test_a_file_that_has_become_shorter_is_noticed(place: Place, origin: Origin, server: FileServer) -> None:
    new = Content(1000, seed=3)
    server.cuts, server.conditions = [2_000_000], False

    def change(seen: t.Any) -> None:
        if seen.headers.get("range"):
            server.content = new

    server.before = change
    assert place.fetch(origin) == new.sha256()
    assert [seen.status for seen in server.seen] == [200, 416, 200]


def test_a_part_of_another_place_is_not_taken(place: Place, origin: Origin, server: FileServer) -> None:
    server.cuts = [2_000_000]
    server.before = lambda seen: (
        server.instead.append((206, {"Content-Range": f"bytes 0-9/{SIZE}", "ETag": '"one"'}, b"0123456789"))
        if seen.headers.get("range")
        else None
    )
    assert place.fetch(origin) == server.content.sha256()
    assert place.holds(server.content)


@pytest.mark.parametrize("refusal", [400, 401, 403, 404, 410])
def test_a_link_that_has_expired_is_asked_for_anew(
    place: Place, origin: Origin, server: FileServer, refusal: int
) -> None:
    server.tokens, server.refusal, server.cuts = {"1"}, refusal, [1_200_000, 2_500_000]

    def expire(seen: t.Any) -> None:
        if seen.headers.get("range"):
            server.tokens = {"2"} if len(server.cuts) == 1 else {"3"}

    server.before = expire
    assert place.fetch(origin) == server.content.sha256()
    assert origin.links == 3
    assert [seen.query["token"] for seen in server.seen] == ["1", "1", "2", "2", "3"]
    assert place.holds(server.content)


def test_a_link_that_expires_while_a_limit_is_waited_for_is_asked_for_anew(
    place: Place, origin: Origin, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = origin.open

    def late(link: str, headers: t.Mapping[str, str]) -> Stream:
        if origin.links == 1:
            origin.clock.sleep(400)
        return ask(link, headers)

    monkeypatch.setattr(origin, "open", late)
    server.tokens, server.refusal = {"2"}, 403
    assert place.fetch(origin) == server.content.sha256()
    assert origin.links == 2


@pytest.mark.parametrize(("refusal", "kind"), [(403, Forbidden), (404, NotFound), (500, ServerError)])
def test_a_link_that_never_works_is_an_error(
    place: Place, origin: Origin, server: FileServer, refusal: int, kind: type[ScalingoError]
) -> None:
    server.tokens, server.refusal = set(), refusal
    with pytest.raises(kind) as caught:
        place.fetch(origin)
    assert "token" not in str(caught.value), "neither the link's, nor advice about another one"
    assert caught.value.doing == "download the backup"
    assert place.names() == []
    assert origin.links == 1, "a link that is new is not asked for again"


@pytest.mark.parametrize(
    ("status", "headers", "body", "text"),
    [
        (
            200,
            {"Content-Type": "text/html; charset=utf-8"},
            b"<title>Log in</title>",
            r"archive: a page titled 'Log in' \(text/html\)",
        ),
        (200, {"Content-Type": "application/json"}, b'{"error": "no"}', 'not a gzipped archive: {"error": "no"}'),
        (200, {"Content-Type": "application/gzip"}, b"", "an empty file"),
        (200, {"Content-Type": "application/gzip"}, b"PK\x03\x04\xff", "archive: it begins with the bytes 50 4b 03 04"),
        (200, {"Content-Type": "application/gzip"}, b"\x1f", "archive: it begins with the bytes 1f"),
        (200, {}, b"name,born\nAda,1815\n" * 100, "archive: it begins with the bytes 6e 61 6d 65"),
        (204, {}, b"", "status 204"),
        (206, {"Content-Range": "bytes 5-9/10"}, b"56789", "the file has changed"),
    ],
)
def test_what_is_no_backup_is_refused(
    place: Place, origin: Origin, server: FileServer, status: int, headers: dict[str, str], body: bytes, text: str
) -> None:
    server.instead = [(status, headers, body)] * 9
    with pytest.raises(UnexpectedAnswer, match=text):
        place.fetch(origin)
    assert place.names() == []


#: As somebody saw it, with status 200.
ERROR_TEXT = (
    b"fail to get archive from storage backend: fail to get S3 object elasticsearch/20200101_shop_1.tar.gz: operation error S3: "
    b"GetObject, https response error StatusCode: 404, RequestID: 1, HostID: 2, NoSuchKey: \n"
)


@pytest.mark.parametrize("kind", ["text/plain", "application/gzip", "application/x-gzip"])
@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("told", [1003663, None, 0])
@pytest.mark.parametrize("at", [0, 2_000_000])
def test_an_error_text_is_shown_and_is_no_backup(
    place: Place, origin: Origin, server: FileServer, kind: str, length: bool, told: int | None, at: int
) -> None:
    if at:
        broken_off(place, origin, server, at)
        server.cuts, server.parts = [], False
    headers = {"Content-Type": kind} if length else {"Content-Type": kind, "Transfer-Encoding": "chunked"}
    body = ERROR_TEXT if length else b"%x\r\n%s\r\n0\r\n\r\n" % (len(ERROR_TEXT), ERROR_TEXT)
    server.instead = [(200, headers, body)]
    place.dest.write_text("the backup of yesterday")
    with pytest.raises(UnexpectedAnswer) as caught:
        place.fetch(origin, size=told)
    opening = f"the download has {len(ERROR_TEXT)} bytes, and the platform says 1003663"
    assert caught.value.message.startswith(
        "%s: fail to get archive" % (opening if told else "the download is not a gzipped archive")
    )
    assert caught.value.message.endswith("NoSuchKey:") and "scalingo_backup" in caught.value.hint
    assert place.names() == ["backup.tar.gz"] and place.dest.read_text() == "the backup of yesterday"


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("told", [SIZE - 1, SIZE + 1])
def test_an_archive_of_another_size_is_not_the_backup(
    place: Place, origin: Origin, server: FileServer, length: bool, told: int
) -> None:
    server.length = length
    with pytest.raises(UnexpectedAnswer, match=f"the download has {SIZE} bytes, and the platform says {told}"):
        place.fetch(origin, size=told)
    assert place.names() == [] and len(server.seen) == 1


def test_what_is_left_of_a_file_of_another_size_is_thrown_away(
    place: Place, origin: Origin, server: FileServer
) -> None:
    """Also when it was whole, and was taken for the backup by a task that did not know the size."""
    with _part.Part(str(place.part), "b1") as part:
        _download.fetch(origin, part)
        part.checkpoint()
    server.content, server.etag = Content(SIZE + 5, seed=4), '"two"'
    server.seen.clear()
    assert place.fetch(origin, size=SIZE + 5) == server.content.sha256()
    assert server.ranges() == [None] and place.names() == ["backup.tar.gz"]


@pytest.mark.parametrize("told", [None, SIZE, SIZE + 1, SIZE - 1])
def test_where_only_the_end_of_the_connection_ends_the_file_the_platform_must_know_its_size(
    place: Place, origin: Origin, server: FileServer, told: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.etag = server.modified = None
    real = Origin.open

    def without_length(self: Origin, link: str, headers: t.Mapping[str, str]) -> Stream:
        stream = real(self, link, headers)
        stream.headers = {name: value for name, value in stream.headers.items() if name != "content-length"}
        return stream

    monkeypatch.setattr(Origin, "open", without_length)
    if told == SIZE + 1:
        with pytest.raises(Unreachable, match=f"broke off after {SIZE} of {SIZE + 1} bytes"):
            place.fetch(origin, size=told)
        assert place.names() == []
    elif told == SIZE - 1:
        with pytest.raises(UnexpectedAnswer, match=f"the download has {SIZE} bytes, and the platform says {told}"):
            place.fetch(origin, size=told)
        assert place.names() == []
    else:
        assert place.fetch(origin, size=told) == server.content.sha256()


# -- what a task leaves to the next one ------------------------------------------------------------------------------


def broken_off(place: Place, origin: Origin, server: FileServer, at: int = 2_000_000) -> int:
    """Leave a part behind, and return its size."""
    server.cuts = [at + number for number in range(9)]
    with pytest.raises(Unreachable):
        place.fetch(origin)
    server.cuts = []
    server.seen.clear()
    return place.part.stat().st_size


def test_a_part_of_another_backup_is_thrown_away(place: Place, origin: Origin, server: FileServer) -> None:
    broken_off(place, origin, server)
    assert place.fetch(origin, subject="b2") == server.content.sha256()
    assert server.ranges() == [None]


def test_what_a_crash_may_have_lost_is_not_trusted(place: Place, origin: Origin, server: FileServer) -> None:
    """Only what was made sure of counts: the rest of the file may be anything."""
    kept = broken_off(place, origin, server)
    description = json.loads((place.directory / ".backup.tar.gz.part.json").read_text())
    assert description["synced"] == kept
    description["synced"] = 1_000_000
    (place.directory / ".backup.tar.gz.part.json").write_text(json.dumps(description))
    with place.part.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0" * (SIZE + 500_000))
    assert place.fetch(origin) == server.content.sha256()
    assert server.ranges() == ["bytes=1000000-"] and place.holds(server.content)


@pytest.mark.parametrize(
    "description",
    [
        "",
        "{",
        "[]",
        "null",
        '{"subject": "b1"}',
        '{"subject": "b1", "etag": 5, "last_modified": null, "total": 9, "synced": 5}',
        '{"subject": "b1", "etag": null, "last_modified": null, "total": 3000000, "synced": 5}',
        '{"subject": "b1", "etag": "\\"one\\"", "last_modified": null, "total": 3000000, "synced": 0}',
        '{"subject": "b1", "etag": "\\"one\\"", "last_modified": null, "total": 3000000, "synced": 99999999}',
        '{"subject": "b1", "etag": "\\"one\\"", "last_modified": null, "total": "x", "synced": 5}',
    ],
)
def test_a_description_that_tells_nothing_is_ignored(
    place: Place, origin: Origin, server: FileServer, description: str
) -> None:
    place.part.write_bytes(b"something else" * 1000)
    (place.directory / ".backup.tar.gz.part.json").write_text(description)
    assert place.fetch(origin) == server.content.sha256()
    assert server.ranges() == [None]
    assert place.holds(server.content) and place.names() == ["backup.tar.gz"]


def test_a_part_that_is_whole_needs_no_request(place: Place, origin: Origin, server: FileServer) -> None:
    """The task before was stopped just before the file got its name."""
    with _part.Part(str(place.part), "b1") as part:
        _download.fetch(origin, part)
        part.checkpoint()
    server.seen.clear()
    assert place.fetch(origin) == server.content.sha256()
    assert server.seen == [] and place.holds(server.content)


def test_two_tasks_do_not_write_one_file(place: Place, origin: Origin) -> None:
    with _part.Part(str(place.part), "b1"):
        with pytest.raises(ScalingoError, match="another task is downloading to"):
            place.fetch(origin)
    assert place.fetch(origin)


def test_a_file_system_without_locks_is_no_obstacle(
    place: Place, origin: Origin, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> t.NoReturn:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(_files.fcntl, "flock", no_locks)
    assert place.fetch(origin) == server.content.sha256()


def test_a_part_that_another_task_finishes_meanwhile_is_not_written_to(
    place: Place, origin: Origin, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.part.write_bytes(b"the work of the other task")
    flock = _files.fcntl.flock
    finished = place.directory / "finished"

    def slow(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        if not finished.exists():
            place.part.rename(finished)

    monkeypatch.setattr(_files.fcntl, "flock", slow)
    assert place.fetch(origin) == server.content.sha256()
    assert finished.read_bytes() == b"the work of the other task"


# -- this machine ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "directory", "foreign"])
def test_something_in_the_way_is_not_touched(place: Place, origin: Origin, kind: str) -> None:
    victim = place.directory / "victim"
    victim.write_text("precious")
    if kind == "link":
        place.part.symlink_to(victim)
    elif kind == "directory":
        place.part.mkdir()
    elif os.geteuid() == 0:
        place.part.write_text("theirs")
        os.chown(place.part, 12345, 12345)
    else:
        pytest.skip("only root can make a file of somebody else")
    with pytest.raises(ScalingoError):
        place.fetch(origin)
    assert victim.read_text() == "precious" and place.part.exists()


def test_a_full_disk_is_noticed_before_it_is_full(
    place: Place, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.statvfs(place.directory)
    small = os.statvfs_result((*found[:4], SIZE // found.f_frsize - 1, *found[5:10], found.f_fsid))
    monkeypatch.setattr(_part.os, "fstatvfs", lambda descriptor: small)
    with pytest.raises(ScalingoError, match="there is no room for the backup: it needs 3000000 bytes more") as caught:
        place.fetch(origin)
    assert "Free some space" in caught.value.hint
    assert place.names() == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_gets_full_is_left_as_it_was(
    place: Place, origin: Origin, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = _part.Part.write

    def failing(self: _part.Part, piece: bytes) -> None:
        if self.size > 1_000_000:
            with _files.local(f"write to {self.path}"):
                raise OSError(code, os.strerror(code))
        write(self, piece)

    monkeypatch.setattr(_part.Part, "write", failing)
    with pytest.raises(ScalingoError, match=os.strerror(code)) as caught:
        place.fetch(origin)
    assert ("Free some space" in caught.value.hint) is (code != errno.EIO)
    assert place.names() == [], "what could be gone on with would keep the disk full"


def test_what_is_written_is_made_sure_of_now_and_then(
    place: Place, origin: Origin, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_part, "CHECKPOINT", 1_000_000)
    seen: list[int] = []
    checkpoint = _part.Part.checkpoint

    def noted(self: _part.Part) -> None:
        checkpoint(self)
        seen.append(json.loads(Path(self.description).read_text())["synced"])

    monkeypatch.setattr(_part.Part, "checkpoint", noted)
    place.fetch(origin)
    assert len(seen) == 3 and 1_000_000 <= seen[0] < 1_300_000 and seen[-1] == SIZE


class Renaming:
    """os.replace that fails for the names that it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **errors: int) -> None:
        self._replace = os.replace
        self._errors = errors
        monkeypatch.setattr(_part.os, "replace", self)

    def __call__(self, source: str, target: str) -> None:
        kind = source.rsplit(".", 1)[-1]
        if kind in self._errors:
            raise OSError(self._errors[kind], os.strerror(self._errors[kind]))
        self._replace(source, target)


@pytest.mark.parametrize("copy", [None, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_another_file_system_gets_a_copy(
    place: Place, origin: Origin, server: FileServer, copy: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the destination first; where nothing can be renamed, under its name at once."""
    place.dest.write_text("the backup of yesterday")
    Renaming(monkeypatch, part=errno.EXDEV, **({} if copy is None else {"copy": copy}))
    assert place.fetch(origin) == server.content.sha256()
    assert place.holds(server.content) and place.names() == ["backup.tar.gz"]
    assert place.dest.stat().st_mode & 0o777 == 0o640


def test_a_copy_that_fails_leaves_the_file_of_yesterday_and_the_part(
    place: Place, origin: Origin, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.dest.write_text("the backup of yesterday")
    Renaming(monkeypatch, part=errno.EXDEV, copy=errno.EIO)
    with pytest.raises(ScalingoError, match="write .*backup.tar.gz: "):
        place.fetch(origin)
    assert place.dest.read_text() == "the backup of yesterday"
    assert place.names() == [".backup.tar.gz.part", ".backup.tar.gz.part.json", "backup.tar.gz"]
    monkeypatch.undo()
    server.seen.clear()
    assert place.fetch(origin) == server.content.sha256() and server.seen == []


def test_a_copy_of_something_damaged_is_no_backup(
    place: Place, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    Renaming(monkeypatch, part=errno.EXDEV)
    sync = _part.Part.sync

    def damaging(self: _part.Part) -> None:
        sync(self)
        with open(self.path, "r+b") as file:
            file.write(b"damage")

    monkeypatch.setattr(_part.Part, "sync", damaging)
    with pytest.raises(ScalingoError, match="is damaged"):
        place.fetch(origin)
    assert place.names() == []


def test_a_file_system_that_cannot_rename_is_told_with_what_to_do(
    place: Place, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    Renaming(monkeypatch, part=errno.ENOSYS)
    with pytest.raises(ScalingoError) as caught:
        place.fetch(origin)
    assert "use a directory on another one" in caught.value.hint
    assert not place.dest.exists()


@pytest.mark.parametrize("error", [None, errno.ENOSYS])
def test_a_small_file_is_there_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int | None) -> None:
    path = tmp_path / "x.json"
    path.write_text("old")
    if error is not None:
        Renaming(monkeypatch, new=error)
    _files.write_atomically(str(path), "new", 0o640)
    assert path.read_text() == "new" and [item.name for item in tmp_path.iterdir()] == ["x.json"]


def test_a_small_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    path.write_text("old")
    Renaming(monkeypatch, new=errno.EIO)
    with pytest.raises(ScalingoError, match="write .*x.json"):
        _files.write_atomically(str(path), "new", 0o640)
    assert path.read_text() == "old" and [item.name for item in tmp_path.iterdir()] == ["x.json"]
