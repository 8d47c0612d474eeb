# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "Secrets": its plays keep the passwords they set, and what it warns of is so."""

from __future__ import annotations

import re
import stat
import subprocess
import textwrap

import pytest
from scalingo_sandbox.testing import Sandbox
from support.pages import Page
from support.playbook import Ansible
from support.shop import API_TOKEN, MYSQL

PAGE = Page("secrets")


def test_a_password_is_kept_before_it_is_set(ansible: Ansible, sandbox: Sandbox) -> None:
    """In the same file for every run; one that is encrypted meanwhile is no password (the lookup would take it for one)."""
    play = PAGE.files["user.yml"]
    kept = ansible.directory / "secrets" / "shop-mysql-reporting"
    # It dies after the lookup: nothing is lost.
    sandbox.fault(match={"route": "U2"}, do="status", status=500, body={"error": "no"})
    assert "secrets" in play and not kept.exists()
    ansible.play(play).failed()
    first = kept.read_text(encoding="utf-8").strip()
    assert len(first) == 40 and first.isalnum() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    sandbox.clear_faults()
    sandbox.clear_log()
    done = ansible.play(play).ok().clean()
    assert done.count("changed") == 1 and first not in done.output
    (sent,) = [record for record in sandbox.log() if record.route == "U2"]
    assert sent.body["database_user"]["password"] == first

    kept.write_text("$ANSIBLE_VAULT;1.1;AES256\n3762613\n", encoding="utf-8")
    refused = ansible.play(play).failed()
    assert "line break" in refused.output and [record.route for record in sandbox.log()].count("U2") == 1


@pytest.mark.long
def test_the_commands_of_the_page_do_what_it_says(ansible: Ansible, sandbox: Sandbox) -> None:
    (ansible.home / ".vault-password").write_text("of-the-vault\n", encoding="utf-8")
    vault = ["--vault-password-file", "~/.vault-password"]
    kept, again, generated, another, encrypted, who = PAGE.run(ansible)
    secrets = ansible.directory / "secrets"
    assert kept.count("changed") == 1 and again.count("changed") == 0 and another.count("changed") == 1
    assert (secrets / "shop-mysql-reporting").read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT")
    assert generated.task("Keep the password in a vault").result["changed"]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == dict.fromkeys(
        ("shop-mysql-reporting", "shop-mysql-reporting.2", "shop-postgresql-metabase", "shop-mysql-grafana.vault"),
        0o600,
    )
    token = (ansible.directory / "token.yml").read_text(encoding="utf-8")
    assert "!vault" in token and API_TOKEN not in token + encrypted.output + who.output
    # Again: nothing is new, and the vault is not written anew.
    once_more = ansible.play(PAGE.files["vaulted.yml"], *vault).ok()
    assert once_more.count("changed") == 0 and once_more.count("skipped") == 1

    # Without 'decrypt: false', as it says.
    broken = PAGE.files["vaulted.yml"].replace("grafana", "lost_one").replace("decrypt: false", "decrypt: true")
    assert not ansible.play(broken).failed().tasks("Read it again, when it is needed")
    assert not (secrets / "shop-mysql-lost_one.vault").exists()
    # The default length of the lookup.
    short = PAGE.files["user.yml"].replace(", length=40", "").replace("reporting", "short_one")
    assert "24" in ansible.play(short).failed().output


@pytest.mark.long
def test_one_file_for_many_databases_is_one_password_or_several(ansible: Ansible) -> None:
    """ansible/ansible#27277: hosts that generate it at the same moment may get different ones. With the names in that of the file, each has its own."""
    assert re.search(r"'/secrets/shop-mysql-reporting'", PAGE.files["user.yml"])
    play = textwrap.dedent(
        """
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.set_fact:
                made: "{{ lookup('ansible.builtin.password', playbook_dir ~ '/secrets/' ~ inventory_hostname ~ '-reporting', length=40) }}"
        """
    )
    done = ansible.play(play, hosts={"shop-mysql": {}, "twins-mysql": {}}).ok()
    made = {item.result["ansible_facts"]["made"] for item in done.results}
    assert len(made) == 2


@pytest.mark.long
def test_what_ansible_runner_keeps(ansible: Ansible) -> None:
    """The environment of a job, wherever the token comes from (ansible/ansible-runner#191, #1108); with a token of a vault, nothing."""
    (ansible.home / ".vault-password").write_text("of-the-vault\n", encoding="utf-8")
    vault = ("--vault-password-file", str(ansible.home / ".vault-password"))
    encrypt = [
        str(ansible.programs / "ansible-vault"),
        "encrypt_string",
        *vault,
        "--name",
        "scalingo_token",
        "--output",
        "token.yml",
        API_TOKEN,
    ]
    subprocess.run(encrypt, cwd=ansible.directory, env=ansible.variables(), check=True, capture_output=True)
    for name, environment in (("environment", {}), ("vault", {"SCALINGO_API_TOKEN": None})):
        private = ansible.directory / name
        (private / "project").mkdir(parents=True)
        (private / "env").mkdir()
        (private / "env" / "cmdline").write_text(" ".join([*vault, "-vvvv"]), encoding="utf-8")
        (private / "project" / "whoami.yml").write_text(
            PAGE.files["whoami.yml"].replace("token.yml", str(ansible.directory / "token.yml")), encoding="utf-8"
        )
        done = subprocess.run(
            [str(ansible.programs / "ansible-runner"), "run", str(private), "-p", "whoami.yml", "--ident", "1"],
            env=ansible.variables(environment), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        kept = {
            path.relative_to(private / "artifacts" / "1").parts[0]
            for path in private.rglob("*")
            if path.is_file() and API_TOKEN in path.read_text(encoding="utf-8")
        }
        assert kept == ({"command"} if name == "environment" else set())
        assert stat.S_IMODE((private / "artifacts" / "1" / "command").stat().st_mode) == 0o600


def test_what_the_page_says_of_the_default_user(sandbox: Sandbox, ansible: Ansible) -> None:
    refused = ansible.ad_hoc(
        "community.scalingo.scalingo_database_user",
        f"addon_id={MYSQL} app=shop name=shop_1001 reset_password=true dest=/tmp/none",
    ).failed()
    assert "support" in refused.output
