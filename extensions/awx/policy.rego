# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# An example of a policy for the automation controller, which asks an Open Policy Agent before it runs a job: a consent is given by a person who may
# give it, never by a schedule or another machine. Name it scalingo/consents in "Policy enforcement" of the job templates, or of the organization.

package scalingo

import rego.v1

# Change these: who may give consents, by team or by user.
teams := {"Database owners"}

users := {"ada"}

# How a person starts a job.
by_hand := {"manual", "relaunch"}

nothing := {null, "", []}

# The consents of a job: variables of roles such as restore_drill_allow, whether they come as a list or as text.
given contains name if {
	some name, value in input.extra_vars
	endswith(name, "_allow")
	not value in nothing
}

# An entry of a list of databases can hold consents too.
given contains name if {
	some name, value in input.extra_vars
	endswith(name, "_databases")
	is_array(value)
	some entry in value
	not object.get(entry, "allow", "") in nothing
}

# The same list as text, such as the answer to a survey.
given contains name if {
	some name, value in input.extra_vars
	endswith(name, "_databases")
	is_string(value)
	regex.match(`\ballow\b`, value)
}

may_consent if input.created_by.username in users

may_consent if {
	some team in input.created_by.teams
	team.name in teams
}

violations contains message if {
	not input.launch_type in by_hand
	some name in given
	message := concat(" ", [name, "is a consent, and no person started this job"])
}

violations contains message if {
	not may_consent
	some name in given
	message := concat(" ", [name, "is a consent, which only those may give whom the policy names"])
}

consents := {"allowed": count(violations) == 0, "violations": sort(violations)}
