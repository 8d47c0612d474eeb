# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "Beside Terraform": what Terraform hands over is what our playbooks take, and its attributes are those of the provider."""

from __future__ import annotations

import json
import re

import pytest
from scalingo_sandbox.testing import Sandbox
from support.pages import Page
from support.playbook import Ansible
from support.shop import MYSQL

PAGE = Page("terraform")
#: The attributes of the provider's resources, with what is only read (Scalingo/terraform-provider-scalingo 6bf629b, docs/resources).
PROVIDER = {
    "scalingo_app": {"name", "environment", "id"},
    "scalingo_addon": {"app", "provider_id", "plan", "database_features", "id", "plan_id", "resource_id"},
}
#: What `terraform output -json` writes for the output of the page.
OUTPUTS = {
    "scalingo_hosts_databases": {
        "sensitive": False,
        "type": ["tuple", [["object", {"addon_id": "string", "app": "string", "name": "string"}]]],
        "value": [{"addon_id": MYSQL, "app": "shop", "name": "shop/mysql"}],
    }
}


def test_the_attributes_are_those_of_the_provider() -> None:
    text = PAGE.files["main.tf"]
    for kind, inner in re.findall(r'^resource "(\w+)" "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        assert set(re.findall(r"^  (\w+) +=", inner, re.MULTILINE)) <= PROVIDER[kind]
    used = re.findall(r"= (scalingo_\w+)\.\w+\.(\w+)", text)
    assert used and all(name in PROVIDER[kind] for kind, name in used)
    (value,) = OUTPUTS["scalingo_hosts_databases"]["value"]
    assert all(re.search(rf"^ +{name} += ", text, re.MULTILINE) for name in value)


@pytest.mark.long
def test_the_commands_of_the_page_do_what_it_says(ansible: Ansible, sandbox: Sandbox) -> None:
    (ansible.directory / "outputs.json").write_text(json.dumps(OUTPUTS), encoding="utf-8")
    handed, applied, nightly = PAGE.run(
        ansible, replace={"terraform output -json": "cat outputs.json", "terraform plan": "true"}
    )
    assert not handed.output
    assert json.loads((ansible.directory / "terraform.json").read_text(encoding="utf-8")) == {
        "scalingo_hosts_databases": OUTPUTS["scalingo_hosts_databases"]["value"]
    }
    assert applied.count("changed") == 1 and nightly.count("changed") == 0
    assert (
        json.loads((ansible.directory / "drift.json").read_text(encoding="utf-8"))["databases"][0]["name"]
        == "shop/mysql"
    )
    assert [record.route for record in sandbox.unsafe() if record.role == "db"] == ["D2"]


def test_an_output_of_nothing_is_no_success(ansible: Ansible, sandbox: Sandbox) -> None:
    """`terraform output` succeeds when there are no outputs (hashicorp/terraform#25956)."""
    (ansible.directory / "wanted.yml").write_text(PAGE.files["wanted.yml"], encoding="utf-8")
    command = next(text for text in PAGE.shell if "baseline" in text)
    assert "community.scalingo.baseline -e @terraform.json -e @wanted.yml" in command
    (ansible.directory / "terraform.json").write_text("{}", encoding="utf-8")
    refused = ansible._run("ansible-playbook", command.split()[1:], None, 120).failed()
    assert "no database is selected" in refused.output and not sandbox.log()


def test_rules_of_terraform_stay_unless_a_list_is_exclusive(ansible: Ansible, sandbox: Sandbox) -> None:
    """The office's rule is Terraform's. Its provider makes anew what Ansible removed, and does not see what Ansible added."""
    rule = {"app": "shop-dedicated", "addon": "postgresql-ng", "rules": [{"cidr": "198.51.100.0/24"}]}
    added = ansible.tasks([{"community.scalingo.scalingo_firewall_rule": rule}]).ok().only.result
    assert {item["cidr"] for item in added["firewall_rules"]} == {"203.0.113.0/24", "198.51.100.0/24"}
    removed = (
        ansible.tasks([{"community.scalingo.scalingo_firewall_rule": {**rule, "exclusive": True}}], "--check")
        .ok()
        .only.result
    )
    assert {item["cidr"] for item in removed["firewall_rules"]} == {"198.51.100.0/24"}
