#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_log_drain_info
version_added: 0.1.0
short_description: List the log drains of a database
description:
  - Returns the services that receive the log lines of a database.
  - Costs two requests to the main API, or one when O(addon) is the ID of an addon.
options:
  credentials:
    description:
      - Whether to return the complete URLs, including tokens and passwords.
      - Needs O(dest) or C(no_log=true) on the task. Otherwise the task is refused before any request.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.secret_file
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_log_drain
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the log drains
  community.scalingo.scalingo_log_drain_info:
    app: shop
    addon: mysql
"""

RETURN = r"""
log_drains:
  description: The log drains, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    app_id:
      description: The ID of the app.
      type: str
      sample: 5343eccd646173000a140000
    url:
      description: The URL under which the platform lists the drain. Credentials are replaced, unless O(credentials=true) without O(dest).
      type: str
      sample: 'syslog://********@logs.example.com:6514'
# BEGIN _returns.secret_file, _returns: written by make lists
secret_file:
  description: The file that the secret was written to. V(none) without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, SECRET_FILE, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.log_drain import LogDrainInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + SECRET_FILE + Spec({"credentials": {"type": "bool", "default": False}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
