# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.

from __future__ import annotations


class ModuleDocFragment:
    # How the API is reached, and for which database
    DOCUMENTATION = r"""
options:
  _task_no_log:
    description: For internal use. Whether the task hides its result. It is always overwritten.
    type: bool
  api_token:
    description:
      - An API token of a Scalingo account, owner or collaborator of the app. It begins with V(tk-us-).
      - Needed unless O(addon_id) and O(addon_token) are given.
      - If not given, the environment variable E(SCALINGO_API_TOKEN) is used.
    type: str
  region:
    description:
      - The region of the app, for example V(osc-fr1) or V(osc-secnum-fr1).
      - A new region is looked up on the platform. An unknown one is refused with a list of regions.
      - If not given, the environment variable E(SCALINGO_REGION) is used.
      - The last resort is the region of O(api_url) or O(db_api_url) if these are of the platform, or V(osc-fr1).
    type: str
  api_url:
    description:
      - The address of the main API. The default is that of the region.
      - The address of another region than O(region) is refused.
      - A bare host name means C(https). Plain C(http) is accepted for this machine only, as it exposes credentials.
      - If not given, the environment variable E(SCALINGO_API_URL) is used.
      - The variable is ignored when the task names another O(region) or O(auth_url).
    type: str
  db_api_url:
    description:
      - The address of the Database API. The rules of O(api_url) apply.
      - If not given, the environment variables E(SCALINGO_DB_API_URL) and E(SCALINGO_DB_URL) are used, in this order.
      - One address from the task and the other from the environment are refused, unless the task names the region.
    type: str
  auth_url:
    description:
      - The address of the authentication API. The default is the platform's.
      - Any other server is also asked for the addresses of the region.
      - If not given, the environment variable E(SCALINGO_AUTH_URL) is used.
    type: str
  api_path:
    description:
      - Where requests about a database are sent, and with which credentials.
      - V(db_api) is the Database API, with a token of the database's addon. It is the default.
      - V(v1) and V(api) are the main API, at C(/v1) or C(/api), with the token of the account. This saves a request per database and hour.
      - An addon's token opens one database. The account's token opens all databases that the account can reach.
      - Scalingo plans to replace the Database API. No released documentation describes V(v1) or V(api).
      - With V(v1) or V(api), O(db_api_url) and O(addon_token) are refused. Their environment variables are ignored.
      - If not given, the environment variable E(SCALINGO_API_PATH) is used.
    type: str
    choices: [db_api, v1, api]
  api_timeout:
    description: Timeout of a connection and of each read, in seconds.
    type: float
    default: 30
  api_retries:
    description:
      - How often a request is retried after no answer or an unavailable service, with growing pauses. V(0) disables retries.
      - Requests that must not happen twice are retried only when no connection was made.
      - Waiting for the rate limit (60 requests a minute) is not counted. It ends after ten minutes.
    type: int
    default: 5
  validate_certs:
    description: Whether to verify the TLS certificates of the API. Disable it for tests only.
    type: bool
    default: true
  ca_path:
    description:
      - A file or directory with trusted root certificates, instead of the system's.
      - A directory must be hashed by C(openssl rehash). One without certificates is refused.
      - If not given, the environment variable E(SCALINGO_CA_PATH) is used.
      - Both override variables of the HTTP library, such as E(REQUESTS_CA_BUNDLE).
    type: path
  token_cache:
    description:
      - Whether to share short-lived tokens between tasks and forks, in a private directory of the user.
      - It is below E(XDG_RUNTIME_DIR) or the user's cache directory. Root uses no directory of another user.
      - It holds tokens that expire within the hour, never the API token.
      - Without a usable directory, tokens are kept in memory only.
    type: bool
    default: true
  requests_per_minute:
    description:
      - How many requests a minute all tasks of this user and API token may send on this machine, V(1) to V(60).
      - They are spread evenly. The API accepts 60 a minute for each account, so this leaves room for others.
      - By default, nothing is slowed before the API reports its limit.
      - If not given, the environment variable E(SCALINGO_REQUESTS_PER_MINUTE) is used.
    type: int
  max_in_flight:
    description:
      - How many of these requests may be in flight at once, V(1) to V(20). The default is V(10).
      - At about twenty, the platform answers some with an error.
      - With O(token_cache=false), a task counts only its own.
      - If not given, the environment variable E(SCALINGO_MAX_IN_FLIGHT) is used.
    type: int
  app:
    description:
      - The name or the ID of the app. For a database with dedicated resources, the name of the database.
      - Needed unless O(addon_id) and O(addon_token) are given.
      - If not given, the environment variable E(SCALINGO_APP) is used.
    type: str
  addon:
    description:
      - The database of the app, by the ID of the addon or the ID of its provider.
      - An ID such as V(ad-0f1ab3e1-e97d-4f33-9168-4956379731a4) costs the fewest requests.
      - Providers are V(postgresql), V(mysql), V(mongodb), V(redis), V(influxdb), V(elasticsearch), V(opensearch) and V(postgresql-ng).
      - A provider that the app has more than once is refused, with a list of the addons.
      - If not given, the environment variable E(SCALINGO_ADDON) is used.
    type: str
  addon_id:
    description:
      - The ID of the addon, for tasks without an API token. Needs O(addon_token).
      - With O(app) and an API token, it is the same as O(addon).
    type: str
  addon_token:
    description:
      - A token for this one addon, which expires after an hour. It opens the Database API only.
      - Needs O(addon_id). It is not renewed.
      - If not given, the environment variable E(SCALINGO_ADDON_TOKEN) is used, provided that O(addon_id) is given.
    type: str
requirements:
  - requests
notes:
  - The stated costs assume cached tokens. With an empty token cache, up to three more requests are sent first, or two by O(api_path=v1).
  - A null or blank option counts as not given.
  - Null or blank passwords, limits and list entries are refused instead.
  - Options of a task and C(module_defaults) override environment variables.
  - Run modules on the controller, with C(connection=local), C(delegate_to=localhost), or an inventory host with a local connection.
  - With C(become), a module lacks Ansible's environment variables. Use C(become=false).
seealso:
  - name: Scalingo Database API
    description: The API that this collection uses.
    link: https://developers.scalingo.com/databases/
"""

    # A module that waits for the platform; wait_timeout has a default of its own in each
    WAIT = r"""
options:
  wait:
    description: Whether to wait until the platform has finished. V(false) returns as soon as the request is accepted.
    type: bool
    default: true
"""

    # How a module waits
    PATIENCE = r"""
options:
  wait_interval:
    description: Initial polling interval in seconds. It grows up to six times. Minimum V(0.1).
    type: float
    default: 5
  on_busy:
    description:
      - What to do when another operation is running. A database runs one at a time.
      - V(wait) waits for it, up to O(wait_timeout). V(fail) fails before anything is changed.
      - A stopped database fails the task. Resume its addon with M(community.scalingo.scalingo_addon).
    type: str
    choices: [wait, fail]
    default: wait
"""

    # A secret that goes to a file instead of the result
    SECRET_FILE = r"""
options:
  dest:
    description:
      - A file for the secret, on the machine that runs the task. The result then holds none, and needs no C(no_log=true).
      - Only the owner can read it. It is written atomically, and not in check mode.
      - An absolute path in an existing directory. An existing file is refused unless O(overwrite=true).
      - The file alone never makes the task changed.
    type: path
  overwrite:
    description: Whether O(dest) may replace an existing file.
    type: bool
    default: false
"""

    # Data that are protected, as a link or a copy
    EXPORT = r"""
options:
  allow:
    description:
      - Consequences that you accept. Any other is refused before a link is requested or anything is downloaded.
      - V(export) takes protected data out of the platform.
      - Protected are the data of V(osc-secnum-fr1) (SecNumCloud), and of addons that may hold data of health (HDS).
      - With O(addon_token), only the region counts, as the platform cannot be asked about data of health.
    type: list
    elements: str
    choices: [export]
    default: []
"""
