# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long tasks, all at once, killed at any moment of their progress, and started again until nobody kills them: they converge."""

from __future__ import annotations

import hashlib
import json
import random
import select
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.ended import SEED, SIGNALS, THOROUGH, Doomed, begun, held, is_there
from support.playbook import Ansible, _yaml, oldest_core, task
from support.programs import until
from support.shop import SEED as ACCOUNT
from support.ways import AS_MODULE

BACKUP, LARGE = "5b8b36104ffb090be1ac3ce7", "5b8b36104ffb090be1ac3ce8"
PLAN = "postgresql-starter-512"
#: One app for each task, of the same name.
APPS: dict[str, list[dict[str, t.Any]]] = {
    "upgrade": [{"provider": "mysql", "database": {"version": "8.0.40-1"}}],
    "restore": [
        {"provider": "mysql", "resource_id": "restore_1", "database": {"backups": [{"id": BACKUP, "age": 7200}]}}
    ],
    "backup": [{"provider": "mysql", "database": {"backups": [{"age": 90000}]}}],
    "provision": [{"provider": "redis"}],
    "download": [
        {"provider": "mysql", "database": {"backups": [{"id": LARGE, "age": 7200, "archive_bytes": 1_000_000}]}}
    ],
    "settings": [{"provider": "postgresql", "database": {"features": {}}}],
}
SHOP = {"user": ACCOUNT["user"], "apps": [{"name": name, "addons": addons} for name, addons in APPS.items()]}
#: Nothing ends by itself, or all within two seconds.
SPEEDS = (1, 300)
DURATIONS = {
    **dict.fromkeys(("upgrade", "restore", "backup", "provisioning", "feature"), 500),
    "bearer": 1e9,
    "addon_token": 1e9,
    "download_link": 1e9,
}


def tasks(directory: Path) -> dict[str, dict[str, t.Any]]:
    common = {"app": "{{ inventory_hostname }}", "addon": "mysql", "wait_interval": 0.2}
    given = {
        "upgrade": ("scalingo_database_upgrade", {"to": "8.0.43-1"}),
        "restore": ("scalingo_database_restore", {"backup_id": BACKUP, "confirm": "restore_1"}),
        "backup": ("scalingo_backup", {"max_age": "30d", "method": "manual"}),
        "provision": ("scalingo_addon", {"addon": "postgresql", "plan": PLAN}),
        "download": ("scalingo_backup_download", {"backup_id": LARGE, "dest": str(directory / "backup.tar.gz")}),
        "settings": (
            "scalingo_database",
            {"addon": "postgresql", "periodic_backups_scheduled_at": 7, "features": {"force-ssl": True}},
        ),
    }
    found = {name: task(module, name, None, **{**common, **options}) for name, (module, options) in given.items()}
    del found["download"]["community.scalingo.scalingo_backup_download"]["wait_interval"]
    return found


def doubled(sandbox: Sandbox) -> t.Iterator[str]:
    """What is there more than once, or is not as the tasks want it."""
    apps = {app["name"]: app["addons"] for app in sandbox.state()["apps"]}
    database = {name: addons[0]["database"] for name, addons in apps.items()}
    upgrades = [operation for operation in database["upgrade"]["operations"] if operation["type"] == "upgrade"]
    if (len(upgrades), database["upgrade"]["readable_version"]) != (1, "8.0.43-1"):
        yield f"upgrades: {upgrades}, to {database['upgrade']['readable_version']}"
    if len(database["backup"]["backups"]) != 2:
        yield f"backups: {database['backup']['backups']}"
    if [(addon["provider"], addon["plan"], addon["status"]) for addon in apps["provision"][1:]] != [
        ("postgresql", PLAN, "running")
    ]:
        yield f"addons: {apps['provision']}"
    if (
        database["settings"]["periodic_backups_scheduled_at"],
        [feature["name"] for feature in database["settings"]["features"]],
    ) != ([7], ["force-ssl"]):
        yield f"settings: {database['settings']}"
    for name, addons in apps.items():
        if addons[0]["database"]["current_operation_id"] is not None or (len(addons) == 2) != (name == "provision"):
            yield f"{name}: {addons}"


class Shop(Doomed):
    """All of these tasks in one play, each on a host of its own."""

    def __init__(self, controller: Ansible, sandbox: Sandbox, way: str) -> None:
        self.way = way
        self.loaded = controller.directory / "loaded"
        self.loaded.mkdir()
        for name, each in tasks(self.loaded).items():
            (controller.directory / (f"{name}.yml")).write_text(_yaml([each]), encoding="utf-8")
        include = {"name": "begin", "ansible.builtin.include_tasks": "{{ inventory_hostname }}.yml"}
        play = {"hosts": "all", "connection": "local", "gather_facts": False, "strategy": "free", "tasks": [include]}
        environment = {**(AS_MODULE if way == "module" else {}), "ANSIBLE_FORKS": "6", "ANSIBLE_PIPELINING": "false"}
        super().__init__(controller, sandbox, [play], "-i", ",".join(APPS) + ",", **environment)

    def begin(self, chance: random.Random) -> None:
        self.sandbox.reset({**SHOP, "durations": DURATIONS})
        self.sandbox.fault(match={"role": "files"}, do="truncate", bytes=chance.randrange(1_000_000), times=2)

    def killed(self, number: int) -> None:
        """Count the tasks that it hit in the middle, and look for what is left of them."""
        ended = {item["host"] for item in self.done() if item.get("task") in APPS}
        apps = {record.app for record in self.sandbox.log()} | {
            "download" for record in self.sandbox.log() if record.role == "files"
        }
        for name in sorted(apps - ended - {None}):
            self.tally.kills[f"{self.way} {number} {name}"] += 1
        part = ".backup.tar.gz.part"
        # The last two come when all is there, and the end shows that it is.
        allowed = {part, part + ".json", part + ".json.new", "backup.tar.gz", "backup.tar.gz.json"}
        self.tally.left_behind += held(self.controller.directory)
        self.tally.left_behind += [path.name for path in self.loaded.iterdir() if path.name not in allowed]

    def converge(self) -> None:
        self.sandbox.speed(SPEEDS[1])
        run = self.controller.play(self._plays, hosts={name: {} for name in APPS}, environment=self._environment).ok()
        assert len(run.results) == 2 * len(APPS), run
        self.tally.doubled += doubled(self.sandbox)
        file = run.result("download")["file"]
        assert (
            hashlib.sha256((self.loaded / "backup.tar.gz").read_bytes()).hexdigest() == file["sha256"]
            and file["size"] > 1_000_000
        )
        self.tally.left_behind += [path.name for path in self.loaded.iterdir() if path.name.startswith(".")]
        self.tally.converged += 1


def seeded(*parts: object) -> random.Random:
    """Chance that is the same each time, on every machine."""
    return random.Random(" ".join(map(str, (SEED, *parts))))


WAYS = [(core, way) for core in ("newest", "oldest") for way in ("in process", "module")]


@pytest.mark.parametrize("core, way", WAYS if THOROUGH else [WAYS[0], pytest.param(*WAYS[3], marks=pytest.mark.long)])
def test_what_is_killed_converges(core: str, way: str, sandbox: Sandbox, tmp_path: Path) -> None:
    chance = seeded(core, way)
    doomed = Shop(
        Ansible(tmp_path, sandbox.environment(), programs=oldest_core() if core == "oldest" else None), sandbox, way
    )
    for dummy in range(max(1, THOROUGH // len(SIGNALS))):
        doomed.begin(chance)
        for number in chance.sample(SIGNALS, len(SIGNALS)):
            sandbox.speed(chance.choice(SPEEDS))
            # Otherwise the download is over too soon to be killed.
            sandbox.fault(match={"role": "files"}, do="drip", seconds=0.3, bytes=100_000)
            if doomed.kill(number, chance.randrange(1, 60), chance):
                doomed.killed(number)
        doomed.converge()
    doomed.tally.keep(f"{core} {way}")
    doomed.tally.good()


READER = "import sys; memory = b'x' * 200_000_000; print(flush=True); sys.stdin.read()"


def test_who_is_killed_is_there_until_its_files_are_closed() -> None:
    """Else a module whose Ansible is said to have ended would find that somebody reads its output, and send a request."""
    with subprocess.Popen([sys.executable, "-c", READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin is not None and reader.stdout is not None
        reader.stdout.readline()
        output = select.poll()
        output.register(reader.stdin, 0)
        reader.kill()
        while is_there(reader.pid, READER.encode()):
            pass
        assert output.poll(0), "it has ended, and its input is open"


#: Ansible starts the worker of the task, and is still in a hook of the fork when Ctrl-C comes: as chance has it otherwise.
LOSING = """
import os
import signal
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = "name: losing\\ntype: notification\\nshort_description: Ctrl-C is lost\\ndescription: [Ctrl-C is lost.]"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "losing"

    def v2_playbook_on_task_start(self, task, is_conditional):
        os.register_at_fork(after_in_parent=signal.pause)
"""


@pytest.mark.parametrize("way", ("in process", "module"))
def test_the_second_ctrl_c_after_one_that_was_lost(
    way: str, ansible: Ansible, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Ansible tells its workers nothing then. What waits for an answer that does not come ends with the run nevertheless."""
    (tmp_path / "losing.py").write_text(LOSING, encoding="utf-8")
    environment = {
        **(AS_MODULE if way == "module" else {}),
        "ANSIBLE_CALLBACK_PLUGINS": f"{ansible.variables()['ANSIBLE_CALLBACK_PLUGINS']}:{tmp_path}",
        "ANSIBLE_CALLBACKS_ENABLED": "json_lines,losing",
    }
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [task("scalingo_app_info", app="shop")],
    }
    sandbox.fault(do="hold_after")
    doomed = Doomed(ansible, sandbox, [play])
    with begun(ansible, [play], "-i", "localhost,", **environment) as run:
        until(lambda: run.ended or sandbox.log(), "a request")
        assert not run.ended, run.text
        below = doomed.end(run, signal.SIGINT)
        assert below and doomed.tally.lost == 1, run.text
        # What waits for an answer would wait for 30 seconds.
        until(lambda: not any(map(is_there, below)), "the end of all processes", 20)


class Copies(Doomed):
    """A copy of a backup that is made, encrypted and kept, by the role."""

    def __init__(self, controller: Ansible, sandbox: Sandbox, way: str) -> None:
        self.way = way
        self.directory = controller.directory / "copies"
        encrypt = ["sh", "-c", 'cat "$0" "$0" > "$1"', "{input}", "{output}"]
        given = {
            "app": "upgrade",
            "addon": "mysql",
            "wait_interval": 0.2,
            "directory": str(self.directory),
            "max_age": "30d",
            "encrypt_command": encrypt,
            "allow": ["new_directory"],
        }
        variables = json.dumps({"backup_offsite_" + name: value for name, value in given.items()})
        play = "- ansible.builtin.import_playbook: community.scalingo.backup\n"
        self.options = ("-e", variables)
        super().__init__(controller, sandbox, play, *self.options, **(AS_MODULE if way == "module" else {}))

    def begin(self) -> None:
        self.sandbox.reset({**SHOP, "durations": DURATIONS})

    def killed(self, number: int) -> None:
        self.tally.kills[f"{self.way} {number} copy"] += 1
        # The next run removes what is clear. What the user's command does has ended, and nobody has a lock.
        self.tally.left_behind += held(self.controller.directory)

    def converge(self) -> None:
        self.sandbox.speed(SPEEDS[1])
        self.controller.play(self._plays, *self.options, environment=self._environment).ok()
        (addon,) = [
            addon for app in self.sandbox.state()["apps"] if app["name"] == "upgrade" for addon in app["addons"]
        ]
        copies = sorted("".join(path.suffixes[-2:]) for path in self.directory.glob("[!.]*"))
        if len(addon["database"]["backups"]) != 1 or copies != [".encrypted.json", ".gz.encrypted"]:
            self.tally.doubled.append(f"{addon['database']['backups']} {copies}")
        self.tally.left_behind += [path.name for path in self.directory.glob(".*") if not path.name.startswith(".lock")]
        self.tally.converged += 1
        for path in self.directory.iterdir():
            path.unlink()


if THOROUGH:

    @pytest.mark.parametrize("way", ("in process", "module"))
    def test_copies_that_are_killed(ansible: Ansible, sandbox: Sandbox, way: str) -> None:
        chance = seeded(way, "copies")
        copies = Copies(ansible, sandbox, way)
        for dummy in range(THOROUGH // (2 * len(SIGNALS))):
            copies.begin()
            for number in chance.sample(SIGNALS, len(SIGNALS)):
                sandbox.speed(chance.choice(SPEEDS))
                if copies.kill(number, chance.randrange(5, 60), chance):
                    copies.killed(number)
            copies.converge()
        copies.tally.keep(f"copies {way}")
        copies.tally.good()
