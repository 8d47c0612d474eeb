#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_backup_download
version_added: 0.1.0
short_description: Download a backup of a database
description:
  - Downloads a backup archive (C(tar.gz)) to the target host. By default, only its owner can read it.
  - To keep a history of verified and encrypted copies, use M(community.scalingo.scalingo_offsite_backup).
  - The file is renamed to its final name once it is complete and synced to disk.
  - Until then, the data is in a hidden file, C(.NAME.part), next to O(dest) or in O(work_dir).
  - Data is streamed, so memory use does not grow with the file.
  - An interrupted download resumes, within the task or in the next run.
  - It resumes only when a strong C(ETag), or C(Last-Modified) and length, show that the file is unchanged.
  - Otherwise it starts over.
  - A download that fails for another reason, such as a full disk, leaves no partial file.
  - A metadata file, C(NAME.json), is written last, next to the archive. It records the backup, size and SHA-256.
  - Later runs use it to recognize the archive and skip the download.
  - The file must have the size that the API returns, and a C(gzip) header.
  - When the platform sends an error message instead, the task fails and shows it.
  - An existing file with such content is replaced.
  - Backups of Elasticsearch and OpenSearch cannot be downloaded.
  - The download link is secret. It is never shown, and renewed when it expires.
  - A run without changes costs one request, or none when O(backup_id) is set and O(dest) is that backup.
  - A downloaded copy therefore stays valid after the platform deletes the backup.
  - A download costs one more request for each link, and one per part to the storage server.
  - Without O(allow=export), it may cost one request to the main API, to check whether the addon may host health data.
options:
  backup_id:
    description:
      - The ID of the backup. The default is the newest completed backup that did not begin in the future.
      - In check mode, the predicted ID from M(community.scalingo.scalingo_backup) is accepted. The backups are then not listed.
    type: str
  dest:
    description:
      - The absolute path of the archive, or of an existing directory.
      - In a directory, the file is named after the backup, with the suffix C(.tar.gz).
      - An existing file is replaced, unless it already contains this backup.
    type: path
    required: true
  work_dir:
    description:
      - The directory for the partial file. The default is the directory of O(dest).
      - Use it when O(dest) is on a slow or remote file system.
      - If it is on another file system, the complete file is copied next to O(dest) and renamed.
      - If the file system does not support renaming, as in object stores, the file is copied under its final name.
    type: path
  mode:
    description: The octal permissions of the archive and its metadata file. Quote the value.
    type: raw
    default: '0600'
  verify:
    description:
      - Whether to verify an existing file against the SHA-256 in its metadata file.
      - A file that differs is downloaded again. With V(false), only the size is compared.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.export
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
    details:
      - Without O(backup_id), there may be a newer backup in the second run.
notes:
  - The file is written on the target host. With C(delegate_to=localhost), that is the control node.
seealso:
  - module: community.scalingo.scalingo_backup
  - module: community.scalingo.scalingo_backup_info
  - module: community.scalingo.scalingo_offsite_backup
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Download the newest backup to a directory
  community.scalingo.scalingo_backup_download:
    app: shop
    addon: postgresql
    dest: "{{ backup_directory }}"
  register: download

- name: Create a backup
  community.scalingo.scalingo_backup:
    app: shop
    addon: mysql
  register: made

- name: Download this backup, and verify an existing file
  community.scalingo.scalingo_backup_download:
    app: shop
    addon: mysql
    backup_id: "{{ made.backup.id }}"
    dest: "{{ backup_directory }}/shop.tar.gz"
    mode: '0640'
    verify: true
"""

RETURN = r"""
file:
  description: The file.
  returned: success
  type: dict
  contains:
    path:
      description: The path of the file. In a directory, the file of a backup that is not created yet is named after its ID.
      type: str
      sample: /srv/backups/20260902010000_shop_4553.tar.gz
    size:
      description: The size in bytes. V(none) in check mode when it would be downloaded.
      type: int
      sample: 17484513608
    sha256:
      description: The SHA-256. V(none) in check mode when it would be downloaded.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    mode:
      description: The octal permissions.
      type: str
      sample: '0600'
backup:
  description: The downloaded backup, as RV(community.scalingo.scalingo_backup_info#module:backups) describes it.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, EXPORT, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup_download import (
    BackupDownload as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + EXPORT
        + Spec(
            {
                "backup_id": {"type": "str"},
                "dest": {"type": "path", "required": True},
                "work_dir": {"type": "path"},
                "mode": {"type": "raw", "default": "0600"},
                "verify": {"type": "bool", "default": False},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
