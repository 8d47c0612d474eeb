#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_offsite_backup
version_added: 0.1.0
short_description: Keep verified copies of the backups of a database
description:
  - Ensures that a directory on the target host contains a good copy of a backup, and removes old copies.
  - Use it to keep a history of backups outside the platform. To fetch one archive, use M(community.scalingo.scalingo_backup_download).
  - The archive is downloaded, verified to its last byte, optionally encrypted, and then moved to its final name.
  - A backup of PostgreSQL must contain a dump in the format of C(pg_dump) that lists something.
  - A copy is C(NAME.TIME.BACKUP_ID.tar.gz) with the suffix of the encryption, and a metadata file with C(.json) after the same name.
  - A copy is good as long as its file has the recorded length and SHA-256. Every run verifies every copy.
  - Nothing is removed before the new copy was verified, and never a good copy that O(keep_count) needs.
  - A copy that cannot be read is reported and never removed, as the disk may be at fault.
  - A copy whose backup began in the future counts for neither age nor O(keep_count), and is never removed while it is good.
  - Copies that disappeared, and copies without a readable metadata file, are reported.
  - Files that this module did not write are never changed. Several databases can share a directory.
  - The hidden files C(.lock-ADDON_ID) stay in the directory. They hold the locks, and a list of the copies.
  - Several runs for one database and directory are safe, also on several hosts. One of them downloads.
  - Another run that needs to download then fails, and RV(error) has C(interrupted).
  - An interrupted download resumes in the next run. With O(encrypt_command) it starts over, and no unencrypted data is kept.
  - A run that was killed can leave unencrypted data in the hidden directory C(.growing-ADDON_ID), which only its user can read. The next
    run removes it.
  - Backups of Elasticsearch and OpenSearch cannot be downloaded.
  - A run without changes costs one request, or none when O(backup_id) is set and a good copy of that backup exists.
  - A download costs one more request for each link, and one per part to the storage server.
options:
  directory:
    description:
      - The directory of the copies, as an absolute path.
      - A directory that does not exist, or that never contained copies, needs O(allow=new_directory). A disk may not be mounted.
      - An empty file C(.scalingo_copies) in the directory is the same consent.
    type: path
    required: true
  name:
    description:
      - The name of the database in the names of copies and in metadata.
      - The default is C(APP/ADDON). Characters that do not belong in file names are replaced.
    type: str
  backup_id:
    description:
      - The ID of the backup. The default is the newest completed backup that did not begin in the future.
      - In check mode, the predicted ID from M(community.scalingo.scalingo_backup) is accepted.
    type: str
  max_age:
    description:
      - Fail when the backup is older than this, such as V(26h) for daily periodic backups.
      - Give seconds, or a duration such as V(90m), V(24h) or V(7d).
    type: str
  encrypt_command:
    description:
      - A command that encrypts the archive, as a list of words without a shell.
      - C({input}) is the file to read and C({output}) the file to write, such as V([age, -R, /etc/backup.keys, -o, '{output}', '{input}']).
      - An output that is smaller than the archive is refused, unless O(decrypt_command) proves it.
      - The command gets no environment variables that begin with C(SCALINGO_). It ends with the task.
      - Pass keys as files, as the words of a command are visible in the process list.
    type: list
    elements: str
    default: []
  encrypt_suffix:
    description: The suffix of the file name of an encrypted copy.
    type: str
    default: .encrypted
  decrypt_command:
    description:
      - A command that decrypts C({input}) to C({output}), such as V([age, -d, -i, /etc/backup.identity, -o, '{output}', '{input}']).
      - It proves each new copy, as its output must have the SHA-256 of the archive. It needs room for a second archive.
    type: list
    elements: str
    default: []
  keep_count:
    description: The minimum number of good copies to keep, the newest ones. At least V(1).
    type: int
    default: 7
  keep_age:
    description:
      - Also keep copies that are at most this much older than the newest copy.
      - Give seconds, or a duration such as V(30d). By default, no others are kept.
    type: str
  max_shrink:
    description:
      - By how many percent the content of a backup may be smaller than that of the last good copy. V(1) to V(100), which allows any.
      - A copy that is smaller is kept and reported. It does not count for O(keep_count), and no good copy is removed while it is the newest.
      - A copy that is made with V(100) counts, and the next copies are compared with it.
    type: float
    default: 50
  bad_copies:
    description:
      - What to do about copies that are not good.
      - V(fail) keeps them and fails after the new copy was kept. V(report) only reports them.
      - V(remove) removes damaged and lost ones, provided that O(keep_count) good copies exist. It fails for those that cannot be read and
        for a newest copy that is too small.
    type: str
    choices: [fail, report, remove]
    default: fail
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(export) accepts that protected data leaves the platform. This is all data in V(osc-secnum-fr1) (SecNumCloud), and in addons that
        may host health data (HDS). With O(addon_token), only the region is checked.
      - V(new_directory) accepts that O(directory) is created, or that it never contained copies.
    type: list
    elements: str
    choices: [export, new_directory]
    default: []
  wait_timeout:
    description: How long to wait for another run that changes the copies of the same database, in seconds.
    type: float
    default: 14400
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
    details:
      - Without O(backup_id), there may be a newer backup in the second run.
notes:
  - The files are written on the target host. With C(delegate_to=localhost), that is the control node.
  - A new backup in each run reaches the plan's limit of manual backups. Copy the periodic ones, or let M(community.scalingo.scalingo_backup)
    evict the oldest.
  - On NFS with local locks (C(nolock), C(local_lock)), RV(notes) warns against runs on different hosts.
seealso:
  - module: community.scalingo.scalingo_backup
  - module: community.scalingo.scalingo_backup_download
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Keep copies of the periodic backups of two weeks
  community.scalingo.scalingo_offsite_backup:
    app: shop
    addon: postgresql
    directory: "{{ copies }}"
    max_age: 26h
    keep_count: 14
    allow: [new_directory]

- name: Create a backup, unless there is one of today
  community.scalingo.scalingo_backup:
    app: shop
    addon: mysql
    max_age: 20h
  register: made

- name: Keep an encrypted copy of it, and one of each of the last 30 days
  community.scalingo.scalingo_offsite_backup:
    app: shop
    addon: mysql
    backup_id: "{{ made.backup.id }}"
    directory: "{{ copies }}"
    encrypt_command: [openssl, enc, -aes-256-ctr, -pbkdf2, -pass, "file:{{ key }}", -in, '{input}', -out, '{output}']
    decrypt_command: [openssl, enc, -d, -aes-256-ctr, -pbkdf2, -pass, "file:{{ key }}", -in, '{input}', -out, '{output}']
    keep_age: 30d
    allow: [new_directory]
"""

RETURN = r"""
backup:
  description: The backup that the task is about, as RV(community.scalingo.scalingo_backup_info#module:backups) describes it.
  returned: success, and when the task fails after it read the copies
  type: dict
file:
  description: The copy of this backup, as RV(copies) describes it. V(none) when the task failed before it existed.
  returned: success, and when the task fails after it read the copies
  type: dict
  sample: {backup_id: 5b8b36104ffb090be1ac3ce0, good: true, path: /var/backups/shop/shop-postgresql.20260902T010003Z.5b8b36104ffb090be1ac3ce0.tar.gz}
copies:
  description: All copies of backups of this database, the newest first.
  returned: success, and when the task fails after it read the copies
  type: list
  elements: dict
  contains:
    path:
      description: The path of the file.
      type: str
      sample: /var/backups/shop/shop-postgresql.20260902T010003Z.5b8b36104ffb090be1ac3ce0.tar.gz
    backup_id:
      description: The ID of the backup.
      type: str
      sample: 5b8b36104ffb090be1ac3ce0
    started_at:
      description: When the backup began.
      type: str
      sample: '2026-09-02T01:00:03.000000Z'
    size:
      description: The recorded size in bytes. V(none) in check mode when the copy would be made.
      type: int
      sample: 17484513608
    sha256:
      description: The recorded SHA-256. V(none) in check mode when the copy would be made.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    encrypted:
      description: Whether it is encrypted.
      type: bool
      sample: false
    good:
      description: Whether the file has the recorded length and SHA-256.
      type: bool
      sample: true
    problem:
      description: Why it is not good. Empty when it is.
      type: str
      sample: ''
good_copies:
  description: How many of them are good.
  returned: success, and when the task fails after it read the copies
  type: int
  sample: 14
findings:
  description: What is wrong with copies, in sentences. Empty when all are good.
  returned: success, and when the task fails after it read the copies
  type: list
  elements: str
  sample: ['shop-postgresql.20260902T010003Z.5b8b36104ffb090be1ac3ce0.tar.gz is not there any more']
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.offsite_backup import (
    OffsiteBackup as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + consent("export", "new_directory")
        + Spec(
            {
                "directory": {"type": "path", "required": True},
                "name": {"type": "str"},
                "backup_id": {"type": "str"},
                "max_age": {"type": "str"},
                "encrypt_command": {"type": "list", "elements": "str", "default": []},
                "encrypt_suffix": {"type": "str", "default": ".encrypted"},
                "decrypt_command": {"type": "list", "elements": "str", "default": []},
                "keep_count": {"type": "int", "default": 7},
                "keep_age": {"type": "str"},
                "max_shrink": {"type": "float", "default": 50.0},
                "bad_copies": {"type": "str", "choices": ["fail", "report", "remove"], "default": "fail"},
                "wait_timeout": {"type": "float", "default": 14400.0},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
