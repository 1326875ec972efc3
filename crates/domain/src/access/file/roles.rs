//! `[roles]` and `[[role_rules]]`.

use super::lines::{Faults, listed};
use super::metadata;
use super::section::{At, Section};
use crate::ClerkId;
use crate::access::names::{LONGEST_NAME, Role, is_name};
use crate::access::rules::RoleRule;

/// More than anybody tells apart.
const MOST_ROLES: usize = 100;
/// What a rule looks at: each has exactly one of these.
const SUBJECTS: &str = "public_metadata, organization_role or plan";

/// The roles that there are.
pub(super) struct RoleSet {
    pub(super) all: Vec<Role>,
    pub(super) default: Role,
    pub(super) admin: Role,
}

impl RoleSet {
    /// The role of this name; a fault when there is none.
    pub(super) fn named(&self, name: At<&str>, faults: &mut Faults<'_>) -> Option<Role> {
        let found = self.all.iter().find(|role| role.as_str() == name.value);
        if found.is_none() {
            let known = listed(self.all.iter().map(Role::as_str));
            faults.add(
                name.at,
                format!(
                    "`{}` is no role of this file: use one of {known}, or add it to `names` of [roles]",
                    name.value
                ),
            );
        }
        found.cloned()
    }
}

pub(super) fn set(root: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<RoleSet> {
    let why = "write [roles] with names, default and admin";
    let mut section = root.required("roles", why, Section::section, faults)?;
    let why = "list every role there is";
    let names = section.required("names", why, Section::texts, faults);
    let at = section.at();
    let why = "name the role of whoever no rule gives more";
    let default = section.required("default", why, Section::text, faults);
    let why = "name the role that passes every role guard";
    let admin = section.required("admin", why, Section::text, faults);
    section.finish(faults);
    let all = names_of("role", names?, faults)
        .into_iter()
        .map(Role::from_store)
        .collect::<Vec<_>>();
    if all.len() > MOST_ROLES {
        faults.add(at, format!("there are more than {MOST_ROLES} roles"));
    }
    let Some(first) = all.first().cloned() else {
        faults.add(at, "`names` of [roles] is empty: list every role there is");
        return None;
    };
    let mut roles = RoleSet {
        default: first.clone(),
        admin: first,
        all,
    };
    let default_role = default.and_then(|name| roles.named(name, faults));
    let admin_role = admin.and_then(|name| roles.named(name, faults));
    if let (Some(default_role), Some(admin_role)) = (default_role, admin_role) {
        if default_role == admin_role {
            faults.add(
                admin.map_or(at, |name| name.at),
                "the default role and the admin role are the same: everybody would be admin",
            );
        }
        roles.default = default_role;
        roles.admin = admin_role;
    }
    Some(roles)
}

/// Texts that can be names and differ; a fault for every other.
pub(super) fn names_of<'t>(
    what: &str,
    texts: Vec<At<&'t str>>,
    faults: &mut Faults<'_>,
) -> Vec<&'t str> {
    let mut names: Vec<&str> = Vec::new();
    for text in texts {
        if is_new_name(what, text, &names, faults) {
            names.push(text.value);
        }
    }
    names
}

/// Whether a text can be a name, and is not among those before it; else a fault.
pub(super) fn is_new_name(
    what: &str,
    text: At<&str>,
    before: &[&str],
    faults: &mut Faults<'_>,
) -> bool {
    let name = text.value;
    if !is_name(name) {
        faults.add(
            text.at,
            format!(
                "{name:?} cannot name a {what}: use lower-case letters, digits, `_` and `-`, beginning with a letter, \
                 at most {LONGEST_NAME}"
            ),
        );
        return false;
    }
    if before.contains(&name) {
        faults.add(text.at, format!("the {what} `{name}` is named twice"));
        return false;
    }
    true
}

pub(super) fn rules(
    root: &mut Section<'_, '_>,
    roles: Option<&RoleSet>,
    faults: &mut Faults<'_>,
) -> Vec<RoleRule> {
    let mut rules: Vec<RoleRule> = Vec::new();
    for mut section in root.sections("role_rules", "role rule", faults) {
        let rule = rule(&mut section, roles, faults);
        section.finish(faults);
        let Some(rule) = rule else { continue };
        if let Some(before) = rules.iter().position(|other| asks_the_same(other, &rule)) {
            let (this, first) = (section.name(), before + 1);
            let message =
                format!("{this} is never reached: role rule {first} asks the same; keep one");
            faults.add(section.at(), message);
        }
        rules.push(rule);
        if rules.len() == usize::from(u16::MAX) {
            faults.add(section.at(), "there are too many role rules");
            break;
        }
    }
    rules
}

fn rule(
    section: &mut Section<'_, '_>,
    roles: Option<&RoleSet>,
    faults: &mut Faults<'_>,
) -> Option<RoleRule> {
    let subjects = ["public_metadata", "organization_role", "plan"];
    let named = subjects.map(|key| section.value(key).is_some());
    match named {
        [true, false, false] => {
            let known = |name: At<&str>, faults: &mut Faults<'_>| roles?.named(name, faults);
            let all = roles.map(|roles| roles.all.as_slice()).unwrap_or_default();
            metadata::rule(section, all, Role::as_str, known, faults).map(RoleRule::Metadata)
        }
        [false, true, false] => organization(section, roles, faults),
        [false, false, true] => plan(section, roles, faults),
        _ => {
            let name = section.name().to_owned();
            faults.add(
                section.at(),
                format!("{name} must look at one thing: give it one of {SUBJECTS}"),
            );
            // What the kinds have besides is not unknown.
            for key in ["values", "organization", "role"] {
                section.value(key);
            }
            None
        }
    }
}

fn organization(
    section: &mut Section<'_, '_>,
    roles: Option<&RoleSet>,
    faults: &mut Faults<'_>,
) -> Option<RoleRule> {
    let held = section.text("organization_role", faults);
    let within = section.text("organization", faults);
    let gives = given(section, roles, faults);
    let mut is_right = true;
    let mut wrong = |at, message: &str, faults: &mut Faults<'_>| {
        faults.add(at, message);
        is_right = false;
    };
    if let Some(At { value, at }) = held
        && (!value.starts_with("org:") || ClerkId::parse(value).is_err())
    {
        let message = "`organization_role` is written with its prefix, as in Clerk: org:admin";
        wrong(at, message, faults);
    }
    if let Some(At { value, at }) = within
        && (!value.starts_with("org_") || ClerkId::parse(value).is_err())
    {
        wrong(at, "`organization` is an organization's id: org_…", faults);
    }
    let (held, gives) = (held?, gives?);
    if within.is_none() && roles.is_some_and(|roles| roles.admin == gives) {
        let message = "this would make everybody admin who creates an organization: name the `organization` it is about";
        wrong(section.at(), message, faults);
    }
    is_right.then(|| RoleRule::Organization {
        organization_id: within.map(|id| id.value.to_owned()),
        organization_role: held.value.to_owned(),
        gives,
    })
}

fn plan(
    section: &mut Section<'_, '_>,
    roles: Option<&RoleSet>,
    faults: &mut Faults<'_>,
) -> Option<RoleRule> {
    let slug = section.text("plan", faults);
    let gives = given(section, roles, faults);
    let (slug, gives) = (slug?, gives?);
    if roles.is_some_and(|roles| roles.admin == gives) {
        faults.add(
            section.at(),
            "this would sell the admin role: a plan can give any other",
        );
        return None;
    }
    is_slug(slug, faults).then(|| RoleRule::Plan {
        slug: slug.value.to_owned(),
        gives,
    })
}

/// Whether a text can be a plan's slug; else a fault.
pub(super) fn is_slug(slug: At<&str>, faults: &mut Faults<'_>) -> bool {
    let is_right = ClerkId::parse(slug.value).is_ok();
    if !is_right {
        faults.add(
            slug.at,
            format!(
                "{:?} is no plan's slug: copy it from Clerk's dashboard",
                slug.value
            ),
        );
    }
    is_right
}

fn given(
    section: &mut Section<'_, '_>,
    roles: Option<&RoleSet>,
    faults: &mut Faults<'_>,
) -> Option<Role> {
    let why = "name the role that it gives";
    let name = section.required("role", why, Section::text, faults)?;
    roles?.named(name, faults)
}

/// Whether the later of two rules can never have the first word.
fn asks_the_same(first: &RoleRule, later: &RoleRule) -> bool {
    match (first, later) {
        (RoleRule::Metadata(first), RoleRule::Metadata(later)) => first.path == later.path,
        (
            RoleRule::Organization {
                organization_id: first_id,
                organization_role: first_role,
                ..
            },
            RoleRule::Organization {
                organization_id: later_id,
                organization_role: later_role,
                ..
            },
        ) => first_role == later_role && (first_id.is_none() || first_id == later_id),
        (RoleRule::Plan { slug: first, .. }, RoleRule::Plan { slug: later, .. }) => first == later,
        _ => false,
    }
}
