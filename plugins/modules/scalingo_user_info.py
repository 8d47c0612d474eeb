#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_user_info
version_added: 0.1.0
short_description: Get the account that an API token belongs to
description:
  - Returns the account of the API token. Use it to check the token at the start of a job.
  - The task fails when the token is refused.
  - With a cached bearer token (O(token_cache)), the API token is not sent. A token revoked within the last hour can then pass.
  - O(region), O(app), O(addon), O(api_url) and O(db_api_url) are ignored.
  - Costs one request to the authentication API.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_region_info
  - module: community.scalingo.scalingo_app_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get the account of the token
  community.scalingo.scalingo_user_info:
    token_cache: false
  register: result

- name: Show the account
  ansible.builtin.debug:
    msg: "The token belongs to {{ result.users[0].username }} ({{ result.users[0].email }})."
"""

RETURN = r"""
users:
  description: The user, as a list with one entry.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the user.
      type: str
      sample: us-0e6d8e46-5cd0-42a4-acba-372b2be605ac
    username:
      description: The name of the user.
      type: str
      sample: johndoe
    email:
      description: The email address of the user.
      type: str
      sample: john.doe@example.com
    fullname:
      description: The full name of the user.
      type: str
      sample: John Doe
# BEGIN _returns: written by make lists
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.user import UserInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
