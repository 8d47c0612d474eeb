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

Several runs may work on the copies of one database at once, also on several machines. Each step that changes what is kept is alone while it does
so, and decides by what it finds then: the lock ends with its process. Besides, one run at a time has the place where files grow. A keeper, a
process of its own, holds the lock of that place until the run gives it back or ends in any way, and then removes what must not stay: between two
tasks of a role no process of the run lives that could.

Only the standard library is used, and nothing of Ansible.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import gzip
import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tarfile
import time
import typing as t
import zlib

MADE_BY = "community.scalingo.backup_offsite"
CHUNK = 1024 * 1024
#: What file systems without locks say.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
#: Seconds that a step waits for that of another run, and that a keeper waits when it cannot tell which process is the run.
PATIENCE = 14400.0
LONGEST_RUN = 86400.0
WHEN_IT_HAS_ENDED = "Run it again when the other one has ended: what it has brought here is not brought again."

Options = t.Dict[str, t.Any]
Copy = t.Dict[str, t.Any]


class Problem(Exception):
    """What went wrong, for a person. C(busy) says that another run is the reason."""

    def __init__(self, message: str, hint: str = "", busy: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.busy = busy


def without_tokens() -> t.Dict[str, str]:
    """The environment for a program of somebody else, which needs no token of the platform."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCALINGO_")}


def visible(text: str) -> str:
    """A text that others wrote, on one line, with an escape to be seen for each character that a terminal obeys."""
    text = re.sub("[\t\n\x0b\x0c\r\x85\u2028\u2029]+", " ", text)
    unseen = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    return re.sub(
        unseen, lambda found: ("\\x%02x" if ord(found.group()) < 256 else "\\u%04x") % ord(found.group()), text
    )


# -- files ------------------------------------------------------------------------------------------------------------


def digest(path: str) -> str:
    """The SHA-256 of a file."""
    with open(path, "rb") as stream:
        return digest_of(stream)


def digest_of(stream: t.IO[bytes]) -> str:
    seen = hashlib.sha256()
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
    growing = os.path.join(directory, "%s.%s.new" % (os.path.basename(path), secrets.token_hex(4)))
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


def copies(options: Options, backup_id: str = "") -> t.List[Copy]:
    """The copies of one database, or of one backup of it, the newest first, each with C(problem)."""
    directory, found = options["directory"], []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".json"):
                continue
            try:
                with open(os.path.join(directory, name), encoding="utf-8") as stream:
                    described = json.load(stream)
            except (OSError, ValueError, RecursionError):
                continue
            if not of_this_role(described, options["addon_id"]) or backup_id not in ("", described["backup"]["id"]):
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


def good_copy(options: Options, backup_id: str) -> t.Optional[Copy]:
    """A good copy of this backup, if there is one."""
    return next((copy for copy in copies(options, backup_id) if not copy["problem"]), None)


# -- one step at a time -----------------------------------------------------------------------------------------------


def lock(number: int, how: int) -> t.Optional[bool]:
    """Take a lock without waiting. Whether this process has it now; nothing where the file system has no locks."""
    try:
        fcntl.flock(number, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return True


def remarks(directory: str, has_locks: bool, mounts: str = "/proc/self/mountinfo") -> t.List[str]:
    """What is worth knowing of the locks of a directory."""
    if not has_locks:
        return ["The file system of %s has no locks: let only one run at a time work there." % directory]
    found = os.stat(directory).st_dev
    device = "%d:%d" % (os.major(found), os.minor(found))
    with contextlib.suppress(OSError), open(mounts, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            head, dummy, tail = line.partition(" - ")
            kind, options = tail.split()[0], tail.split()[-1].split(",")
            if (
                head.split()[2] == device
                and kind.startswith("nfs")
                and {"nolock", "local_lock=all", "local_lock=flock"} & set(options)
            ):
                return [
                    "The locks of %s count on this machine alone: let no run on another machine work there at the same time."
                    % directory
                ]
    return []


@contextlib.contextmanager
def alone(options: Options, how: int = fcntl.LOCK_EX) -> t.Iterator[t.List[str]]:
    """Be the only one who changes the copies of this database, or with C(LOCK_SH) look while nobody does. Yields what is worth knowing.

    The file of the lock stays: were it removed, two runs could have a lock each, on different files of the same name.
    """
    changing = how == fcntl.LOCK_EX
    flags = (os.O_RDWR | os.O_CREAT if changing else os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        number = os.open(os.path.join(options["directory"], ".lock-" + options["addon_id"]), flags, 0o600)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        if changing:
            raise
        # Nobody has changed anything yet, or only somebody whose copies cannot be read either.
        yield []
        return
    try:
        deadline = time.monotonic() + float(options.get("wait", PATIENCE))
        held = lock(number, how)
        while held is False:
            if time.monotonic() > deadline:
                raise Problem(
                    "another run is still busy with the copies of this database in %s" % options["directory"],
                    WHEN_IT_HAS_ENDED,
                    busy=True,
                )
            time.sleep(0.05)
            held = lock(number, how)
        yield remarks(options["directory"], held is not None)
    finally:
        # A process that was begun meanwhile has inherited it.
        with contextlib.suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_UN)
        os.close(number)


# -- one run at a time where files grow -------------------------------------------------------------------------------


def growing(options: Options) -> str:
    """Where files grow, in the file system of the directory, so that they can get their names at once. One database has one of its own."""
    return os.path.join(options["directory"], ".growing-" + options["addon_id"])


def downloads(backup_id: str) -> t.List[str]:
    """The names of what a download leaves that can be gone on with."""
    names = [backup_id + ".tar.gz", ".%s.tar.gz.part" % backup_id]
    return names + [name + ".json" for name in names]


def is_free(path: str) -> bool:
    """Whether nobody has locked a file."""
    try:
        number = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return lock(number, fcntl.LOCK_EX) is not False
    finally:
        os.close(number)


def is_left(place: str) -> bool:
    """Whether no run has this place, and no download goes on there that has outlived its run. Only for who is alone."""
    return is_free(os.path.join(place, "lock")) and all(
        is_free(os.path.join(place, name)) for name in os.listdir(place) if name.endswith(".part")
    )


def owner(place: str) -> t.Dict[str, t.Any]:
    try:
        with open(os.path.join(place, "owner.json"), encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def clean(place: str, staying: t.Sequence[str] = ()) -> t.List[str]:
    """Remove what is there, but for what stays. Returns the names of what went."""
    went: t.List[str] = []
    if os.path.islink(place) or not os.path.isdir(place):
        return went
    for name in sorted(os.listdir(place)):
        if name not in staying:
            remove(os.path.join(place, name))
            went.append(name)
    with contextlib.suppress(OSError):
        os.rmdir(place)
    return went


def begin(options: Options) -> t.Dict[str, t.Any]:
    """Have a place where a file can grow, for this run alone, or find that another run has brought the backup here meanwhile.

    What a download left that was interrupted stays, unless it has to be encrypted.
    """
    place, backup_id, run = growing(options), options["backup_id"], secrets.token_hex(8)
    before = os.umask(0o077)
    try:
        os.makedirs(options["directory"], exist_ok=True)
        with alone(options) as notes:
            there = good_copy(options, backup_id)
            if there is not None:
                return {"there": shown(there), "run": None, "path": None, "notes": notes}
            if os.path.islink(place):
                raise Problem("%s is a link" % place, "Remove it.")
            os.makedirs(place, exist_ok=True)
            if not is_left(place):
                raise Problem(*who_is_there(options), busy=True)
            staying = [] if options["encrypting"] else downloads(backup_id)
            clean(place, staying)
            os.makedirs(place, exist_ok=True)
            held = os.open(os.path.join(place, "lock"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                lock(held, fcntl.LOCK_EX)
                known = {
                    "run": run,
                    "process": os.getppid(),
                    "host": os.uname().nodename,
                    "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                }
                watched = run_of_ansible()
                write(os.path.join(place, "owner.json"), {**known, "process": watched[0]} if watched else known, place)
                start_keeper(options, held, watched, staying)
            finally:
                os.close(held)
    finally:
        os.umask(before)
    # What must not stay is never gone on with. Then nobody else's file can have the name, not even one of a program that outlives its run.
    name = "%s.%s.tar.gz" % (backup_id, run) if options["encrypting"] else backup_id + ".tar.gz"
    return {"there": None, "run": run, "path": os.path.join(place, name), "notes": notes}


def who_is_there(options: Options) -> t.Tuple[str, str]:
    known = owner(growing(options))
    who = (
        "process %s on %s, since %s" % (known["process"], known["host"], known["since"])
        if "since" in known
        else "a download that has outlived its run"
    )
    return "another run is bringing a backup of this database to %s: %s" % (
        options["directory"],
        who,
    ), WHEN_IT_HAS_ENDED


def give_back(options: Options, staying: t.Sequence[str] = ()) -> t.List[str]:
    """Let others have the place, if it is still this run's. Its keeper ends when the lock is gone. Only for who is alone."""
    place, run = growing(options), options.get("run")
    return clean(place, staying) if run and owner(place).get("run") == run else []


def close(options: Options) -> t.Dict[str, t.Any]:
    """Give the place back after a failure."""
    with alone(options):
        return {"removed": give_back(options, downloads(options["backup_id"]) if options["resumable"] else ())}


# -- the keeper -------------------------------------------------------------------------------------------------------


class Process(t.NamedTuple):
    parent: int
    start: str
    command: t.List[str]


Watched = t.Optional[t.Tuple[int, Process]]


def process(pid: int) -> t.Optional[Process]:
    """A process that lives. With its start it is the same one, whoever has had its number."""
    if os.path.isdir("/proc/self"):
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
                fields = stream.read().rpartition(")")[2].split()
            with open("/proc/%d/cmdline" % pid, "rb") as stream:
                command = os.fsdecode(stream.read()).rstrip("\0").split("\0")
        except OSError:
            return None
        return None if fields[0] in "ZX" else Process(int(fields[1]), fields[19], command)
    listed = subprocess.run(
        ["ps", "-ww", "-o", "ppid=,stat=,lstart=,command=", "-p", str(pid)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**without_tokens(), "LC_ALL": "C"}, check=False,
    )  # fmt: skip
    words = listed.stdout.decode("utf-8", "replace").split(None, 7)
    return (
        None
        if len(words) < 8 or words[1].startswith("Z")
        else Process(int(words[0]), " ".join(words[2:7]), words[7].split())
    )


def run_of_ansible() -> Watched:
    """The process of Ansible that this one works for: its workers are copies, with the same command line."""
    found: Watched = None
    pid = os.getppid()
    known = process(pid)
    while known is not None:
        if found is None:
            is_ansible = any(re.fullmatch(r"ansible(-\w+)?", os.path.basename(word)) for word in known.command[:3])
        else:
            is_ansible = known.command == found[1].command
            if not is_ansible:
                break
        found = (pid, known) if is_ansible else None
        pid = known.parent
        known = process(pid)
    return found


def is_alive(watched: t.Tuple[int, Process]) -> bool:
    now = process(watched[0])
    return now is not None and now.start == watched[1].start


def start_keeper(options: Options, held: int, watched: Watched, staying: t.Sequence[str]) -> None:
    """A process that belongs to nobody, and has inherited the lock of the place."""
    child, code = os.fork(), 1
    if child:
        if os.waitpid(child, 0)[1]:
            raise Problem(
                "no process can be started that watches over the download", "See how many processes the user may have."
            )
        return
    try:
        os.setsid()
        if os.fork():
            code = 0
        else:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            # Above all the lock of the step.
            os.closerange(3, held)
            os.closerange(held + 1, 256)
            os.chdir("/")
            keep(options, held, watched, staying)
    finally:
        os._exit(code)


def keep(options: Options, held: int, watched: Watched, staying: t.Sequence[str]) -> None:
    """Until the run ends, or has given the place back."""
    place, until = growing(options), time.monotonic() + LONGEST_RUN

    def is_ours() -> bool:
        try:
            found, ours = os.stat(os.path.join(place, "lock")), os.fstat(held)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    try:
        for number in numbers:
            signal.signal(number, lambda dummy, frame: sys.exit(1))
        while is_ours() and (is_alive(watched) if watched else time.monotonic() < until):
            time.sleep(0.5)
    except SystemExit:
        pass
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    if is_ours():
        with alone(options):
            if is_ours():
                clean(place, staying)


# -- taking one in ----------------------------------------------------------------------------------------------------


def length(stream: t.Optional[t.IO[bytes]]) -> int:
    """How many bytes come out of a stream."""
    return sum(len(piece) for piece in iter(lambda: stream.read(CHUNK) if stream else b"", b""))


def read_through(source: t.Union[str, t.IO[bytes]]) -> int:
    """Read an archive to its last byte, and return how many bytes its files have. Raises Problem when it is not whole."""
    total = 0
    try:
        with gzip.open(source, "rb") as plain:
            with tarfile.open(fileobj=plain, mode="r|") as archive:
                for member in archive:
                    if member.isfile():
                        seen = length(archive.extractfile(member))
                        if seen != member.size:
                            raise Problem(
                                "the archive is cut off: %s has %d of %d bytes" % (member.name, seen, member.size)
                            )
                        total += seen
            # The check sum of gzip comes at the very end.
            while plain.read(CHUNK):
                pass
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise Problem("the archive cannot be read to its end: %s" % error) from None
    if total == 0:
        raise Problem("the archive holds nothing")
    return total


def identity(found: os.stat_result) -> t.Tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def require_same(path: str, seen: os.stat_result) -> None:
    """Refuse a file that is not the one any more that was verified."""
    if identity(os.stat(path)) != identity(seen):
        raise Problem("%s was changed while it was worked on" % path, "Run it again.")


def encrypted(path: str, command: t.Sequence[str], suffix: str, seen: os.stat_result) -> str:
    """Run the user's command, and return what it wrote. The clear file goes, whatever happens."""
    # A name that no program of a run that was killed can still be writing to.
    output = "%s.%s%s" % (path, secrets.token_hex(4), suffix)
    words = [word.replace("{input}", path).replace("{output}", output) for word in command]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=without_tokens(), check=False,
        )  # fmt: skip
        if done.returncode != 0:
            complaint = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1:] or ["it said nothing"]
            raise Problem("%s ended with %d: %s" % (words[0], done.returncode, complaint[0]))
        if not os.path.isfile(output) or os.stat(output).st_size == 0:
            raise Problem("%s wrote nothing to {output}" % words[0])
        require_same(path, seen)
        if digest(output) == digest(path):
            raise Problem("%s did not encrypt: {output} is the same as {input}" % words[0])
        os.chmod(output, 0o600)
    except OSError as error:
        remove(output)
        if error.filename not in (words[0], None):
            raise
        raise Problem("%s cannot be started: %s" % (words[0], error.strerror)) from None
    except Problem:
        remove(output)
        raise
    finally:
        remove(path)
    return output


def prepared(options: Options) -> t.Tuple[str, Copy]:
    """Verify what was downloaded, and encrypt it where asked for. A file that is to be kept, and its description."""
    path = options["path"]
    try:
        with open(path, "rb") as stream:
            seen = os.fstat(stream.fileno())
            if options["size"] is not None and seen.st_size != options["size"]:
                raise Problem("the download has %d bytes, and the platform says %d" % (seen.st_size, options["size"]))
            clear = digest_of(stream)
            if clear != options["sha256"]:
                raise Problem("the download was altered on this machine: its SHA-256 is another than when it came")
            stream.seek(0)
            content = read_through(stream)
        require_same(path, seen)
    except Problem:
        remove(path)
        raise
    if options["command"]:
        path = encrypted(path, options["command"], options["suffix"], seen)
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())
    return path, {
        "made_by": MADE_BY,
        "database": options["database"],
        "backup": options["backup"],
        "size": os.stat(path).st_size,
        "sha256": digest(path) if options["command"] else clear,
        "encrypted": bool(options["command"]),
        "archive": {"size": seen.st_size, "sha256": clear, "content_bytes": content},
        "verified_at": options["now"],
    }


def take(options: Options) -> t.Dict[str, t.Any]:
    """Verify what was downloaded, encrypt it where asked for, and give it its name, unless another run has been quicker."""
    options = {**options, "addon_id": options["database"]["addon_id"]}
    made: t.Optional[t.Tuple[str, Copy]] = None
    with contextlib.suppress(FileNotFoundError):
        made = prepared(options)
    with alone(options):
        there = good_copy(options, options["backup"]["id"])
        if there is None:
            if made is None:
                raise Problem("what was downloaded is not there any more: %s" % options["path"], "Run it again.")
            there = finished(options, *made)
        elif made is not None:
            remove(made[0])
        give_back(options)
    return {key: value for key, value in there.items() if key != "problem"}


def finished(options: Options, path: str, description: Copy) -> Copy:
    """Give the file its name, between two descriptions."""
    name = options["name"] + (options["suffix"] if options["command"] else "")
    target, place = os.path.join(options["directory"], name), os.path.dirname(path)
    write(target + ".json", {**description, "unfinished": True}, place)
    os.replace(path, target)
    settle(options["directory"])
    write(target + ".json", description, place)
    return {"path": target, **description}


# -- pruning ----------------------------------------------------------------------------------------------------------


def chosen(found: t.Sequence[Copy], keep_count: int, keep_seconds: t.Optional[float], remove_bad: bool) -> t.List[Copy]:
    """Which copies go: good ones that are beyond the number and older than the age, and bad ones when told so.

    The newest keep_count good ones stay in any case, and several of one backup count as one. Ages are counted from the newest good one, whatever
    the clock of this machine says.
    """
    good = [copy for copy in found if not copy["problem"]]
    if not good:
        return []
    backups = list(dict.fromkeys(copy["backup"]["id"] for copy in good))
    newest, beyond = moment(good[0]["backup"]["started_at"]), backups[max(1, keep_count) :]
    going = [
        copy
        for copy in good
        if copy["backup"]["id"] in beyond
        and (keep_seconds is None or (newest - moment(copy["backup"]["started_at"])).total_seconds() > keep_seconds)
    ]
    return going + [copy for copy in found if copy["problem"] and remove_bad and len(backups) >= keep_count]


def prune(options: Options) -> t.Dict[str, t.Any]:
    """Remove what is not to be kept. The description says so first, so that a run that is killed is finished by the next.

    Alone from the first look to the last removal: what is bad may be replaced by a good copy, or what counts be removed, by another run.
    """
    only_look = options["only_look"]
    with alone(options, fcntl.LOCK_SH if only_look else fcntl.LOCK_EX) as notes:
        found = copies(options)
        # In check mode the copy that would come is not there, and counts nevertheless.
        coming = (
            [{"path": "", "problem": "", "backup": {"id": "", "started_at": options["coming"]}}]
            if options.get("coming")
            else []
        )
        reckoned = sorted(coming + found, key=lambda copy: moment(copy["backup"]["started_at"]), reverse=True)
        going = [
            copy
            for copy in chosen(reckoned, options["keep_count"], options["keep_seconds"], options["remove_bad"])
            if copy["backup"]["id"] not in ("", options["current"])
        ]
        place = growing(options)
        if not only_look:
            for copy in going:
                described = {key: value for key, value in copy.items() if key not in ("path", "problem")}
                # A disk that is full is no reason to keep what fills it.
                with contextlib.suppress(OSError):
                    os.makedirs(place, mode=0o700, exist_ok=True)
                    write(copy["path"] + ".json", {**described, "unfinished": True}, place)
                remove(copy["path"])
                remove(copy["path"] + ".json")
            # What earlier runs left there is of no use any more.
            if os.path.isdir(place) and is_left(place):
                clean(place)
            if going:
                settle(options["directory"])
    gone = {copy["path"] for copy in going}
    return {
        "removed": [shown(copy) for copy in going], "copies": [shown(copy) for copy in found if copy["path"] not in gone], "notes": notes,
    }  # fmt: skip


def look(options: Options) -> t.Dict[str, t.Any]:
    """What there is. When told so, what a run that was killed had to leave goes at once."""
    place, removed = growing(options), []
    if options.get("clear_goes") and os.path.isdir(place):
        with alone(options):
            if os.path.isdir(place) and is_left(place):
                removed = clean(place)
    with alone(options, fcntl.LOCK_SH):
        return {"copies": [shown(copy) for copy in copies(options)], "removed": removed}


STEPS: t.Dict[str, t.Callable[[Options], t.Dict[str, t.Any]]] = {
    "look": look,
    "begin": begin,
    "take": take,
    "close": close,
    "prune": prune,
}


def main() -> int:
    # So that the clear file goes, too, when the run is told to end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda dummy, frame: sys.exit(1))
    try:
        print(json.dumps(STEPS[sys.argv[1]](json.load(sys.stdin))))
    except Problem as problem:
        print(json.dumps({"problem": visible(str(problem)), "hint": visible(problem.hint), "busy": problem.busy}))
        return 1
    except OSError as error:
        hint = "Free some space." if error.errno in (28, 122) else ""
        print(json.dumps({"problem": "%s: %s" % (error.filename or "a file", error.strerror), "hint": hint}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
