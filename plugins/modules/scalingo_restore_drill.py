#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_restore_drill
version_added: 0.1.0
short_description: Verify that a backup of a database can be restored
description:
  - Restores a backup on a temporary server, checks the restored data, removes everything, and writes evidence.
  - Supports PostgreSQL, and MySQL on a MariaDB server.
  - The database itself is only read, through the API.
  - Restores a backup of the platform, or one of your own copies by M(community.scalingo.scalingo_offsite_backup).
  - Fails when the backup cannot be restored, or when the restored data is not as expected. RV(findings) lists what is wrong.
  - Evidence is a JSON file. A failed drill writes one too. It contains no row of the database, unless O(checks[].record_value) is set.
  - The temporary server listens on a socket in a private directory only, and has no network.
  - All programs end with the task. The next drill removes what a killed one left in O(work_dir).
  - Costs five requests for PostgreSQL and four for MySQL, with those of the download. With O(source=copy), three less.
options:
  source:
    description:
      - Where the backup comes from.
      - V(platform) downloads it. V(copy) uses a copy in O(directory), and compares its SHA-256 first.
    type: str
    choices: [platform, copy]
    default: platform
  directory:
    description: The directory of the copies, with O(source=copy).
    type: path
  decrypt_command:
    description:
      - The words of a command that decrypts an encrypted copy, with V({input}) and V({output}) in the place of the files.
      - It runs without a shell, and without the environment variables of this collection.
    type: list
    elements: str
    default: []
  backup_id:
    description: The ID of the backup. The default is the newest completed one, or the newest good copy.
    type: str
  max_age:
    description:
      - The maximum age of the backup, such as V(25h). It is the recovery point objective (RPO). By default, any age is accepted.
      - An older backup is restored too, and the drill fails. So does one whose date is in the future.
    type: str
  max_seconds:
    description:
      - How long it may take to bring the database back, such as V(2h). It is the recovery time objective (RTO).
      - The phases from the download to the end of the restore count. By default, any time is accepted.
    type: str
  rehearse_upgrade:
    description:
      - Whether to restore on the next major version of PostgreSQL, to check whether the database can be upgraded to it.
      - By default, the major version of the database is used. Refused for MySQL.
    type: bool
    default: false
  programs:
    description:
      - The directory with C(initdb) and C(postgres) of the needed version, or with C(mariadbd). By default, the usual directories are searched.
    type: path
  client_programs:
    description:
      - The directory with C(pg_restore) and C(psql), or with C(mariadb). By default, that of the server is searched, then the usual ones.
      - C(pg_restore) must not be older than the C(pg_dump) that wrote the backup.
    type: path
  work_dir:
    description:
      - A directory with space for the backup, unpacked and restored. Its path must be short enough for the socket of a server.
    type: path
    default: /var/tmp
  server_service:
    description:
      - A PostgreSQL server to restore on, instead of a temporary one, as the name of a connection in C(~/.pg_service.conf) or E(PGSERVICEFILE).
      - The drill creates a database with a unique name there, and drops it at the end. It refuses the server of the database itself.
      - The user needs the right to create databases. A superuser is refused without O(allow=superuser).
    type: str
  server_url:
    description:
      - A PostgreSQL server to restore on, as O(server_service), but as a URL with user and password, such as V(postgresql://drill@host/postgres).
    type: str
  server_settings:
    description: Settings of the temporary server, such as C(shared_preload_libraries).
    type: dict
    default: {}
  locale:
    description: The locale of the restored database. The default is that of the backup. It must exist on the machine.
    type: str
  roles:
    description: Names of roles that the backup refers to, for example in row security policies. They are created first, and cannot log in.
    type: list
    elements: str
    default: []
  jobs:
    description: The number of tables to restore at the same time.
    type: int
    default: 2
  timeout:
    description: After this many seconds, the drill fails, and everything is removed.
    type: float
    default: 14400
  evidence_dir:
    description:
      - The directory of the evidence. It is created if it does not exist.
      - Keep it, as the next drill compares with the last passed one of the database.
    type: path
    required: true
  min_tables:
    description: The minimum number of tables in the restored database.
    type: int
    default: 1
  min_rows:
    description: The minimum number of rows in all its tables.
    type: int
    default: 1
  max_drop_percent:
    description:
      - The maximum decrease of the rows of a table since the last passed drill, in percent.
      - The numbers of indexes, constraints, functions, triggers, partitions, views and large objects, and the values of sequences, are compared too.
      - V(100) accepts any loss once. The next drill compares with this one.
    type: float
    default: 10
  max_erosion_percent:
    description: The maximum decrease of the rows of a table since the highest number of all drills, in percent. It finds slow losses.
    type: float
    default: 20
  ignore_tables:
    description: Patterns of tables and sequences that are not compared, such as V(public.sessions) or V(queue.*).
    type: list
    elements: str
    default: []
  checks:
    description: Your own queries on the restored database. They cannot change anything, and run no commands of a client.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the query. Names must be unique.
        type: str
        required: true
      sql:
        description: The query, as one statement.
        type: str
        required: true
      expect:
        description: The expected result. A boolean, a number or a string, with V(|) between columns. By default, nothing.
        type: raw
      record_value:
        description: Whether the evidence and messages contain the result. By default they contain its digest, as rows can be personal data.
        type: bool
        default: false
  check_timeout:
    description: The timeout of each query, in seconds.
    type: float
    default: 600
  freshness:
    description:
      - Columns with the time of a row. The drill fails when the newest row is too old.
      - It also fails when the newest value is more than a day after the start of the backup, as that says nothing of the others.
    type: list
    elements: dict
    default: []
    suboptions:
      table:
        description: The name of the table, with its schema unless that is C(public).
        type: str
        required: true
      column:
        description: The name of a column with a date or a time, in UTC where it has no time zone.
        type: str
        required: true
      max_age:
        description: How much older than the start of the backup the newest row may be, such as V(2h).
        type: str
        required: true
  min_size_change:
    description:
      - Fail when the sizes of the newest backups differ by less than this. The backups may be of something that is not used any more.
      - With O(source=copy), the sizes are those of the backups of earlier drills. Too few backups are no failure.
    type: dict
    suboptions:
      backups:
        description: How many backups are compared, at least V(2).
        type: int
        default: 7
      percent:
        description: By how many percent the smallest must be smaller than the largest.
        type: float
        default: 0.1
  deviations:
    description: Findings that were accepted. They are recorded in the evidence, and do not fail the drill.
    type: list
    elements: dict
    default: []
    suboptions:
      what:
        description:
          - A pattern of the kind and the name of the finding, as C(checked) of the evidence has them, such as V(rows public.logs) or V(rpo rpo).
        type: str
        required: true
      accepted_by:
        description: Who accepted it.
        type: str
        required: true
      until:
        description: The last day on which it is accepted, such as V(2026-12-31).
        type: str
        required: true
      reason:
        description: Why it was accepted.
        type: str
  name:
    description: The name of the database in the evidence. The default is C(APP/ADDON).
    type: str
  job:
    description: The job that runs the drill, for the evidence. Such as the ID of a job of AWX.
    type: str
  user:
    description: Who started the drill, for the evidence. The default is the user of the task on the machine.
    type: str
  change_reference:
    description: The change or ticket that the drill belongs to, for the evidence.
    type: str
  sign_key:
    description: A private SSH key to sign the evidence with, by C(ssh-keygen -Y sign). A signature that fails fails the drill.
    type: path
  timestamp_command:
    description:
      - The words of a command that makes a timestamp of the evidence, with V({input}) and V({output}) in the place of the files.
    type: list
    elements: str
    default: []
  allow:
    description:
      - Consequences that you accept.
      - V(export) accepts that protected data leaves the platform. This is all data in V(osc-secnum-fr1) (SecNumCloud), and in addons that may
        host health data (HDS). Not needed for a copy, which has left it already.
      - V(network) accepts a server with a network for a backup with extensions that can connect to other servers, such as C(dblink). A
        temporary server has none where the machine allows that.
      - V(superuser) accepts a user of a given server who may do more than restore a database, as a backup can contain any code.
    type: list
    elements: str
    choices: [export, network, superuser]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: none
    details:
      - Each run is a drill of its own.
notes:
  - Everything happens on the target host. With C(delegate_to=localhost), that is the control node.
  - The role P(community.scalingo.restore_drill#role) creates a backup first if needed, and works on fleets.
seealso:
  - module: community.scalingo.scalingo_backup
  - module: community.scalingo.scalingo_backup_download
  - module: community.scalingo.scalingo_offsite_backup
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Verify that the newest backup can be restored
  community.scalingo.scalingo_restore_drill:
    app: shop
    addon: postgresql
    max_age: 25h
    max_seconds: 2h
    evidence_dir: "{{ evidence_directory }}"
    freshness:
      - {table: orders, column: ordered_at, max_age: 2h}

- name: Rehearse the upgrade to the next major version
  community.scalingo.scalingo_restore_drill:
    app: shop
    addon: postgresql
    rehearse_upgrade: true
    evidence_dir: "{{ evidence_directory }}"

- name: Verify a backup, and run a query on it
  community.scalingo.scalingo_restore_drill:
    app: shop
    addon: mysql
    evidence_dir: "{{ evidence_directory }}"
    checks:
      - name: there are customers
        sql: SELECT count(*) > 0 FROM customers
        expect: true
"""

RETURN = r"""
findings:
  description: What is wrong, in sentences. Empty when the drill passed.
  returned: when the options are valid
  type: list
  elements: str
  sample: []
next_steps:
  description: What to do about it.
  returned: when the options are valid
  type: list
  elements: str
  sample: []
evidence_file:
  description: The path of the evidence. V(none) in check mode, and when it could not be written.
  returned: when the options are valid
  type: str
  sample: /var/lib/drills/shop-postgresql.ad-0f1ab3e1-e97d-4f33-9168-4956379731a4.20261201T040000Z.000001.json
evidence_sha256:
  description: The SHA-256 of that file. Kept in the log of a job, it shows later whether the evidence was replaced.
  returned: when the options are valid
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
evidence:
  description:
    - The evidence, as L(its documentation,https://github.com/ansible-collections/community.scalingo/blob/main/docs/evidence.md) describes it.
    - C(outcome) is V(passed), V(failed), or V(interrupted) when the platform could not be reached. In check mode, it is V(none).
  returned: when the options are valid
  type: dict
  sample: {outcome: passed, rpo: {age_seconds: 7200, max_age_seconds: 90000, verdict: met}}
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent
from ansible_collections.community.scalingo.plugins.module_utils._resources.restore_drill import (
    RestoreDrill as RESOURCE,
)

CHECK = {
    "name": {"type": "str", "required": True},
    "sql": {"type": "str", "required": True},
    "expect": {"type": "raw"},
    "record_value": {"type": "bool", "default": False},
}
FRESHNESS = {name: {"type": "str", "required": True} for name in ("table", "column", "max_age")}
SIZE_CHANGE = {"backups": {"type": "int", "default": 7}, "percent": {"type": "float", "default": 0.1}}
DEVIATION = {
    **{name: {"type": "str", "required": True} for name in ("what", "accepted_by", "until")},
    "reason": {"type": "str"},
}


def argument_spec() -> Spec:
    return (
        COMMON
        + consent("export", "network", "superuser")
        + Spec(
            {
                "source": {"type": "str", "choices": ["platform", "copy"], "default": "platform"},
                "directory": {"type": "path"},
                "decrypt_command": {"type": "list", "elements": "str", "default": []},
                "backup_id": {"type": "str"},
                "max_age": {"type": "str"},
                "max_seconds": {"type": "str"},
                "rehearse_upgrade": {"type": "bool", "default": False},
                "programs": {"type": "path"},
                "client_programs": {"type": "path"},
                "work_dir": {"type": "path", "default": "/var/tmp"},
                "server_service": {"type": "str"},
                "server_url": {"type": "str", "no_log": True},
                "server_settings": {"type": "dict", "default": {}},
                "locale": {"type": "str"},
                "roles": {"type": "list", "elements": "str", "default": []},
                "jobs": {"type": "int", "default": 2},
                "timeout": {"type": "float", "default": 14400.0},
                "evidence_dir": {"type": "path", "required": True},
                "min_tables": {"type": "int", "default": 1},
                "min_rows": {"type": "int", "default": 1},
                "max_drop_percent": {"type": "float", "default": 10.0},
                "max_erosion_percent": {"type": "float", "default": 20.0},
                "ignore_tables": {"type": "list", "elements": "str", "default": []},
                "checks": {"type": "list", "elements": "dict", "default": [], "options": CHECK},
                "check_timeout": {"type": "float", "default": 600.0},
                "freshness": {"type": "list", "elements": "dict", "default": [], "options": FRESHNESS},
                "min_size_change": {"type": "dict", "options": SIZE_CHANGE},
                "deviations": {"type": "list", "elements": "dict", "default": [], "options": DEVIATION},
                "name": {"type": "str"},
                "job": {"type": "str"},
                "user": {"type": "str"},
                "change_reference": {"type": "str"},
                "sign_key": {"type": "path", "no_log": False},
                "timestamp_command": {"type": "list", "elements": "str", "default": []},
            },
            mutually_exclusive=(("server_service", "server_url"),),
            free_text=("checks.sql", "checks.expect"),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
