# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No password of a database in anything that real Ansible says or writes, at its most talkative."""

from __future__ import annotations

import re
import typing as t
import urllib.parse
from pathlib import Path

import pytest
import trustme
from scalingo_sandbox.testing import Sandbox
from support.openssh import OpenSSH
from support.playbook import Ansible, Run
from support.postgresql import PostgreSQL
from support.postgresql_tasks import PASSWORDS, SHOP

ENCODED = "Canary/With%And:Signs+42"


@pytest.fixture
def ansible(tmp_path: Path, sandbox: Sandbox) -> Ansible:
    return Ansible(tmp_path, {**sandbox.environment(), "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log")})


def nothing_shown(run: Run, directory: Path, *more: str) -> None:
    """Not in what was said, nor in any file that was left, but for the playbook and the inventory that a test wrote itself."""
    secrets = [PASSWORDS[SHOP], *more]
    left = [
        path
        for path in directory.rglob("*")
        if path.is_file() and not re.match(r"(play|inventory)-\d+\.yml$", path.name)
    ]
    texts = {"the output": run.output, "the results": str(run.results)}
    texts.update({str(path): path.read_bytes().decode("utf-8", "replace") for path in left})
    for secret in secrets:
        found = [place for place, text in texts.items() if secret in text]
        assert not found, f"{secret} is in {found}"


def by_ssh(gateway: OpenSSH, **more: t.Any) -> dict[str, t.Any]:
    arguments = {
        "app": "shop",
        "addon": "postgresql",
        "ssh_key_file": str(gateway.directory / "key"),
        "ssh_known_hosts": str(gateway.known_hosts),
    }
    return {"name": "Extension", "community.scalingo.scalingo_pg_extension": {**arguments, **more}}


def test_a_playbook_shows_no_password_of_a_variable(
    ansible: Ansible, gateway: OpenSSH, server: PostgreSQL, tmp_path: Path
) -> None:
    wanted = by_ssh(gateway, names=["pg_trgm", "hstore"])
    checked = ansible.tasks([wanted], "--check", "--diff", "-vvvv").ok().clean()
    real = ansible.tasks([wanted], "--diff", "-vvvv").ok().clean()
    again = ansible.tasks([wanted], "--diff", "-vvvv").ok().clean()
    assert [run.count("changed") for run in (checked, real, again)] == [1, 1, 0]
    assert checked.only.result["diff"] == real.only.result["diff"]
    assert {"pg_trgm", "hstore"} <= set(server.extensions("shop_1002"))
    for run in (checked, real, again):
        nothing_shown(run, tmp_path)


def test_a_failed_task_shows_no_password(ansible: Ansible, gateway: OpenSSH, tmp_path: Path, sandbox: Sandbox) -> None:
    authority = tmp_path / "another.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    run = ansible.tasks([by_ssh(gateway, name="hstore", ca_cert=str(authority))], "-vvvv")
    assert run.count("failures") == 1 and "certificate verify failed" in run.output
    nothing_shown(run.clean(), tmp_path)

    hostname = sandbox.state()["apps"][0]["addons"][0]["database"]["hostname"]
    encoded = urllib.parse.quote(ENCODED, safe="")
    url = f"postgresql://shop_1002:{encoded}@{hostname}/shop_1002"
    run = ansible.tasks([by_ssh(gateway, name="hstore", connection_url=url)], "-vvvv")
    assert run.count("failures") == 1 and "refuses the login" in run.output
    nothing_shown(run.clean(), tmp_path, ENCODED, encoded)

    words = by_ssh(gateway, name="hstore", connection_url=url)["community.scalingo.scalingo_pg_extension"]
    run = ansible.ad_hoc(
        "community.scalingo.scalingo_pg_extension", " ".join("{}='{}'".format(*item) for item in words.items()), "-vvvv"
    )
    assert run.count("failures") == 1 and "refuses the login" in run.output
    nothing_shown(run.clean(), tmp_path, ENCODED, encoded)
