# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call about databases that the public clients make, as they put it on the wire, and what they read from the answer.

The clients, in the short names of docs/contract.md section 0: the Go client with the command line and the Terraform
provider on top of it (GO, CLI, TF), the JavaScript client of the newer dashboard (JS), the Ruby client (RB), and two
programs of third parties (3P-watcher, 3P-pix). All of it is written down from their behaviour; none of it is their code.

Texts may hold ``$name``: the test fills in what stands in its context (``$app``, ``$addon``, …).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from support.client_shapes import ListOf, MapOf, Only, Optional, OrNull

NO_BODY = object()


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a client writes a request."""

    name: str
    always: tuple[tuple[str, str], ...]
    """Headers of every request."""
    with_body: tuple[tuple[str, str], ...] = ()
    """Headers of a request with a body."""
    without_body: tuple[tuple[str, str], ...] = ()
    """Headers of a POST or PATCH without one."""
    empty_query: bool = False
    """Whether ``?`` is written after the path of a GET or DELETE without parameters."""
    empty_body: bool = False
    """Whether a POST or PATCH without parameters has the body ``{}``."""


_JSON = ("Content-Type", "application/json")
_FORM = ("Content-Type", "application/x-www-form-urlencoded")
_NOTHING = ("Content-Length", "0")

# The command line and the Terraform provider only change the name in User-Agent.
GO = Dialect(
    "go",
    (("User-Agent", "Scalingo CLI v1.48.0"), ("Accept", "application/json"), _JSON, ("Accept-Encoding", "gzip")),
    empty_query=True,
    empty_body=True,
)
# axios: a POST without data is announced as an empty form.
JAVASCRIPT = Dialect(
    "js",
    (
        ("Accept", "application/json, text/plain, */*"),
        ("User-Agent", "Scalingo Javascript Client"),
        ("Accept-Encoding", "gzip, compress, deflate, br"),
    ),
    with_body=(_JSON,),
    without_body=(_FORM, _NOTHING),
)
# Faraday on Net::HTTP: the same.
RUBY = Dialect(
    "ruby",
    (
        ("User-Agent", "Scalingo Ruby Client v4.0.0"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
    ),
    with_body=(_JSON,),
    without_body=(_FORM, _NOTHING),
)
# fetch of Node.js: no Content-Type without a body.
WATCHER = Dialect(
    "watcher",
    (
        ("Accept", "application/json"),
        ("Accept-Language", "*"),
        ("Sec-Fetch-Mode", "cors"),
        ("User-Agent", "node"),
        ("Accept-Encoding", "gzip, deflate"),
    ),
    with_body=(_JSON,),
    without_body=(_NOTHING,),
)
PIX = Dialect(
    "pix",
    (
        ("Accept", "application/json, text/plain, */*"),
        ("User-Agent", "axios/1.15.0"),
        ("Accept-Encoding", "gzip, compress, deflate, br"),
    ),
    with_body=(_JSON,),
    empty_body=True,
)

DIALECTS = {dialect.name: dialect for dialect in (GO, JAVASCRIPT, RUBY, WATCHER, PIX)}


@dataclasses.dataclass(frozen=True)
class Call:
    """One call: what is sent, and what must come back."""

    dialect: Dialect
    name: str
    """What the client calls it."""
    route: str
    """Its number in docs/contract.md section 2, or the sandbox's name for it where it has none there."""
    host: str
    """auth, api, db; dashboard is the main API's host with the user's bearer (section 1.5); link is a link of an answer."""
    method: str
    path: str
    reads: Any = None
    """The shape of the answer's body; None: it must be empty."""
    status: int = 200
    body: Any = NO_BODY
    engine: str = "mysql"
    bearer: bool = True
    needs: tuple[str, ...] = ()
    """What the test does before: see test_client_shapes.py."""
    gives: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Values in the answer, by path."""
    answer_headers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.dialect.name}-{self.route}-{self.name.replace(' ', '_')}"


# what the Go client reads: its structures, field by field

_G_FEATURE = {"name": "string", "status": "string"}
_G_WINDOW = {"weekday_utc": "int", "starting_hour_utc": "int", "duration_in_hour": "int"}
_G_INSTANCE = {
    "id": "string",
    "hostname": "string",
    "port": "int",
    "status": "string",
    "type": "string",
    "features": Optional(OrNull(ListOf("string", 0))),
    "private_ip": Optional(OrNull("string")),
}
_G_DATABASE = {
    "id": "string",
    "created_at": "time",
    "resource_id": "string",
    "app_name": "string",
    "encryption_at_rest": "bool",
    "features": ListOf(_G_FEATURE, 0),
    "plan": "string",
    "status": "string",
    "type_id": "string",
    "type_name": "string",
    "version_id": "string",
    "mongo_repl_set_name": "string",
    "instances": ListOf(_G_INSTANCE),
    "next_version_id": OrNull("string"),
    "readable_version": "string",
    "hostname": "string",
    "current_operation_id": OrNull("string"),
    "cluster": "bool",
    "periodic_backups_enabled": "bool",
    "periodic_backups_scheduled_at": ListOf("int", 0),
    "maintenance_window": _G_WINDOW,
}
_G_PLAN = {
    "id": "string",
    "display_name": "string",
    "name": "string",
    "description": "string",
    "position": "int",
    "on_demand": "bool",
    "disabled": "bool",
    "disabled_alternative_plan_id": OrNull("string"),
    "sku": "string",
    "hds_available": "bool",
    "to_be_discontinued": "bool",
    "trial_available": "bool",
}
_G_PROVIDER = {
    "id": "string",
    "logo_url": "string",
    "name": "string",
    "short_description": "string",
    "description": "string",
    "category": {"id": "string", "name": "string", "description": "string", "position": "int"},
    "provider_name": "string",
    "provider_url": "string",
    "hds_available": "bool",
    "plans": ListOf(_G_PLAN),
}
_G_ADDON = {
    "id": "string",
    "app_id": "string",
    "resource_id": "string",
    "status": "string",
    "plan": _G_PLAN,
    "addon_provider": {"id": "string", "name": "string", "logo_url": "string"},
    "provisioned_at": "time",
    "deprovisioned_at": OrNull("time"),
}
_G_ADDON_CHANGE = {"addon": _G_ADDON, "message": "string", "variables": OrNull(ListOf("string", 0))}
_G_OWNER = {"id": "string", "username": "string", "email": "string"}
_G_APP = {
    "id": "string",
    "name": "string",
    "region": "string",
    "owner": _G_OWNER,
    "git_url": "string",
    "url": "string",
    "base_url": "string",
    "status": "string",
    "last_deployed_at": OrNull("time"),
    "last_deployed_by": OrNull("string"),
    "created_at": "time",
    "updated_at": "time",
    "links": {"deployments_stream": "string"},
    "stack_id": "string",
    "sticky_session": "bool",
    "force_https": "bool",
    "router_logs": "bool",
    "flags": MapOf("bool"),
    "limits": MapOf("anything"),
    "hds_resource": "bool",
    "private_networks_ids": ListOf("string", 0),
    "project": {"id": "string", "name": "string"},
}
_G_PAGINATION = {
    "current_page": "int",
    "per_page": Optional("int"),
    "prev_page": OrNull("int"),
    "next_page": OrNull("int"),
    "total_pages": "int",
    "total_count": "int",
}
_G_BACKUP = {
    "id": "string",
    "created_at": "time",
    "started_at": OrNull("time"),
    "name": "string",
    "size": OrNull("uint"),
    "status": "string",
    "database_id": "string",
    "method": "string",
}
_G_MAINTENANCE = {
    "id": "string",
    "database_id": "string",
    "status": "string",
    "type": "string",
    "started_at": OrNull("time"),
    "ended_at": OrNull("time"),
}
_G_USER = {
    "name": "string",
    "read_only": "bool",
    "protected": "bool",
    "password": Optional("string"),
    "dbms_attributes": Optional(OrNull({"password_encryption": "string"})),
}
_G_OPERATION = {
    "id": "string",
    "app_id": Optional("string"),
    "created_at": "time",
    "finished_at": OrNull("time"),
    "status": "string",
    "type": "string",
    "error": Optional(OrNull("string")),
}
_G_PLUGIN = {
    "id": "string",
    "feature_name": "string",
    "install_name": "string",
    "display_name": "string",
    "description": "string",
}
_G_VERSION_FIELDS = {
    "id": "string",
    "database_type_id": "string",
    "created_at": "time",
    "updated_at": "time",
    "features": ListOf("string", 0),
    "allowed_plugins": OrNull(ListOf(_G_PLUGIN, 0)),
    "major": "int",
    "minor": "int",
    "patch": "int",
    "build": "int",
}
_G_VERSION = {**_G_VERSION_FIELDS, "next_upgrade": OrNull(_G_VERSION_FIELDS)}
_G_RULE = {
    "id": "string",
    "type": "string",
    "cidr": Optional(OrNull("string")),
    "label": Optional(OrNull("string")),
    "range_id": Optional(OrNull("string")),
    "database_id": "string",
}
_G_REGION = {
    "name": "string",
    "display_name": "string",
    "ssh": "string",
    "api": "string",
    "dashboard": "string",
    "database_api": "string",
    "default": "bool",
}
_G_EVENT = {
    "id": "string",
    "app_id": "string",
    "created_at": "time",
    "user": {"username": "string", "email": "string", "id": "string"},
    "type": "string",
    "app_name": "string",
    "project_id": Optional(OrNull("string")),
    "project_name": Optional(OrNull("string")),
    "type_data": MapOf("anything"),
}
_G_DEDICATED = {"id": "string", "name": "string", "project_id": "string", "technology": "string", "plan": "string"}
_G_PEERING = {
    "id": "string",
    "database_id": "string",
    "status": "string",
    "outscale_net_peering_id": "string",
    "outscale_source_net_id": "string",
    "outscale_source_net_ip_range": "string",
    "outscale_source_account_id": "string",
    "created_at": "time",
    "updated_at": "time",
}
_G_ADDON_EVENT = {"addon_provider_name": "string", "plan_name": "string", "resource_id": "string"}
_G_FEATURE_EVENT = {
    "feature": "string",
    "addon_provider_id": "string",
    "addon_provider_name": "string",
    "addon_uuid": "string",
}
_G_BACKUP_EVENT = {
    "addon_uuid": "string",
    "addon_name": "string",
    "resource_id": "string",
    "backup_method": "string",
    "backup_id": "string",
    "backup_status": "string",
    "started_at": "time",
    "ended_at": "time",
}
_G_MAINTENANCE_EVENT = {"addon_name": "string", "maintenance_id": "string"}

# type_data by the type of the event
GO_EVENTS: dict[str, Any] = {
    "new_addon": _G_ADDON_EVENT,
    "upgrade_addon": {**_G_ADDON_EVENT, "old_plan_name": "string", "new_plan_name": "string"},
    "delete_addon": _G_ADDON_EVENT,
    "resume_addon": _G_ADDON_EVENT,
    "suspend_addon": {**_G_ADDON_EVENT, "reason": "string"},
    "addon_updated": {
        "addon_id": "string",
        "addon_plan_name": "string",
        "addon_resource_id": "string",
        "addon_provider_id": "string",
        "addon_provider_name": "string",
        "status": ListOf("string", 2),
        "attributes_changed": ListOf("string", 0),
    },
    "upgrade_database": {"addon_name": "string", "old_version": "string", "new_version": "string"},
    "database/add_feature": _G_FEATURE_EVENT,
    "database/remove_feature": _G_FEATURE_EVENT,
    "database_backup_succeeded": _G_BACKUP_EVENT,
    "database_backup_failed": _G_BACKUP_EVENT,
    "plan_database_maintenance": {
        **_G_MAINTENANCE_EVENT,
        "maintenance_window_in_hours": "int",
        "maintenance_type": "string",
        "next_maintenance_window": "time",
    },
    "start_database_maintenance": _G_MAINTENANCE_EVENT,
    "complete_database_maintenance": _G_MAINTENANCE_EVENT,
}

# The Go client has a structure of its own for the body of each failure; a body it cannot read hides the failure itself.
GO_ERRORS: dict[int, Any] = {
    400: {"error": "string", "code": Optional("string")},
    401: {"error": "string"},
    402: {"name": Optional("string"), "error": "string", "url": Optional("string")},
    403: {"error": "string", "code": Optional("string")},
    404: {"error": "string", "resource": Optional("string")},
    409: {"error": "string"},
    422: {"errors": MapOf(ListOf("string"))},
    429: {"error": "string", "code": Optional("string")},
}


def _go(name: str, route: str, host: str, method: str, path: str, reads: Any = None, **more: Any) -> Call:
    return Call(GO, name, route, host, method, path, reads, **more)


_APP = "/v1/apps/$app"
_ADDON = f"{_APP}/addons/$addon"
_DB = "/api/databases/$addon"
_NEW_PASSWORD = {"password": "Aa0123456789abcdefghijklmnop", "password_confirmation": "Aa0123456789abcdefghijklmnop"}

GO_CALLS = (
    # auth host
    _go("exchange", "exchange", "auth", "POST", "/v1/tokens/exchange", {"token": "string"}, bearer=False),
    _go("regions with a bearer", "regions", "auth", "GET", "/v1/regions", {"regions": ListOf(_G_REGION, 2)}),
    _go("regions without", "regions", "auth", "GET", "/v1/regions", {"regions": ListOf(_G_REGION)}, bearer=False),
    _go(
        "user",
        "A15",
        "auth",
        "GET",
        "/v1/users/self",
        {
            "user": {
                "id": "string",
                "username": "string",
                "fullname": "string",
                "email": "string",
                "flags": MapOf("bool"),
            }
        },
    ),
    # main API
    _go("apps", "apps", "api", "GET", "/v1/apps", {"apps": ListOf(_G_APP, 2)}),
    _go("app", "A12", "api", "GET", _APP, {"app": _G_APP}, gives={"app.name": "$app"}),
    _go("app by id", "A12", "api", "GET", "/v1/apps/$app_id", {"app": _G_APP}, gives={"app.name": "$app"}),
    _go(
        "app of a dedicated database",
        "A12",
        "api",
        "GET",
        "/v1/apps/$dedicated",
        {"app": _G_APP},
        engine="postgresql-ng",
        gives={"app.flags.dedicated-database": True},
    ),
    _go("addons", "A1", "api", "GET", f"{_APP}/addons", {"addons": ListOf(_G_ADDON, 2)}),
    _go("addons of an app by id", "A1", "api", "GET", "/v1/apps/$app_id/addons", {"addons": ListOf(_G_ADDON, 2)}),
    _go("addon", "A2", "api", "GET", _ADDON, {"addon": _G_ADDON}, gives={"addon.id": "$addon"}),
    _go(
        "addon by the id of the app",
        "A2",
        "api",
        "GET",
        "/v1/apps/$app_id/addons/$addon",
        {"addon": _G_ADDON},
        gives={"addon.app_id": "$app_id"},
    ),
    _go(
        "provision",
        "A3",
        "api",
        "POST",
        f"{_APP}/addons",
        _G_ADDON_CHANGE,
        status=201,
        body={"addon": {"addon_provider_id": "redis", "plan_id": "$redis_plan", "options": None}},
        gives={"addon.addon_provider.id": "redis"},
    ),
    _go(
        "provision a version",
        "A3",
        "api",
        "POST",
        f"{_APP}/addons",
        _G_ADDON_CHANGE,
        status=201,
        body={
            "addon": {"addon_provider_id": "redis", "plan_id": "$redis_plan", "options": {"version": "$redis_version"}}
        },
    ),
    _go("change plan", "A4", "api", "PATCH", _ADDON, _G_ADDON_CHANGE, body={"addon": {"plan_id": "$other_plan"}}),
    _go("destroy", "A5", "api", "DELETE", _ADDON, status=204),
    _go("token", "A6", "api", "POST", f"{_ADDON}/token", {"addon": {"token": "string"}}),
    _go(
        "token by the id of the app",
        "A6",
        "api",
        "POST",
        "/v1/apps/$app_id/addons/$addon/token",
        {"addon": {"token": "string"}},
    ),
    _go("providers", "A9", "api", "GET", "/v1/addon_providers", {"addon_providers": ListOf(_G_PROVIDER, 8)}),
    _go(
        "providers without a bearer",
        "A9",
        "api",
        "GET",
        "/v1/addon_providers",
        {"addon_providers": ListOf(_G_PROVIDER)},
        bearer=False,
    ),
    _go("plans", "A10", "api", "GET", "/v1/addon_providers/mysql/plans?show_all=false", {"plans": ListOf(_G_PLAN, 2)}),
    _go(
        "plans without a bearer",
        "A10",
        "api",
        "GET",
        "/v1/addon_providers/postgresql-ng/plans?show_all=true",
        {"plans": ListOf(_G_PLAN)},
        bearer=False,
    ),
    _go(
        "variables",
        "A11",
        "api",
        "GET",
        f"{_APP}/variables?aliases=true",
        {"variables": ListOf({"id": "string", "name": "string", "value": "string"})},
    ),
    _go(
        "variables without aliases",
        "A11",
        "api",
        "GET",
        f"{_APP}/variables?aliases=false",
        {"variables": ListOf({"id": "string", "name": "string", "value": "string"})},
    ),
    _go(
        "operation of the app",
        "A13",
        "api",
        "GET",
        f"{_APP}/operations/$app_operation",
        {"operation": _G_OPERATION},
        needs=("app_operation",),
    ),
    _go(
        "events",
        "A14",
        "api",
        "GET",
        f"{_APP}/events?page=1&per_page=20",
        {"events": ListOf(_G_EVENT), "meta": {"pagination": _G_PAGINATION}},
        needs=("addon_events",),
    ),
    # dedicated databases
    _go(
        "dedicated databases",
        "DR2",
        "api",
        "GET",
        "/v1/databases",
        {"databases": ListOf(_G_DEDICATED)},
        engine="postgresql-ng",
    ),
    _go(
        "create a dedicated database",
        "DR1",
        "api",
        "POST",
        "/v1/databases",
        {"database": _G_DEDICATED},
        status=201,
        body={"addon_provider_id": "postgresql-ng", "plan_id": "$dedicated_plan", "name": "new-database"},
        gives={"database.name": "new-database", "database.technology": "postgresql-ng"},
    ),
    _go(
        "create a dedicated database with an address range",
        "DR1",
        "api",
        "POST",
        "/v1/databases",
        {"database": _G_DEDICATED},
        status=201,
        body={
            "addon_provider_id": "postgresql-ng",
            "plan_id": "$dedicated_plan",
            "name": "new-database",
            "project_id": "$project",
            "ip_range": "10.20.0.0/16",
        },
    ),
    _go(
        "rename a dedicated database",
        "apps-rename",
        "api",
        "POST",
        "/v1/apps/$dedicated/rename",
        {"app": _G_APP},
        body={"current_name": "$dedicated", "new_name": "renamed-database"},
        engine="postgresql-ng",
        gives={"app.name": "renamed-database"},
    ),
    _go(
        "move a dedicated database",
        "apps-update",
        "api",
        "PUT",
        "/v1/apps/$dedicated_id",
        {"app": _G_APP},
        body={"project_id": "$project"},
        engine="postgresql-ng",
    ),
    _go(
        "delete a dedicated database",
        "apps-delete",
        "api",
        "DELETE",
        "/v1/apps/$dedicated?current_name=$dedicated",
        status=204,
        engine="postgresql-ng",
    ),
    _go(
        "endpoints",
        "DR4",
        "api",
        "GET",
        "/v1/databases/$dedicated_id/endpoints",
        {
            "endpoints": ListOf(
                {"id": "string", "database_id": "string", "hostname": "string", "port": "int", "type": "string"}
            )
        },
        engine="postgresql-ng",
    ),
    _go(
        "peerings",
        "DR5",
        "api",
        "GET",
        "/v1/databases/$dedicated_id/net_peerings",
        {"net_peerings": ListOf(_G_PEERING)},
        engine="postgresql-ng",
        needs=("peering",),
    ),
    _go(
        "create a peering",
        "DR6",
        "api",
        "POST",
        "/v1/databases/$dedicated_id/net_peerings",
        {"net_peering": _G_PEERING},
        status=201,
        body={"outscale_net_peering_id": "pcx-12345678"},
        engine="postgresql-ng",
    ),
    _go(
        "peering",
        "DR7",
        "api",
        "GET",
        "/v1/databases/$dedicated_id/net_peerings/$peering",
        {"net_peering": _G_PEERING},
        engine="postgresql-ng",
        needs=("peering",),
    ),
    _go(
        "delete a peering",
        "DR8",
        "api",
        "DELETE",
        "/v1/databases/$dedicated_id/net_peerings/$peering",
        status=204,
        engine="postgresql-ng",
        needs=("peering",),
    ),
    _go(
        "network configuration",
        "DR9",
        "api",
        "GET",
        "/v1/databases/$dedicated_id/network_configuration",
        {"network_configuration": {"outscale_account_id": "string", "outscale_net_id": "string", "ip_range": "string"}},
        engine="postgresql-ng",
    ),
    # database API
    *(
        _go(
            f"database {engine}",
            "D1",
            "db",
            "GET",
            _DB,
            {"database": _G_DATABASE},
            engine=engine,
            gives={"database.status": "running"},
        )
        for engine in (
            "postgresql",
            "mysql",
            "mongodb",
            "redis",
            "influxdb",
            "elasticsearch",
            "opensearch",
            "postgresql-ng",
        )
    ),
    _go(
        "hour",
        "D2",
        "db",
        "PATCH",
        _DB,
        {"database": _G_DATABASE},
        body={"database": {"periodic_backups_scheduled_at": 3}},
        gives={"database.periodic_backups_scheduled_at": [3]},
    ),
    _go(
        "hour and switch",
        "D2",
        "db",
        "PATCH",
        _DB,
        {"database": _G_DATABASE},
        body={"database": {"periodic_backups_scheduled_at": 0, "periodic_backups_enabled": True}},
        gives={"database.periodic_backups_scheduled_at": [0], "database.periodic_backups_enabled": True},
    ),
    _go(
        "backups off",
        "D2",
        "db",
        "PATCH",
        _DB,
        {"database": _G_DATABASE},
        body={"database": {"periodic_backups_enabled": False}},
        gives={"database.periodic_backups_enabled": False},
    ),
    _go(
        "window",
        "D2",
        "db",
        "PATCH",
        _DB,
        {"database": _G_DATABASE},
        body={"database": {"maintenance_window": {"weekday_utc": 0, "starting_hour_utc": 23}}},
        gives={"database.maintenance_window.weekday_utc": 0, "database.maintenance_window.starting_hour_utc": 23},
    ),
    _go(
        "weekday alone",
        "D2",
        "db",
        "PATCH",
        _DB,
        {"database": _G_DATABASE},
        body={"database": {"maintenance_window": {"weekday_utc": 6}}},
        gives={"database.maintenance_window.weekday_utc": 6},
    ),
    _go(
        "enable feature",
        "D6",
        "db",
        "POST",
        f"{_DB}/features",
        {"name": "string", "status": "string", "message": "string"},
        body={"feature": {"name": "force-ssl", "status": ""}},
        gives={"name": "force-ssl"},
    ),
    _go(
        "disable feature",
        "D7",
        "db",
        "DELETE",
        f"{_DB}/features?feature=force-ssl",
        {"message": "string"},
        needs=("feature",),
    ),
    _go("users", "U1", "db", "GET", f"{_DB}/users", {"database-users": ListOf(_G_USER)}, engine="postgresql"),
    _go(
        "create user",
        "U2",
        "db",
        "POST",
        f"{_DB}/users",
        {"database_user": {**_G_USER, "password": "string"}},
        status=201,
        body={"database_user": {"database_id": "$addon", "name": "report_reader", "read_only": True, **_NEW_PASSWORD}},
        engine="postgresql",
        gives={
            "database_user.name": "report_reader",
            "database_user.read_only": True,
            "database_user.protected": False,
        },
    ),
    _go(
        "create user without a password",
        "U2",
        "db",
        "POST",
        f"{_DB}/users",
        {"database_user": {**_G_USER, "password": "string"}},
        status=201,
        body={"database_user": {"database_id": "$addon", "name": "report_reader", "read_only": False}},
        engine="postgresql",
    ),
    _go(
        "change password",
        "U3",
        "db",
        "PATCH",
        f"{_DB}/users/$user",
        {"database_user": _G_USER},
        body={"database_user": {"database_id": "$addon", **_NEW_PASSWORD}},
        engine="postgresql",
        needs=("user",),
        gives={"database_user.name": "$user"},
    ),
    _go(
        "reset password",
        "U4",
        "db",
        "POST",
        f"{_DB}/users/$user/reset_password",
        {"database_user": {**_G_USER, "password": "string"}},
        engine="postgresql",
        needs=("user",),
        gives={"database_user.name": "$user"},
    ),
    _go("delete user", "U5", "db", "DELETE", f"{_DB}/users/$user", status=204, engine="postgresql", needs=("user",)),
    _go(
        "restore to a point in time",
        "D4",
        "db",
        "POST",
        f"{_DB}/pitr/restore",
        {"operation": _G_OPERATION},
        status=201,
        body={"restore_time": "$recoverable"},
        engine="postgresql",
        needs=("recovery_window",),
    ),
    _go(
        "recovery window",
        "D5",
        "db",
        "GET",
        f"{_DB}/pitr/recovery_window",
        {"recovery_window": {"earliest_recoverable_at": OrNull("time"), "latest_recoverable_at": OrNull("time")}},
        engine="postgresql",
    ),
    _go("backups", "B1", "db", "GET", f"{_DB}/backups", {"database_backups": ListOf(_G_BACKUP)}, needs=("backup",)),
    _go(
        "create backup",
        "B2",
        "db",
        "POST",
        f"{_DB}/backups",
        {"database_backup": _G_BACKUP},
        status=201,
        gives={"database_backup.method": "manual"},
    ),
    _go(
        "backup",
        "B3",
        "db",
        "GET",
        "/api/backups/$backup",
        {"database_backup": _G_BACKUP},
        needs=("backup",),
        gives={"database_backup.status": "done", "database_backup.id": "$backup"},
    ),
    _go(
        "link of a backup",
        "B4",
        "db",
        "GET",
        f"{_DB}/backups/$backup/archive",
        {"download_url": "string"},
        needs=("backup",),
    ),
    _go(
        "maintenance list",
        "M1",
        "db",
        "GET",
        f"{_DB}/maintenance?page=1&per_page=20",
        {"maintenance": ListOf(_G_MAINTENANCE, 2), "meta": {"pagination": _G_PAGINATION}},
        gives={"meta.pagination.current_page": 1},
    ),
    _go(
        "maintenance page",
        "M1",
        "db",
        "GET",
        f"{_DB}/maintenance?page=2&per_page=1",
        {"maintenance": ListOf(_G_MAINTENANCE, 1), "meta": {"pagination": _G_PAGINATION}},
        gives={"meta.pagination.current_page": 2, "meta.pagination.prev_page": 1},
    ),
    _go(
        "maintenance",
        "M2",
        "db",
        "GET",
        f"{_DB}/maintenance/$maintenance",
        _G_MAINTENANCE,
        gives={"id": "$maintenance"},
    ),
    _go(
        "version",
        "T3",
        "db",
        "GET",
        "/api/database_type_versions/$next_version",
        {"database_type_version": _G_VERSION},
        gives={"database_type_version.id": "$next_version"},
    ),
    _go("link of the logs", "L1", "db", "GET", f"{_DB}/logs", {"url": "string"}),
    _go(
        "archives of the logs",
        "L2",
        "db",
        "GET",
        f"{_DB}/logs_archives?page=1",
        {
            "archives": ListOf({"url": "string", "from": "string", "to": "string", "size": "int"}, 0),
            "has_more": "bool",
            "next_cursor": Optional(OrNull("string")),
        },
    ),
    _go(
        "firewall rules",
        "F1",
        "db",
        "GET",
        f"{_DB}/firewall_rules",
        {"rules": ListOf(_G_RULE)},
        engine="postgresql-ng",
        needs=("rule",),
    ),
    _go(
        "create a rule",
        "F2",
        "db",
        "POST",
        f"{_DB}/firewall_rules",
        {"rule": _G_RULE},
        status=201,
        body={"type": "custom_range", "cidr": "203.0.113.7/32", "label": "office"},
        engine="postgresql-ng",
        gives={"rule.cidr": "203.0.113.7/32", "rule.label": "office"},
    ),
    _go(
        "create a rule without a label",
        "F2",
        "db",
        "POST",
        f"{_DB}/firewall_rules",
        {"rule": _G_RULE},
        status=201,
        body={"type": "custom_range", "cidr": "203.0.113.8/32"},
        engine="postgresql-ng",
    ),
    _go(
        "create a rule of a managed range",
        "F2",
        "db",
        "POST",
        f"{_DB}/firewall_rules",
        {"rule": _G_RULE},
        status=201,
        body={"type": "managed_range", "range_id": "$range"},
        engine="postgresql-ng",
        gives={"rule.range_id": "$range"},
    ),
    _go(
        "delete a rule",
        "F3",
        "db",
        "DELETE",
        f"{_DB}/firewall_rules/$rule",
        status=204,
        engine="postgresql-ng",
        needs=("rule",),
    ),
    _go(
        "managed ranges",
        "F5",
        "db",
        "GET",
        "/api/firewall/managed_ranges",
        {"ranges": ListOf({"id": "string", "name": "string"})},
        engine="postgresql-ng",
    ),
)


# what the JavaScript client's types declare

_J_NUMBER_OR_NOTHING = Optional(OrNull("number"))
_J_DATABASE = {
    **_G_DATABASE,
    "instances": ListOf({**_G_INSTANCE, "private_ip": "string"}),
    "first_pitr_backup": OrNull("time"),
    "flags": ListOf("string", 0),
    "postgresql_config": Optional({"timescaledb_enabled": "bool"}),
}
_J_PLAN = {
    "id": "string",
    "name": "string",
    "backup": "bool",
    "disk": "number",
    "memory": "number",
    "manual_backups_count": _J_NUMBER_OR_NOTHING,
    "daily_scheduled_backups": _J_NUMBER_OR_NOTHING,
    "weekly_scheduled_backups": _J_NUMBER_OR_NOTHING,
    "monthly_scheduled_backups": _J_NUMBER_OR_NOTHING,
    "pitr_backup_days": _J_NUMBER_OR_NOTHING,
    "gateway_nodes": _J_NUMBER_OR_NOTHING,
}
_J_OPERATION = {
    "id": "string",
    "type": "string",
    "status": "string",
    "created_at": "time",
    "finished_at": OrNull("time"),
    "error": OrNull("string"),
}
_J_TYPE = {
    "id": "string",
    "name": "string",
    "logo_url": "string",
    "short_description": "string",
    "description": "string",
    "created_at": "time",
    "updated_at": "time",
}
# next_upgrade and allowed_plugins are declared otherwise than Go reads them (section 6, rows 32 and 33); nothing uses them.
_J_VERSION = {**_G_VERSION_FIELDS, "next_upgrade": "anything", "allowed_plugins": "anything"}
_J_RULE = {
    "id": "string",
    "type": "string",
    "cidr": Optional(OrNull("string")),
    "range_id": Optional(OrNull("string")),
    "label": Optional(OrNull("string")),
    "created_at": Optional("time"),
    "updated_at": Optional("time"),
}
_J_METRICS = {
    "cpu_usage": "number",
    "memory": MapOf("number"),
    "real_disk_size": "number",
    "database_stats": MapOf("anything"),
    "instances_metrics": "anything",
}
_J_RESTORATION = {
    "id": "string",
    "created_at": "time",
    "started_at": OrNull("time"),
    "ended_at": OrNull("time"),
    "method": "string",
    "status": "string",
    "database_id": "string",
    "source_backup_id": "string",
}
_J_STATUS = {
    "id": "string",
    "type": "string",
    "status": "string",
    "role": Optional("string"),
    "dbms_status": Optional(OrNull("string")),
}
_J_ARCHIVES = {
    "archives": ListOf({"url": "string", "size": "number", "from": "string", "to": "string"}, 0),
    "next_cursor": "string",
    "has_more": "bool",
}
_J_USER = {
    "name": "string",
    "read_only": "bool",
    "protected": "bool",
    "password": Optional("string"),
    "dbms_attributes": Optional({"password_encryption": "string", "anonymizer_enabled": Optional("bool")}),
}
_J_ADDON = {**_G_ADDON, "hds_resource": "bool", "updated_at": "time"}
_J_APP = {**_G_APP, "uuid": "string"}


def _js(name: str, route: str, host: str, method: str, path: str, reads: Any = None, **more: Any) -> Call:
    return Call(JAVASCRIPT, name, route, host, method, path, reads, **more)


def _action(name: str, params: Any, result: Any, engine: str, **more: Any) -> Call:
    return _js(
        f"action {name} {engine}" + ("" if params else " with nothing"),
        "D8",
        "dashboard",
        "POST",
        f"{_DB}/action",
        {"ok": "int", "result": result},
        body={"action_name": name, "params": params},
        engine=engine,
        gives={"ok": 1, **more.pop("gives", {})},
        **more,
    )


_LOGICAL = ListOf({"name": "string", "protected": "bool"})

JAVASCRIPT_CALLS = (
    _js("exchange", "exchange", "auth", "POST", "/v1/tokens/exchange", {"token": "string"}, body={}, bearer=False),
    _js(
        "user",
        "A15",
        "auth",
        "GET",
        "/v1/users/self",
        {"user": {"id": "string", "email": "string", "username": "string", "fullname": "string"}},
    ),
    _js("regions", "regions", "auth", "GET", "/v1/regions", {"regions": ListOf(_G_REGION, 2)}),
    _js("apps", "apps", "api", "GET", "/v1/apps", {"apps": ListOf(_J_APP, 2)}),
    _js("app", "A12", "api", "GET", _APP, {"app": _J_APP}),
    _js("addons", "A1", "api", "GET", f"{_APP}/addons", {"addons": ListOf(_J_ADDON, 2)}),
    _js("addon", "A2", "api", "GET", _ADDON, {"addon": _J_ADDON}),
    _js(
        "provision",
        "A3",
        "api",
        "POST",
        f"{_APP}/addons",
        {"addon": _J_ADDON},
        status=201,
        body={"addon": {"addon_provider_id": "redis", "plan_id": "$redis_plan"}},
    ),
    _js("change plan", "A4", "api", "PATCH", _ADDON, {"addon": _J_ADDON}, body={"addon": {"plan_id": "$other_plan"}}),
    _js(
        "resume",
        "A8",
        "api",
        "POST",
        f"{_ADDON}/resume",
        {"addon": _J_ADDON, "message": "string"},
        needs=("suspended",),
    ),
    _js("sign-on", "A7", "api", "GET", f"{_ADDON}/sso", {"addon": {"id": "string", "sso_url": "string"}}),
    _js("destroy", "A5", "api", "DELETE", _ADDON, status=204),
    _js("providers", "A9", "api", "GET", "/v1/addon_providers", {"addon_providers": ListOf(_G_PROVIDER)}, bearer=False),
    _js(
        "dedicated providers",
        "A9",
        "api",
        "GET",
        "/v1/addon_providers?category_id=$category&dedicated=true",
        {"addon_providers": ListOf(_G_PROVIDER)},
    ),
    _js(
        "categories",
        "categories",
        "api",
        "GET",
        "/v1/addon_categories",
        {"addon_categories": ListOf({"id": "string", "description": "string", "name": "string"})},
        bearer=False,
    ),
    _js(
        "variables",
        "A11",
        "api",
        "GET",
        f"{_APP}/variables",
        {"variables": ListOf({"id": "string", "name": "string", "value": "string"})},
    ),
    _js("dedicated databases", "DR2", "api", "GET", "/v1/databases", {"databases": ListOf({**_G_DEDICATED})}),
    _js(
        "dashboard",
        "DR2",
        "api",
        "GET",
        "/v1/databases?dashboard=true",
        {
            "databases": ListOf(
                {
                    "app": {"id": "string", "name": "string", "region": "string", "status": "string"},
                    "addon": {
                        "id": "string",
                        "app_id": "string",
                        "resource_id": "string",
                        "addon_provider": {"id": "string", "name": "string", "logo_url": "string"},
                        "status": "string",
                    },
                    "database": _G_DEDICATED,
                }
            )
        },
    ),
    _js(
        "create a dedicated database",
        "DR1",
        "api",
        "POST",
        "/v1/databases",
        {"database": _G_DEDICATED},
        status=201,
        body={
            "database": {
                "name": "new-database",
                "technology": "postgresql-ng",
                "plan": "$dedicated_plan_name",
                "hds_resource": False,
                "post_provisioning_configuration": {"regional_network_access": True, "app_ids": ["$app_id"]},
            }
        },
    ),
    *(
        _js(f"database {engine}", "D1", "dashboard", "GET", _DB, {"database": _J_DATABASE}, engine=engine)
        for engine in (
            "postgresql",
            "mysql",
            "mongodb",
            "redis",
            "influxdb",
            "elasticsearch",
            "opensearch",
            "postgresql-ng",
        )
    ),
    _js(
        "update",
        "D2",
        "dashboard",
        "PATCH",
        _DB,
        {"database": _J_DATABASE},
        body={
            "database": {
                "periodic_backups_enabled": True,
                "periodic_backups_scheduled_at": [3],
                "maintenance_window": {"weekday_utc": 0, "starting_hour_utc": 3},
            }
        },
        gives={"database.periodic_backups_scheduled_at": [3], "database.maintenance_window.weekday_utc": 0},
    ),
    _js("plan", "D11", "dashboard", "GET", f"{_DB}/plan", {"plan": _J_PLAN}),
    _js(
        "plan by name",
        "D12",
        "dashboard",
        "GET",
        "/api/plans/$plan_name?type=mysql",
        {"plan": _J_PLAN},
        gives={"plan.name": "$plan_name"},
    ),
    _js("metrics", "S1", "dashboard", "GET", f"{_DB}/metrics", _J_METRICS),
    *(
        _js(
            f"metrics {kind}",
            "S2",
            "dashboard",
            "GET",
            f"{_DB}/metrics/{kind}?since=3&last=true",
            MapOf(ListOf(MapOf("anything"))),
        )
        for kind in ("cpu", "memory", "swap", "disk", "diskio")
    ),
    *(
        _js(
            f"metrics {kind} of an instance",
            "S3",
            "dashboard",
            "GET",
            f"{_DB}/instances/$instance/metrics/{kind}?since=3&last=true",
            MapOf(ListOf(MapOf("anything"))),
        )
        for kind in ("cpu", "memory", "swap", "disk", "diskio")
    ),
    _js("health", "S4", "dashboard", "GET", f"{_DB}/health", {"status": "string"}, engine="elasticsearch"),
    _js("status of the instances", "S5", "dashboard", "GET", f"{_DB}/instances_status", ListOf(_J_STATUS)),
    _js("lag", "D14", "dashboard", "GET", f"{_DB}/lag", MapOf("anything")),
    _js("link of the logs", "L1", "dashboard", "GET", f"{_DB}/logs", {"url": "string"}),
    _js("archives of the logs", "L2", "dashboard", "GET", f"{_DB}/logs_archives", _J_ARCHIVES),
    _js("types", "T1", "dashboard", "GET", "/api/database_types", {"database_types": ListOf(_J_TYPE)}),
    _js(
        "type",
        "T2",
        "dashboard",
        "GET",
        "/api/database_types/$type",
        {"database_type": _J_TYPE},
        gives={"database_type.id": "$type"},
    ),
    _js(
        "version",
        "T3",
        "dashboard",
        "GET",
        "/api/database_type_versions/$next_version",
        {"database_type_version": _J_VERSION},
    ),
    _js("ping", "D13", "dashboard", "POST", f"{_DB}/ping", MapOf("anything"), body={}),
    _js(
        "upgrade",
        "D3",
        "dashboard",
        "POST",
        f"{_DB}/upgrade",
        {"operation_id": "string", "message": "string"},
        status=202,
        body={},
        answer_headers=("location",),
    ),
    _js(
        "operation",
        "D9",
        "dashboard",
        "GET",
        f"{_DB}/operations/$operation",
        {"operation": _J_OPERATION},
        needs=("operation",),
        gives={"operation.id": "$operation", "operation.type": "upgrade"},
    ),
    _js(
        "restore to a point in time",
        "D4",
        "dashboard",
        "POST",
        f"{_DB}/pitr/restore",
        {"operation": _J_OPERATION},
        status=201,
        body={"restore_time": "$recoverable"},
        engine="postgresql",
        needs=("recovery_window",),
    ),
    _action("list-databases", {}, _LOGICAL, "mysql"),
    _action("list-databases", {}, _LOGICAL, "mongodb"),
    _action(
        "create-database",
        {"database_name": "reports"},
        {"name": "string", "protected": "bool"},
        "mysql",
        gives={"result.name": "reports", "result.protected": False},
    ),
    _action("delete-database", {"database_name": "archive"}, "null", "mysql"),
    _action("reset-database", {"database_name": "archive"}, "null", "mysql"),
    _action("get-sqlmode", {}, "string", "mysql"),
    _action("set-sqlmode", "", "null", "mysql"),
    _action("set-sqlmode", "NO_ZERO_DATE,ANSI_QUOTES", "null", "mysql"),
    _action(
        "list-retention-policies", {}, ListOf({"name": "string", "duration": "string", "default": "bool"}), "influxdb"
    ),
    _action("add-retention-policy", {"name": "month", "duration": "30d", "default": False}, "null", "influxdb"),
    _action("del-retention-policy", {"name": "week"}, "null", "influxdb"),
    _action("list-extensions", {}, ListOf({"name": "string", "version": "string"}), "postgresql"),
    _action(
        "pg-list-queries",
        {},
        OrNull(
            ListOf(
                {
                    "pid": "int",
                    "query": "string",
                    "state": "string",
                    "username": "string",
                    "query_start": "time",
                    "query_duration": "int",
                },
                0,
            )
        ),
        "postgresql",
    ),
    _action("pg-stat-statements-enable", {}, "null", "postgresql"),
    _js(
        "maintenance list",
        "M1",
        "dashboard",
        "GET",
        f"{_DB}/maintenance?page=1&per_page=20",
        {"maintenance": ListOf(_G_MAINTENANCE, 2), "meta": MapOf("anything")},
    ),
    _js(
        "maintenance list without a page",
        "M1",
        "dashboard",
        "GET",
        f"{_DB}/maintenance",
        {"maintenance": ListOf(_G_MAINTENANCE, 2), "meta": MapOf("anything")},
    ),
    _js("maintenance", "M2", "dashboard", "GET", f"{_DB}/maintenance/$maintenance", _G_MAINTENANCE),
    _js(
        "backups",
        "B1",
        "dashboard",
        "GET",
        f"{_DB}/backups",
        {"database_backups": ListOf(_G_BACKUP)},
        needs=("backup",),
    ),
    _js(
        "create backup",
        "B2",
        "dashboard",
        "POST",
        f"{_DB}/backups",
        {"database_backup": _G_BACKUP},
        status=201,
        body={},
    ),
    _js(
        "backup",
        "B3'",
        "dashboard",
        "GET",
        f"{_DB}/backups/$backup",
        {"database_backup": {**_G_BACKUP, "size": "number"}},
        needs=("backup",),
    ),
    _js(
        "link of a backup",
        "B4",
        "dashboard",
        "GET",
        f"{_DB}/backups/$backup/archive",
        {"download_url": "string"},
        needs=("backup",),
    ),
    _js(
        "restore a backup",
        "B6",
        "dashboard",
        "POST",
        f"{_DB}/backups/$backup/restore",
        _J_RESTORATION,
        status=201,
        body={},
        needs=("backup",),
    ),
    _js(
        "restoration",
        "B7",
        "dashboard",
        "GET",
        f"{_DB}/backup_restorations/$restoration",
        {"backup_restoration": _J_RESTORATION},
        needs=("backup", "restoration"),
    ),
    _js("users", "U1", "dashboard", "GET", f"{_DB}/users", {"database-users": ListOf(_J_USER)}, engine="postgresql"),
    _js(
        "create user",
        "U2",
        "dashboard",
        "POST",
        f"{_DB}/users",
        {"database_user": {**_J_USER, "password": "string"}},
        status=201,
        body={
            "database_user": {
                "database_id": "$addon",
                "name": "report_reader",
                "read_only": True,
                "password": None,
                "password_confirmation": None,
            }
        },
        engine="postgresql",
    ),
    _js(
        "reset password",
        "U4",
        "dashboard",
        "POST",
        f"{_DB}/users/$user/reset_password",
        {"database_user": {**_J_USER, "password": "string"}},
        engine="postgresql",
        needs=("user",),
    ),
    _js(
        "delete user",
        "U5",
        "dashboard",
        "DELETE",
        f"{_DB}/users/$user",
        status=204,
        engine="postgresql",
        needs=("user",),
    ),
    _js(
        "enable feature",
        "D6",
        "dashboard",
        "POST",
        f"{_DB}/features",
        {"name": "string", "status": "string"},
        body={"feature": {"name": "force-ssl"}},
    ),
    _js(
        "disable feature",
        "D7",
        "dashboard",
        "DELETE",
        f"{_DB}/features?feature=force-ssl",
        {"message": "string"},
        needs=("feature",),
    ),
    _js(
        "firewall rules",
        "F1",
        "dashboard",
        "GET",
        f"{_DB}/firewall_rules",
        {"rules": ListOf(_J_RULE)},
        engine="postgresql-ng",
        needs=("rule",),
    ),
    _js(
        "create a rule",
        "F2",
        "dashboard",
        "POST",
        f"{_DB}/firewall_rules",
        {"rule": _J_RULE},
        status=201,
        body={"firewall_rule": {"type": "custom_range", "cidr": "203.0.113.7/32", "label": "office"}},
        engine="postgresql-ng",
    ),
    _js(
        "change a rule",
        "F4",
        "dashboard",
        "PATCH",
        f"{_DB}/firewall_rules/$rule",
        {"rule": _J_RULE},
        body={"firewall_rule": {"label": "home"}},
        engine="postgresql-ng",
        needs=("rule",),
        gives={"rule.label": "home"},
    ),
    _js(
        "delete a rule",
        "F3",
        "dashboard",
        "DELETE",
        f"{_DB}/firewall_rules/$rule",
        status=204,
        engine="postgresql-ng",
        needs=("rule",),
    ),
    _js(
        "managed ranges",
        "F5",
        "dashboard",
        "GET",
        "/api/firewall/managed_ranges",
        {"ranges": ListOf({"id": "string", "name": "string"})},
    ),
)


# The Ruby client takes what stands under the only key of a body; a second key would change what every caller gets.


def _rb(name: str, route: str, host: str, method: str, path: str, reads: Any = None, **more: Any) -> Call:
    return Call(RUBY, name, route, host, method, path, Only(reads) if reads is not None else None, **more)


RUBY_CALLS = (
    _rb("exchange", "exchange", "auth", "POST", "/v1/tokens/exchange", {"token": "string"}, bearer=False),
    _rb("user", "A15", "auth", "GET", "/v1/users/self", {"user": {"id": "string"}}),
    _rb("apps", "apps", "api", "GET", "/v1/apps", {"apps": ListOf({"id": "string", "name": "string"}, 2)}),
    _rb("addons", "A1", "api", "GET", f"{_APP}/addons", {"addons": ListOf({"id": "string"}, 2)}),
    _rb("addon", "A2", "api", "GET", _ADDON, {"addon": {"id": "string"}}),
    Call(
        RUBY,
        "provision",
        "A3",
        "api",
        "POST",
        f"{_APP}/addons",
        {"addon": {"id": "string"}},
        201,
        {"addon": {"addon_provider_id": "redis", "plan_id": "$redis_plan"}},
    ),
    Call(
        RUBY,
        "change plan",
        "A4",
        "api",
        "PUT",
        _ADDON,
        {"addon": {"id": "string"}},
        200,
        {"addon": {"plan_id": "$other_plan"}},
    ),
    _rb("destroy", "A5", "api", "DELETE", _ADDON, status=204),
    _rb("sign-on", "A7", "api", "GET", f"{_ADDON}/sso", {"addon": {"sso_url": "string"}}),
    _rb("token", "A6", "api", "POST", f"{_ADDON}/token", {"addon": {"token": "string"}}),
    _rb(
        "categories",
        "categories",
        "api",
        "GET",
        "/v1/addon_categories",
        {"addon_categories": ListOf({"id": "string"})},
        bearer=False,
    ),
    _rb(
        "providers",
        "A9",
        "api",
        "GET",
        "/v1/addon_providers",
        {"addon_providers": ListOf({"id": "string"})},
        bearer=False,
    ),
    _rb("variables", "A11", "api", "GET", f"{_APP}/variables", {"variables": ListOf({"name": "string"})}),
    _rb("database", "D1", "db", "GET", _DB, {"database": {"id": "string"}}),
    Call(
        RUBY,
        "upgrade",
        "D3",
        "db",
        "POST",
        f"{_DB}/upgrade",
        {"operation_id": "string"},
        202,
        answer_headers=("location",),
    ),
    _rb(
        "backups",
        "B1",
        "db",
        "GET",
        f"{_DB}/backups",
        {"database_backups": ListOf({"id": "string"})},
        needs=("backup",),
    ),
    _rb("create backup", "B2", "db", "POST", f"{_DB}/backups", {"database_backup": {"id": "string"}}, status=201),
    _rb(
        "link of a backup",
        "B4",
        "db",
        "GET",
        f"{_DB}/backups/$backup/archive",
        {"download_url": "string"},
        needs=("backup",),
    ),
)


def _watcher(name: str, route: str, host: str, method: str, path: str, reads: Any = None, **more: Any) -> Call:
    return Call(WATCHER, name, route, host, method, path, reads, **more)


WATCHER_CALLS = (
    _watcher("exchange", "exchange", "auth", "POST", "/v1/tokens/exchange", {"token": "string"}, bearer=False),
    _watcher("app", "A12", "api", "GET", _APP, {"app": {"status": "string", "stack_id": "string"}}),
    _watcher(
        "addons",
        "A1",
        "api",
        "GET",
        f"{_APP}/addons",
        {"addons": ListOf({"id": "string", "addon_provider": {"id": "string", "name": "string"}})},
    ),
    _watcher("token", "A6", "api", "POST", f"{_ADDON}/token", {"addon": {"token": "string"}}),
    _watcher(
        "database",
        "D1",
        "db",
        "GET",
        _DB,
        {"database": {"readable_version": "string", "next_version_id": "string", "status": "string"}},
    ),
    _watcher(
        "latest database",
        "D1",
        "db",
        "GET",
        _DB,
        {"database": {"readable_version": "string", "next_version_id": "null", "status": "string"}},
        engine="opensearch",
    ),
    _watcher(
        "version",
        "T3",
        "db",
        "GET",
        "/api/database_type_versions/$next_version",
        {"database_type_version": {"major": "int", "minor": "int", "patch": "int", "build": "int"}},
    ),
    _watcher(
        "backups",
        "B1",
        "db",
        "GET",
        f"{_DB}/backups",
        {"database_backups": ListOf({"id": "string", "status": "string", "created_at": "time"})},
        needs=("backup",),
    ),
    _watcher("create backup", "B2", "db", "POST", f"{_DB}/backups", {"database_backup": {"id": "string"}}, status=201),
    _watcher(
        "upgrade",
        "D3",
        "db",
        "POST",
        f"{_DB}/upgrade",
        {"operation_id": "string"},
        status=202,
        answer_headers=("location",),
    ),
    _watcher("operation", "D10", "db", "GET", "$location", {"operation": {"status": "string"}}, needs=("operation",)),
)


def _pix(name: str, route: str, host: str, method: str, path: str, reads: Any = None, **more: Any) -> Call:
    return Call(PIX, name, route, host, method, path, reads, engine="postgresql", **more)


def _pix_action(name: str, result: Any) -> Call:
    return _pix(
        f"action {name}",
        "D8",
        "db",
        "POST",
        f"{_DB}/action",
        {"ok": "int", "result": result},
        body={"action_name": name},
        gives={"ok": 1},
    )


PIX_CALLS = (
    _pix("exchange", "exchange", "auth", "POST", "/v1/tokens/exchange", {"token": "string"}, bearer=False),
    _pix(
        "addons",
        "A1",
        "api",
        "GET",
        f"{_APP}/addons",
        {"addons": ListOf({"id": "string", "addon_provider": {"id": "string"}})},
    ),
    _pix("token", "A6", "api", "POST", f"{_ADDON}/token", {"addon": {"token": "string"}}),
    _pix(
        "variables",
        "A11",
        "api",
        "GET",
        f"{_APP}/variables",
        {"variables": ListOf({"name": "string", "value": "string"})},
    ),
    _pix(
        "metrics",
        "S1",
        "db",
        "GET",
        f"{_DB}/metrics",
        {
            "instances_metrics": MapOf({"cpu": {"usage_in_percents": "number"}}),
            "database_stats": {"current_connections": "number", "max_connections": "number"},
        },
    ),
    _pix(
        "disk",
        "S3",
        "db",
        "GET",
        f"{_DB}/instances/$instance/metrics/disk?since=3&last=true",
        {"disk_metrics": ListOf({"disk_used": "number", "disk_total": "number"})},
    ),
    _pix(
        "disk operations",
        "S3",
        "db",
        "GET",
        f"{_DB}/instances/$instance/metrics/diskio?since=3&last=true",
        {"diskio_metrics": ListOf({"diskio_reads": "number", "diskio_writes": "number"})},
    ),
    _pix(
        "status of the instances",
        "S5",
        "db",
        "GET",
        f"{_DB}/instances_status",
        ListOf({"id": "string", "type": "string", "role": "string"}),
    ),
    _pix_action(
        "pg-stat-statements-list",
        OrNull(
            ListOf({"query": "string", "calls": "int", "rows": "int", "total_time": "number", "mean_time": "number"}, 0)
        ),
    ),
    _pix_action(
        "pg-list-queries",
        OrNull(
            ListOf(
                {"query": "string", "state": "string", "username": "string", "pid": "int", "query_duration": "int"}, 0
            )
        ),
    ),
    _pix_action("pg-stat-statements-reset", "null"),
)

CALLS = (*GO_CALLS, *JAVASCRIPT_CALLS, *RUBY_CALLS, *WATCHER_CALLS, *PIX_CALLS)
