# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of playbooks: its commands find their playbooks and files, and its variables exist. What the playbooks do is tested in tests/roles."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml
from support.pages import Page
from support.playbook import ROOT, Ansible
from support.roles import SPECIFICATIONS

PAGE = Page("playbooks")
COMMANDS = [shlex.split(line) for text in PAGE.shell for line in text.replace("\\\n", " ").splitlines()]
INVENTORY = "plugin: community.scalingo.scalingo_databases\nkeyed_groups: [{key: scalingo_engine, prefix: engine}]\n"
SHORT = ("drift", "fleet_upgrade")


def sections() -> dict[str, str]:
    parts = re.split(r"(?m)^(\w+)\n-+\n", PAGE.text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_playbook_of_the_collection_is_on_the_page() -> None:
    assert {command[0] for command in COMMANDS} == {"ansible-playbook"}
    named = {
        word.rpartition(".")[2] for command in COMMANDS for word in command if word.startswith("community.scalingo.")
    }
    assert named | {"hosts"} == sections().keys()
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    there = {path.stem for path in (ROOT / "playbooks").glob("*.yml") if f"playbooks/{path.name}" not in ignored}
    assert sections().keys() == {name for name in there if not name.endswith(".meta")}


def test_every_variable_of_a_command_is_described() -> None:
    known = {f"{role}_{name}" for role, options in SPECIFICATIONS.items() for name in options}
    for command in COMMANDS:
        (playbook,) = [word.rpartition(".")[2] for word in command if word.startswith("community.scalingo.")]
        given = [word for option, word in zip(command, command[1:], strict=False) if option == "-e" and word[0] != "@"]
        names = [name for word in given for name in (yaml.safe_load(word) if word[0] == "{" else [word.split("=")[0]])]
        for name in names:
            assert name in known or f"\n``{name}``" in sections()[playbook], f"{playbook}: {name}"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=() if any(f"scalingo.{name}" in command for name in SHORT) else pytest.mark.long)
        for command in [" ".join(words) for words in COMMANDS]
    ],
)
def test_the_commands_find_what_they_name(command: str, ansible: Ansible) -> None:
    words = next(words for words in COMMANDS if " ".join(words) == command)
    texts = {"databases.yml": "scalingo_hosts_databases: []\n", "event.json": "{}", **PAGE.files}
    for name in {word.lstrip("@") for word in words if word.startswith("@")} | set(PAGE.files):
        (ansible.directory / name).write_text(texts[name], encoding="utf-8")
    for name in [word for word in words if word.endswith("scalingo_databases.yml")]:
        (ansible.directory / name).write_text(INVENTORY, encoding="utf-8")
    if "community.scalingo.awx" in words:
        awx = ROOT / ".cache" / "community" / "ansible_collections" / "awx"
        (ansible.directory / "collections" / "ansible_collections" / "awx").symlink_to(awx)
    listed = ansible.run(*words, "--list-tasks")
    assert listed.returncode == 0, listed
    assert "TAGS: [" in listed.stdout and "Unable to parse" not in listed.clean().output, listed


def test_the_play_over_hosts(ansible: Ansible) -> None:
    (text,) = PAGE.plays
    shown = ansible.play(text.replace("region: osc-secnum-fr1", "app: shop")).ok().clean()
    assert {item.host for item in shown.tasks("Show the settings")} == {"shop/postgresql", "shop/redis"}
