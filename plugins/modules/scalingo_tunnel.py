#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_tunnel
version_added: 0.1.0
short_description: Open an SSH tunnel to a database for the rest of a run
description:
  - Opens an SSH tunnel through the platform's SSH server, to a database that is not publicly available.
  - Other collections then connect to RV(tunnel.host) and RV(tunnel.port) on the control node.
  - The tunnel closes when the run of Ansible ends, is interrupted or is killed. It also closes after O(max_age).
  - Tasks of the same run share one tunnel per database and SSH options. Each run has its own.
  - The tunnel listens on 127.0.0.1 only, on a free port that is chosen at each opening.
  - Every local user can connect to that port. The database still asks for a password.
  - If C(ssh) has ended, the next task warns with its error and opens a new tunnel on another port.
  - If connections through the tunnel have failed, the next task warns with the error of C(ssh).
  - Runs on the control node, in the process of Ansible. A remote connection, C(become) and C(async) are refused.
  - Not available for databases with dedicated resources. They are reachable directly, from the ranges of their firewall.
  - A run without changes costs one request, or none with O(state=absent). Opening costs one more unless O(ssh_host) is set.
options:
  state:
    description:
      - V(present) opens the tunnel, or returns the open one.
      - V(absent) closes the tunnels of this run to the database, whatever their SSH options.
    type: str
    choices: [present, absent]
    default: present
  max_age:
    description:
      - How long the tunnel may stay open. Each task that uses it starts this time again.
      - Give seconds, or a duration such as V(30m), V(4h) or V(2d). At most V(7d).
    type: str
    default: 4h
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.ssh
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
notes:
  - Without Linux, C(ssh) may remain when its supervisor is killed with SIGKILL.
  - C(ssh) receives only E(PATH), E(HOME), E(USER), E(LOGNAME) and E(SSH_AUTH_SOCK) from the environment.
attributes:
  action:
    support: full
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
  idempotent:
    support: full
    details:
      - Within a run of Ansible. Each run opens a tunnel of its own.
seealso:
  - ref: ansible_collections.community.scalingo.docsite.connect
    description: A guide to connections, tunnels and the collections of the engines.
  - module: community.scalingo.scalingo_connection_info
  - module: community.scalingo.scalingo_database_user
  - module: community.scalingo.scalingo_pg_extension
  - module: community.postgresql.postgresql_privs
  - module: community.mysql.mysql_user
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Open a tunnel for the tasks that follow
  community.scalingo.scalingo_tunnel:
    app: shop
    addon: postgresql
    ssh_key_file: "{{ scalingo_ssh_key_file }}"
    ssh_known_hosts: "{{ scalingo_ssh_known_hosts }}"
  register: shop

- name: Close the tunnel, in the always section of the block
  community.scalingo.scalingo_tunnel:
    app: shop
    addon: postgresql
    state: absent
"""

RETURN = r"""
tunnel:
  description: The open tunnel. V(none) with O(state=absent).
  returned: success
  type: dict
  contains:
    host:
      description: Where it listens, always V(127.0.0.1).
      type: str
      sample: 127.0.0.1
    port:
      description: The port where it listens. V(none) in check mode, when it would be opened.
      type: int
      sample: 43211
    target_host:
      description: The host name of the database. It is in the certificate of the database.
      type: str
      sample: shop-4553.postgresql.a.osc-fr1.scalingo-dbs.com
    target_port:
      description: The port of the database.
      type: int
      sample: 31000
    expires_at:
      description: When the tunnel closes because of O(max_age), in UTC.
      type: str
      sample: '2026-12-01T18:00:00Z'
# BEGIN _returns.steps, _returns: written by make lists
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. It is not undone.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: enable the feature force-ssl
app:
  description: The app as set in the task. V(none) when only O(addon_id) and O(addon_token) are set.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before the addon was found.
  returned: when the options are valid
  type: str
  sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
region:
  description: The region of the app.
  returned: when the options are valid
  type: str
  sample: osc-fr1
api_usage:
  description: What the task cost. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: when the options are valid
  type: dict
  sample: {requests: 1, writes: 0, waited_seconds: 0.0, tokens_reused: 1}
notes:
  description: Informational messages.
  returned: when there are any
  type: list
  elements: str
  sample: ['scalingo: addon_token is not used, because it goes with addon_id']
error:
  description: What went wrong, as data. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: failure
  type: dict
  sample:
    {kind: NotFound, interrupted: false, status: 404, message: not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
# END
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.tunnel import TUNNEL
from ansible_collections.community.scalingo.plugins.module_utils._resources.tunnel import Tunnel as RESOURCE


def argument_spec() -> Spec:
    return COMMON + TUNNEL


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
