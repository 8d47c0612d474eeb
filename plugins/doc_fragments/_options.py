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
    description: For internal use. Whether the task hides its result. Any given value is overwritten.
    type: bool
  api_token:
    description:
      - An API token of a Scalingo account that owns the app or collaborates on it. It begins with V(tk-us-).
      - Required unless O(addon_id) and O(addon_token) are set.
      - If not set, the environment variable E(SCALINGO_API_TOKEN) is used.
    type: str
  region:
    description:
      - The region of the app, for example V(osc-fr1) or V(osc-secnum-fr1).
      - A region unknown to this version is looked up on the platform. If it does not exist, the error lists the regions.
      - If not set, the region of the host is used when the task names the app or the addon ID of the host, and the host comes from the inventory plugin
        P(community.scalingo.scalingo_databases#inventory).
      - Otherwise, the environment variable E(SCALINGO_REGION) is used.
      - If neither is set, the region of O(api_url) or O(db_api_url) is used if they are URLs of the platform, or else V(osc-fr1).
    type: str
  api_url:
    description:
      - The URL of the main API. The default is the URL of the region.
      - The URL of another region than O(region) is refused.
      - A bare host name means C(https). Plain C(http) is accepted for loopback addresses only, as it exposes credentials.
      - If not set, the environment variable E(SCALINGO_API_URL) is used.
      - The variable is ignored when the task sets another O(region) or O(auth_url).
    type: str
  db_api_url:
    description:
      - The URL of the Database API. The rules of O(api_url) apply.
      - If not set, the environment variables E(SCALINGO_DB_API_URL) and E(SCALINGO_DB_URL) are used, in this order.
      - One URL from the task and the other from the environment are refused, unless the task sets O(region).
    type: str
  auth_url:
    description:
      - The URL of the authentication API. The default is the platform's.
      - Any other server must also return the URLs of the region.
      - If not set, the environment variable E(SCALINGO_AUTH_URL) is used.
    type: str
  api_path:
    description:
      - Where requests about a database are sent, and with which credentials.
      - V(db_api) is the Database API, with a token of the database's addon. It is the default.
      - V(v1) and V(api) are the main API, at C(/v1) or C(/api), with the token of the account. This saves one request per database and
        hour.
      - A token of an addon is valid for one database, the token of the account for all databases that the account can access.
      - Scalingo plans to replace the Database API. No released documentation describes V(v1) or V(api).
      - With V(v1) or V(api), O(db_api_url) and O(addon_token) are refused. Their environment variables are ignored.
      - If not set, the environment variable E(SCALINGO_API_PATH) is used.
    type: str
    choices: [db_api, v1, api]
  api_timeout:
    description: Timeout of a connection and of each read, in seconds.
    type: float
    default: 30
  api_retries:
    description:
      - How often a request is retried after no response or an unavailable service, with growing pauses. V(0) disables retries.
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
      - A file or directory with trusted root certificates. By default, the system's certificates are used.
      - A directory must be hashed by C(openssl rehash). A directory without certificates is refused.
      - If not set, the environment variable E(SCALINGO_CA_PATH) is used.
      - Both override variables of the HTTP library, such as E(REQUESTS_CA_BUNDLE).
    type: path
  token_cache:
    description:
      - Whether to share short-lived tokens between tasks and forks, in a private directory of the user.
      - The directory is below E(XDG_RUNTIME_DIR) or the user's cache directory. Root uses no directory of another user.
      - It contains tokens that expire within an hour, never the API token.
      - Without a usable directory, tokens are kept in memory only.
    type: bool
    default: true
  requests_per_minute:
    description:
      - How many requests a minute all tasks of this user and API token may send on the target host, V(1) to V(60).
      - Requests are spread evenly. The API accepts 60 a minute per account, so a lower value leaves room for others.
      - By default, requests are not slowed down until the API reports its limit.
      - If not set, the environment variable E(SCALINGO_REQUESTS_PER_MINUTE) is used.
    type: int
  max_in_flight:
    description:
      - How many of these requests may be in flight at once, V(1) to V(20). The default is V(10).
      - At about 20, the platform answers some of them with an error.
      - With O(token_cache=false), a task counts only its own requests.
      - If not set, the environment variable E(SCALINGO_MAX_IN_FLIGHT) is used.
    type: int
  app:
    description:
      - The name or the ID of the app. For a database with dedicated resources, the name of the database.
      - Required unless O(addon_id) and O(addon_token) are set.
      - If not set, the environment variable E(SCALINGO_APP) is used.
    type: str
  addon:
    description:
      - The database of the app, as the ID of the addon or the ID of its provider.
      - An ID such as V(ad-0f1ab3e1-e97d-4f33-9168-4956379731a4) costs the fewest requests.
      - Providers are V(postgresql), V(mysql), V(mongodb), V(redis), V(influxdb), V(elasticsearch), V(opensearch) and V(postgresql-ng).
      - A provider that the app has more than once is refused. The error lists the addons.
      - If not set, the environment variable E(SCALINGO_ADDON) is used.
    type: str
  addon_id:
    description:
      - The ID of the addon, for tasks without an API token. Requires O(addon_token).
      - With O(app) and an API token, it is the same as O(addon).
    type: str
  addon_token:
    description:
      - A token for this addon, which expires after an hour. It is valid for the Database API only.
      - Requires O(addon_id). The token is not renewed.
      - If not set, the environment variable E(SCALINGO_ADDON_TOKEN) is used, provided that O(addon_id) is set.
    type: str
requirements:
  - python >= 3.9
  - requests >= 2.25.1
notes:
  - The stated costs assume cached tokens. With an empty token cache, up to three more requests are sent first, or two by O(api_path=v1).
  - A null or blank option counts as not set.
  - Null or blank passwords, limits and list entries are refused instead.
  - Options of a task and C(module_defaults) override environment variables.
  - Run modules on the control node, with C(connection=local), C(delegate_to=localhost), or an inventory host with a local connection.
  - With C(become), a module lacks Ansible's environment variables. Use C(become=false).
seealso:
  - name: Scalingo Database API
    description: The API that this collection uses.
    link: https://developers.scalingo.com/databases/
"""

    # A module that waits for what it has changed. Listed before PATIENCE, as the first description of an option counts
    WAIT = r"""
options:
  wait:
    description: Whether to wait until the change is complete. With V(false), the task returns once the platform accepts it.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for a running operation on the database, and then for the change, in seconds.
      - On timeout, the task fails with the last status. The operation continues on the platform.
    type: float
    default: 900
"""

    # How a module waits
    PATIENCE = r"""
options:
  wait_timeout:
    description: How long to wait for a running operation on the database to finish, in seconds.
    type: float
    default: 900
  wait_interval:
    description: Initial polling interval in seconds. It grows to at most six times this value. Minimum V(0.1).
    type: float
    default: 5
  on_busy:
    description:
      - What to do when an operation is already running on the database. Only one can run at a time.
      - V(wait) waits for it, up to O(wait_timeout). V(fail) fails without changing anything.
      - The task fails when the database is stopped. To resume its addon, use M(community.scalingo.scalingo_addon).
    type: str
    choices: [wait, fail]
    default: wait
"""

    # A module that waits for what it reads
    AWAIT = r"""
options:
  wait_timeout:
    description: With O(wait=true), how long to wait, in seconds. On timeout, the task fails with the last status.
    type: float
    default: 7200
  wait_interval:
    description: Initial polling interval in seconds. It grows to at most six times this value. Minimum V(0.1).
    type: float
    default: 5
"""

    # The way through the SSH server of the platform
    SSH = r"""
options:
  ssh_host:
    description: The SSH server, as V(host) or V(host:port). The default is the server of the region.
    type: str
  ssh_user:
    description: The user name on the SSH server.
    type: str
    default: git
  ssh_key_file:
    description:
      - The file of a private key without a passphrase. Its public key must be in the Scalingo account.
      - By default, OpenSSH uses the agent and the user's keys. OpenSSH configuration files are not read.
    type: path
  ssh_known_hosts:
    description:
      - A file with the host keys of SSH servers. The host key is always verified, and unknown servers are refused.
      - Scalingo publishes the fingerprints in the documentation of its regions.
      - By default, the known hosts files of the user and the system are used.
    type: path
  connect_timeout:
    description: How long to wait for the connection, including SSH, in seconds.
    type: float
    default: 15
requirements:
  - the OpenSSH client, for the way through SSH
"""

    # A secret that goes to a file instead of the result
    SECRET_FILE = r"""
options:
  dest:
    description:
      - A file for the secret, on the target host. The result then contains no secret, and needs no C(no_log=true).
      - Only its owner can read the file. It is written atomically, and not in check mode.
      - An absolute path in an existing directory. An existing file is refused unless O(overwrite=true).
      - Writing the file alone is never reported as a change.
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
      - Consequences that you accept. The task refuses all others before it requests a link or downloads anything.
      - V(export) accepts that protected data leaves the platform, as a link or a copy.
      - Protected data is all data in V(osc-secnum-fr1) (SecNumCloud), and in addons that may host health data (HDS).
      - With O(addon_token), only the region is checked, as the check for health data needs the main API.
    type: list
    elements: str
    choices: [export]
    default: []
"""

    # A module that needs the account, as it asks the main API or the authentication API
    ACCOUNT = r"""
options: {}
notes:
  - O(addon_id) and O(addon_token) are refused, as that token is valid for the Database API only.
"""
