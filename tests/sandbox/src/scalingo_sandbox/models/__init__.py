# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The typed models: the single source of the sandbox's schema."""

from __future__ import annotations

from typing import Any, NamedTuple

from scalingo_sandbox.models import actions, auth, base, database, main


class RouteModels(NamedTuple):
    """What a route takes and gives. None: no body."""

    request: Any
    response: Any


ROUTES: dict[str, RouteModels] = {
    # the authentication host
    "exchange": RouteModels(base.Empty, auth.BearerToken),
    "regions": RouteModels(None, auth.RegionsAnswer),
    "A15": RouteModels(None, auth.UserAnswer),
    "tokens": RouteModels(None, auth.TokensAnswer),
    "tokens-create": RouteModels(auth.TokenCreation, auth.TokenAnswer),
    "tokens-show": RouteModels(None, auth.TokenAnswer),
    "tokens-renew": RouteModels(base.Empty, auth.TokenAnswer),
    "tokens-delete": RouteModels(None, None),
    # the main API
    "apps": RouteModels(None, main.AppsAnswer),
    "apps-create": RouteModels(main.AppCreation, main.AppAnswer),
    "apps-update": RouteModels(main.AppUpdate, main.AppAnswer),
    "apps-delete": RouteModels(None, None),
    "apps-rename": RouteModels(main.AppRename, main.AppAnswer),
    "apps-restart": RouteModels(main.AppRestart, None),
    "A1": RouteModels(None, main.AddonsAnswer),
    "A2": RouteModels(None, main.AddonAnswer),
    "A3": RouteModels(main.AddonCreation, main.AddonChangeAnswer),
    "A4": RouteModels(main.AddonPlanChange, main.AddonChangeAnswer),
    "A5": RouteModels(None, None),
    "A6": RouteModels(base.Empty, main.AddonAnswer),
    "A7": RouteModels(base.Empty, main.AddonAnswer),
    "A8": RouteModels(base.Empty, main.AddonChangeAnswer),
    "A9": RouteModels(None, main.AddonProvidersAnswer),
    "categories": RouteModels(None, main.CategoriesAnswer),
    "A10": RouteModels(None, main.PlansAnswer),
    "A11": RouteModels(None, main.VariablesAnswer),
    "variables-create": RouteModels(main.VariableCreation, main.VariableAnswer),
    "variables-update": RouteModels(main.VariablesUpdate, main.VariablesAnswer),
    "variables-change": RouteModels(main.VariableChange, main.VariableAnswer),
    "variables-delete": RouteModels(None, None),
    "A12": RouteModels(None, main.AppAnswer),
    "A13": RouteModels(None, main.AppOperationAnswer),
    "A14": RouteModels(None, main.EventsAnswer),
    "events": RouteModels(None, main.EventsAnswer),
    "DR1": RouteModels(main.DedicatedCreation, main.DedicatedDatabaseAnswer),
    "DR2": RouteModels(None, main.DedicatedDatabasesAnswer),
    "DR3": RouteModels(None, main.DashboardItem),
    "DR4": RouteModels(None, main.EndpointsAnswer),
    "DR5": RouteModels(None, main.NetPeeringsAnswer),
    "DR6": RouteModels(main.NetPeeringCreation, main.NetPeeringAnswer),
    "DR7": RouteModels(None, main.NetPeeringAnswer),
    "DR8": RouteModels(None, None),
    "DR9": RouteModels(None, main.NetworkConfigurationAnswer),
    # the database API
    "D1": RouteModels(None, database.DatabaseAnswer),
    "D2": RouteModels(database.DatabaseUpdate, database.DatabaseAnswer),
    "D3": RouteModels(base.Empty, database.UpgradeAnswer),
    "D4": RouteModels(database.RestorePoint, database.RestoreAnswer),
    "D5": RouteModels(None, database.RecoveryWindowAnswer),
    "D6": RouteModels(database.FeatureActivation, database.FeatureAnswer),
    "D7": RouteModels(None, database.MessageAnswer),
    "D8": RouteModels(actions.Action, actions.ActionAnswer),
    "D9": RouteModels(None, database.OperationAnswer),
    "D10": RouteModels(None, database.OperationAnswer),
    "D11": RouteModels(None, database.DatabasePlanAnswer),
    "D12": RouteModels(None, database.DatabasePlanAnswer),
    "D13": RouteModels(base.Empty, database.PingAnswer),
    "D14": RouteModels(None, database.LagAnswer),
    **dict.fromkeys(("D15", "D16", "D17", "D18"), RouteModels(base.Empty, actions.ActionAnswer)),
    "B1": RouteModels(None, database.BackupsAnswer),
    "B2": RouteModels(base.Empty, database.BackupAnswer),
    "B3": RouteModels(None, database.BackupAnswer),
    "B3'": RouteModels(None, database.BackupAnswer),
    "B4": RouteModels(None, database.DownloadAnswer),
    "B5": RouteModels(None, None),
    "B6": RouteModels(base.Empty, database.Restoration),
    "B7": RouteModels(None, database.RestorationAnswer),
    "U1": RouteModels(None, database.DatabaseUsersAnswer),
    "U2": RouteModels(database.UserCreation, database.DatabaseUserAnswer),
    "U3": RouteModels(database.PasswordChange, database.DatabaseUserAnswer),
    "U4": RouteModels(base.Empty, database.DatabaseUserAnswer),
    "U5": RouteModels(None, None),
    "M1": RouteModels(None, database.MaintenancesAnswer),
    "M2": RouteModels(None, database.MaintenanceAnswer),
    "T1": RouteModels(None, database.DatabaseTypesAnswer),
    "T2": RouteModels(None, database.DatabaseTypeAnswer),
    "T4": RouteModels(None, database.DatabaseTypeVersionsAnswer),
    "T3": RouteModels(None, database.DatabaseTypeVersionAnswer),
    "L1": RouteModels(None, database.LogsAnswer),
    "L2": RouteModels(None, database.LogArchivesAnswer),
    "S1": RouteModels(None, database.MetricsAnswer),
    "S2": RouteModels(None, database.SeriesAnswer),
    "S3": RouteModels(None, database.SeriesAnswer),
    "S4": RouteModels(None, database.HealthAnswer),
    "S5": RouteModels(None, database.InstancesStatusAnswer),
    "F1": RouteModels(None, database.FirewallRulesAnswer),
    "F2": RouteModels(database.FirewallCreation, database.FirewallRuleAnswer),
    "F3": RouteModels(None, None),
    "F4": RouteModels(database.FirewallChange, database.FirewallRuleAnswer),
    "F5": RouteModels(None, database.ManagedRangesAnswer),
    "C1": RouteModels(None, None),
    # files and logs
    "log-lines": RouteModels(None, None),
    "log-archive": RouteModels(None, None),
}

__all__ = ["ROUTES", "RouteModels", "actions", "auth", "base", "database", "main"]
