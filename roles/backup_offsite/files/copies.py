# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of copies of backups in a directory: look at them, take a new one in, prune.

    python copies.py STEP < options.json

Each step prints its result as JSON. When it fails it prints {"problem": ..., "hint": ...} and ends with 1.

A copy is a file and its description, a JSON file of the same name with .json behind it. The description is written first and the file gets
its name last, so that what has the name is whole. A copy is good when its file has the length and the SHA-256 of the description. What
has no description of this role is not touched.

While a file comes or goes its description says "unfinished": a run that is killed then leaves a description whose file may be missing, which
is no finding. A file that is there is judged as any other.

Only the standard library is used, and nothing of Ansible.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import typing as t
import zlib

MADE_BY = "community.scalingo.backup_offsite"
CHUNK = 1024 * 1024

Options = t.Dict[str, t.Any]
Copy = t.Dict[str, t.Any]


class Problem(Exception):
    """What went wrong, for a person."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


# -- files ------------------------------------------------------------------------------------------------------------


def digest(path: str) -> str:
    """The SHA-256 of a file."""
    seen = hashlib.sha256()
    with open(path, "rb") as stream:
        for piece in iter(lambda: stream.read(CHUNK), b""):
            seen.update(piece)
    return seen.hexdigest()


def settle(directory: str) -> None:
    """Have the names in a directory on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def write(path: str, content: t.Mapping[str, t.Any], directory: str) -> None:
    """Write a description, whole or not at all. It grows in the directory for that."""
    growing = os.path.join(directory, os.path.basename(path) + ".new")
    try:
        with open(os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2, sort_keys=True)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(growing, path)
    except OSError:
        remove(growing)
        raise


def remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def moment(text: str) -> datetime.datetime:
    """A moment as the platform writes it. Before Python 3.11 a fraction of a second has to have six digits."""
    text = re.sub(r"[.](\d+)", lambda found: "." + found.group(1)[:6].ljust(6, "0"), text.replace("Z", "+00:00"))
    when = datetime.datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)


# -- what is there ----------------------------------------------------------------------------------------------------


def problem_of(path: str, copy: Copy) -> str:
    """Why a copy is not good; empty when it is."""
    name = os.path.basename(path)
    try:
        size = os.stat(path).st_size
        if size != copy["size"]:
            return "%s has %d bytes, and had %d when it was made" % (name, size, copy["size"])
        if digest(path) != copy["sha256"]:
            return "%s was altered: its SHA-256 is another than when it was made" % name
    except FileNotFoundError:
        return "%s is not there any more" % name
    except OSError as error:
        return "%s cannot be read: %s" % (name, error.strerror)
    return ""


def of_this_role(described: t.Any, addon_id: str) -> bool:
    """Whether this is what the role wrote about a copy of this database."""
    try:
        moment(described["backup"]["started_at"])
        return (
            described["made_by"] == MADE_BY
            and described["database"]["addon_id"] == addon_id
            and isinstance(described["backup"]["id"], str)
            and isinstance(described["size"], int)
            and isinstance(described["sha256"], str)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def copies(options: Options) -> t.List[Copy]:
    """The copies of one database, the newest first, each with C(problem)."""
    directory, found = options["directory"], []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".json"):
                continue
            try:
                with open(os.path.join(directory, name), encoding="utf-8") as stream:
                    described = json.load(stream)
            except (OSError, ValueError):
                continue
            if not of_this_role(described, options["addon_id"]):
                continue
            path = os.path.join(directory, name[: -len(".json")])
            if described.pop("unfinished", False) and not os.path.lexists(path):
                if not options.get("only_look", True):
                    remove(path + ".json")
                continue
            found.append({**described, "path": path, "problem": problem_of(path, described)})
    return sorted(found, key=lambda copy: (moment(copy["backup"]["started_at"]), copy["backup"]["id"]), reverse=True)


def shown(copy: Copy) -> t.Dict[str, t.Any]:
    return {
        "path": copy["path"], "backup_id": copy["backup"]["id"], "started_at": copy["backup"]["started_at"], "size": copy["size"],
        "sha256": copy["sha256"], "good": not copy["problem"], "problem": copy["problem"],
    }  # fmt: skip


# -- taking one in ----------------------------------------------------------------------------------------------------


def length(stream: t.Optional[t.IO[bytes]]) -> int:
    """How many bytes come out of a stream."""
    return sum(len(piece) for piece in iter(lambda: stream.read(CHUNK) if stream else b"", b""))


def read_through(path: str) -> int:
    """Read an archive to its last byte, and return how many bytes its files have. Raises Problem when it is not whole."""
    total = 0
    try:
        with gzip.open(path, "rb") as plain:
            with tarfile.open(fileobj=plain, mode="r|") as archive:
                for member in archive:
                    if member.isfile():
                        seen = length(archive.extractfile(member))
                        if seen != member.size:
                            raise Problem("the archive is cut off: %s has %d of %d bytes" % (member.name, seen, member.size))
                        total += seen
            # The check sum of gzip comes at the very end.
            while plain.read(CHUNK):
                pass
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise Problem("the archive cannot be read to its end: %s" % error) from None
    if total == 0:
        raise Problem("the archive holds nothing")
    return total


def encrypted(path: str, command: t.Sequence[str], suffix: str) -> str:
    """Run the user's command, and return what it wrote. The clear file goes, whatever happens."""
    output = path + suffix
    remove(output)
    words = [word.replace("{input}", path).replace("{output}", output) for word in command]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise Problem("%s ended with %d: %s" % (words[0], done.returncode, complaint[0]))
        if not os.path.isfile(output) or os.stat(output).st_size == 0:
            raise Problem("%s wrote nothing to {output}" % words[0])
        if digest(output) == digest(path):
            raise Problem("%s did not encrypt: {output} is the same as {input}" % words[0])
    except OSError as error:
        remove(output)
        raise Problem("%s cannot be started: %s" % (words[0], error.strerror)) from None
    except Problem:
        remove(output)
        raise
    finally:
        remove(path)
    os.chmod(output, 0o600)
    return output


def take(options: Options) -> t.Dict[str, t.Any]:
    """Verify what was downloaded, encrypt it where asked for, and give it its name."""
    path = options["path"]
    size = os.stat(path).st_size
    if options["size"] is not None and size != options["size"]:
        remove(path)
        raise Problem("the download has %d bytes, and the platform says %d" % (size, options["size"]))
    clear = digest(path)
    if clear != options["sha256"]:
        remove(path)
        raise Problem("the download was altered on this machine: its SHA-256 is another than when it came")
    try:
        content = read_through(path)
    except Problem:
        remove(path)
        raise
    name = options["name"]
    if options["command"]:
        path = encrypted(path, options["command"], options["suffix"])
        name += options["suffix"]
    target, growing = os.path.join(options["directory"], name), os.path.dirname(path)
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())
    description = {
        "made_by": MADE_BY,
        "database": options["database"],
        "backup": options["backup"],
        "size": os.stat(path).st_size,
        "sha256": digest(path),
        "encrypted": bool(options["command"]),
        "archive": {"size": size, "sha256": clear, "content_bytes": content},
        "verified_at": options["now"],
    }
    write(target + ".json", {**description, "unfinished": True}, growing)
    os.replace(path, target)
    settle(options["directory"])
    write(target + ".json", description, growing)
    return {"path": target, **description}


# -- pruning ----------------------------------------------------------------------------------------------------------


def chosen(found: t.Sequence[Copy], keep_count: int, keep_seconds: t.Optional[float], remove_bad: bool) -> t.List[Copy]:
    """Which copies go: good ones that are beyond the number and older than the age, and bad ones when told so.

    The newest keep_count good ones stay in any case. Ages are counted from the newest good one, whatever the clock of this machine says.
    """
    good = [copy for copy in found if not copy["problem"]]
    if not good:
        return []
    newest, beyond = moment(good[0]["backup"]["started_at"]), good[max(1, keep_count) :]
    going = [copy for copy in beyond if keep_seconds is None or (newest - moment(copy["backup"]["started_at"])).total_seconds() > keep_seconds]
    return going + [copy for copy in found if copy["problem"] and remove_bad and len(good) >= keep_count]


def prune(options: Options) -> t.Dict[str, t.Any]:
    """Remove what is not to be kept. The description says so first, so that a run that is killed is finished by the next."""
    found = copies(options)
    # In check mode the copy that would come is not there, and counts nevertheless.
    coming = [{"path": "", "problem": "", "backup": {"id": "", "started_at": options["coming"]}}] if options.get("coming") else []
    reckoned = sorted(coming + found, key=lambda copy: moment(copy["backup"]["started_at"]), reverse=True)
    going = [
        copy
        for copy in chosen(reckoned, options["keep_count"], options["keep_seconds"], options["remove_bad"])
        if copy["backup"]["id"] not in ("", options["current"])
    ]
    if going and not options["only_look"]:
        for copy in going:
            described = {key: value for key, value in copy.items() if key not in ("path", "problem")}
            # A disk that is full is no reason to keep what fills it.
            with contextlib.suppress(OSError):
                os.makedirs(options["growing"], mode=0o700, exist_ok=True)
                write(copy["path"] + ".json", {**described, "unfinished": True}, options["growing"])
            remove(copy["path"])
            remove(copy["path"] + ".json")
        # A download that was interrupted may wait there.
        with contextlib.suppress(OSError):
            os.rmdir(options["growing"])
        settle(options["directory"])
    gone = {copy["path"] for copy in going}
    return {"removed": [shown(copy) for copy in going], "copies": [shown(copy) for copy in found if copy["path"] not in gone]}


def look(options: Options) -> t.Dict[str, t.Any]:
    return {"copies": [shown(copy) for copy in copies(options)]}


def sweep(options: Options) -> t.Dict[str, t.Any]:
    """Remove what downloads and encryption left in the directory for files that grow."""
    left: t.List[str] = []
    if os.path.islink(options["path"]):
        return {"removed": left}
    with contextlib.suppress(FileNotFoundError):
        for name in sorted(os.listdir(options["path"])):
            remove(os.path.join(options["path"], name))
            left.append(name)
        os.rmdir(options["path"])
    return {"removed": left}


STEPS: t.Dict[str, t.Callable[[Options], t.Dict[str, t.Any]]] = {"look": look, "take": take, "prune": prune, "sweep": sweep}


def main() -> int:
    # So that the clear file goes, too, when the run is told to end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda dummy, frame: sys.exit(1))
    try:
        print(json.dumps(STEPS[sys.argv[1]](json.load(sys.stdin))))
    except Problem as problem:
        print(json.dumps({"problem": str(problem), "hint": problem.hint}))
        return 1
    except OSError as error:
        hint = "Free some space." if error.errno in (28, 122) else ""
        print(json.dumps({"problem": "%s: %s" % (error.filename or "a file", error.strerror), "hint": hint}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
