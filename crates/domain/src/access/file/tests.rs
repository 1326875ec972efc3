//! Faults of policy files: each is named once, in its line, with what to do.

mod mangled;

use super::*;

/// A small file that is right.
const GOOD: &str = r#"[roles]
names = ["user", "admin"]
default = "user"
admin = "admin"

[[tiers]]
name = "free"
max_portfolios = 1

[[tiers]]
name = "paid"
max_portfolios = 2
"#;

/// Line and message of every fault of `GOOD` with `more` after it; `more` begins in line 13.
fn faults_after(more: &str) -> Vec<(usize, String)> {
    faults_in(&format!("{GOOD}{more}"))
}

fn faults_in(text: &str) -> Vec<(usize, String)> {
    let faults = read(text).map_or_else(|errors| errors.0, |_| Vec::new());
    faults
        .into_iter()
        .map(|PolicyFault { line, message }| (line, message))
        .collect()
}

/// There is one fault, in this line, and it says this.
#[track_caller]
fn one_fault(text: &str, line: usize, says: &str) {
    let faults = faults_in(text);
    let [(found, message)] = faults.as_slice() else {
        panic!("one fault that says {says:?} is expected: {faults:#?}\n{text}");
    };
    assert!(
        *found == line && message.contains(says),
        "line {found}: {message}\n{text}"
    );
}

#[track_caller]
fn one_fault_after(more: &str, line: usize, says: &str) {
    one_fault(&format!("{GOOD}{more}"), line, says);
}

#[test]
fn a_small_file_is_enough() {
    let policy = read(GOOD).unwrap();
    assert_eq!(policy.default_tier().as_str(), "free");
    assert_eq!(policy.metered().count(), 0);
    assert_eq!(policy.default_role().as_str(), "user");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let text = format!("{GOOD}\n[billing\n");
    let faults = faults_in(&text);
    assert_eq!(faults[0].0, 14, "{faults:?}");
    assert!(faults[0].1.starts_with("this is not TOML: "), "{faults:?}");
    assert_eq!(
        faults_after("name = 3\n")[0].0,
        13,
        "a key that is there already"
    );
    assert!(read("\0").is_err());
    one_fault(&"#".repeat(LONGEST_FILE + 1), 1, "longer than");
    // Nesting ends somewhere.
    assert!(read(&format!("a = {}", "[".repeat(10_000))).is_err());
}

#[test]
fn an_empty_file_misses_roles_and_tiers() {
    for text in ["", "\n# nothing\n"] {
        let faults = faults_in(text);
        let [(1, roles), (1, tiers)] = faults.as_slice() else {
            panic!("{faults:?}");
        };
        assert!(roles.starts_with("`roles` is missing") && tiers.starts_with("`tiers` is missing"));
    }
}

#[test]
fn every_fault_is_found_at_once_in_the_order_of_the_lines() {
    let text = r#"[roles]
names = ["user", "admin", "user", "Boss"]
default = "usr"
admin = "admin"
colour = "red"

[[role_rules]]
public_metadata = "unsafe_metadata.role"

[[role_rules]]
organization_role = "admin"
organization = "acme"
role = "chief"

[[tiers]]
name = "free"
max_portfolios = -1

[[tiers]]
name = "free"
per_month = { ai_messages = 1.5 }

[billing]
past_due_grace_days = "a week"

[billing.plans]
pro = "gold"

[extra]
"#;
    let faults = faults_in(text);
    let lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(
        lines,
        [2, 2, 3, 5, 8, 11, 12, 13, 17, 19, 20, 21, 24, 27, 29],
        "{faults:#?}"
    );
    let shown = read(text).unwrap_err().to_string();
    assert_eq!(shown.lines().count(), lines.len());
    assert!(
        shown.starts_with("line 2: the role `user` is named twice\n"),
        "{shown}"
    );
}

#[test]
fn what_users_write_themselves_cannot_be_named() {
    const SAYS: &str = "users write it themselves";
    for (more, line) in [
        ("[[role_rules]]\nunsafe_metadata = \"role\"\n", 14),
        ("[tier_rule]\nunsafe_metadata = \"tier\"\n", 14),
        ("[unsafe_metadata]\n", 13),
    ] {
        let faults = faults_after(more);
        assert!(
            faults
                .iter()
                .any(|(found, message)| *found == line && message.contains(SAYS)),
            "{faults:?}"
        );
    }
    for path in [
        "\"unsafe_metadata\"",
        "\"unsafe_metadata.role\"",
        "\"a.unsafeMetadata\"",
        "[\"unsafe_metadata\", \"role\"]",
    ] {
        one_fault_after(
            &format!("[[role_rules]]\npublic_metadata = {path}\n"),
            14,
            SAYS,
        );
    }
    one_fault_after(
        "[tier_rule]\npublic_metadata = \"private_metadata.tier\"\n",
        14,
        "never kept here",
    );
}

#[test]
fn a_rule_looks_at_one_thing_and_gives_a_role_that_there_is() {
    one_fault_after(
        "[[role_rules]]\nrole = \"user\"\n",
        13,
        "must look at one thing",
    );
    one_fault_after(
        "[[role_rules]]\nplan = \"pro\"\npublic_metadata = \"role\"\n",
        13,
        "must look at one thing",
    );
    one_fault_after(
        "[[role_rules]]\nplan = \"pro\"\n",
        13,
        "`role` of role rule 1 is missing",
    );
    one_fault_after(
        "[[role_rules]]\nplan = \"pro\"\nrole = \"usr\"\n",
        15,
        "use one of user, admin",
    );
    one_fault_after(
        "[[role_rules]]\nplan = \"\"\nrole = \"user\"\n",
        14,
        "no plan's slug",
    );
    one_fault_after(
        "[[role_rules]]\nplan = \"pro\"\nrole = \"user\"\nvalues = {}\n",
        16,
        "`values` of role rule 1 is not known",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = \"role\"\nrole = \"user\"\n",
        15,
        "`role` of role rule 1 is not known",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = \"a..b\"\n",
        14,
        "none of them empty",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = []\n",
        14,
        "none of them empty",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = 1\n",
        14,
        "must be a path",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = \"r\"\nvalues = {}\n",
        13,
        "`values` is empty",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = \"r\"\nvalues = { a = \"x\" }\n",
        15,
        "`x` is no role",
    );
    one_fault_after(
        "[[role_rules]]\npublic_metadata = \"r\"\nvalues = { a = 1 }\n",
        15,
        "text in quotes",
    );
    one_fault_after(
        "role_rules = 1\n",
        13,
        "`role_rules` of tier 2 is not known",
    );
    one_fault(&format!("role_rules = [1]\n{GOOD}"), 1, "list of tables");
    assert_eq!(
        faults_after("[[role_rules]]\npublic_metadata = [\"with.dots\", \"role\"]\n"),
        []
    );
}

#[test]
fn nobody_becomes_admin_by_his_own_doing() {
    one_fault_after(
        "[[role_rules]]\norganization_role = \"org:admin\"\nrole = \"admin\"\n",
        13,
        "everybody admin who creates an organization",
    );
    one_fault_after(
        "[[role_rules]]\nplan = \"pro\"\nrole = \"admin\"\n",
        13,
        "sell the admin role",
    );
    let staff = "[[role_rules]]\norganization_role = \"org:admin\"\norganization = \"org_1\"\nrole = \"admin\"\n";
    assert_eq!(faults_after(staff), []);
    one_fault(
        &GOOD.replace("default = \"user\"", "default = \"admin\""),
        4,
        "everybody would be admin",
    );
}

#[test]
fn a_rule_that_is_never_reached_is_a_fault() {
    let any = "[[role_rules]]\norganization_role = \"org:a\"\nrole = \"user\"\n";
    let one = "[[role_rules]]\norganization_role = \"org:a\"\norganization = \"org_1\"\nrole = \"user\"\n";
    let plan = "[[role_rules]]\nplan = \"pro\"\nrole = \"user\"\n";
    let path = "[[role_rules]]\npublic_metadata = \"role\"\n";
    one_fault_after(&format!("{any}{one}"), 16, "role rule 2 is never reached");
    one_fault_after(&format!("{plan}{plan}"), 16, "never reached");
    one_fault_after(&format!("{path}{path}"), 15, "never reached");
    assert_eq!(faults_after(&format!("{one}{any}{plan}{path}")), []);
}

#[test]
fn tiers_have_names_and_limits_for_the_same_things() {
    one_fault_after(
        "[[tiers]]\nname = \"free\"\nmax_portfolios = 1\n",
        14,
        "the tier `free` is named twice",
    );
    one_fault_after(
        "[[tiers]]\nname = \"Gold\"\nmax_portfolios = 1\n",
        14,
        "cannot name a tier",
    );
    one_fault_after(
        "[[tiers]]\nname = \"gold\"\n",
        13,
        "`max_portfolios` of tier 3 is missing",
    );
    for number in [
        "-1",
        "1.0",
        "\"many\"",
        "2147483648",
        "99999999999999999999",
    ] {
        one_fault_after(
            &format!("[[tiers]]\nname = \"gold\"\nmax_portfolios = {number}\n"),
            15,
            "whole number from 0",
        );
    }
    let gold = |rest: &str| format!("[[tiers]]\nname = \"gold\"\nmax_portfolios = 0x10\n{rest}\n");
    let faults = faults_after(&gold("per_month = { ai_messages = 3 }"));
    let lines: Vec<_> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [6, 10], "the tiers that leave it out: {faults:?}");
    assert!(faults[0].1.contains("leaves out ai_messages"));
    one_fault_after(&gold("features = [\"a\", \"a\"]"), 16, "named twice");
    one_fault_after(&gold("features = [1]"), 16, "list of texts");
    one_fault_after(&gold("features = \"a\""), 16, "list of texts");
    one_fault(
        "tiers = []\n[roles]\nnames = [\"a\", \"b\"]\ndefault = \"a\"\nadmin = \"b\"\n",
        1,
        "1 to 100 [[tiers]]",
    );
}

#[test]
fn billing_and_gates_name_what_there_is() {
    one_fault_after("[billing]\ntrials_count = \"no\"\n", 14, "true or false");
    one_fault_after(
        "[billing]\npast_due_grace_days = 367\n",
        14,
        "from 0 to 366",
    );
    one_fault_after(
        "[billing]\nunheard_of = 1\n",
        14,
        "`unheard_of` of [billing] is not known",
    );
    one_fault_after("[billing.plans]\n\"\" = \"paid\"\n", 14, "no plan's slug");
    one_fault_after("[billing.plans]\npro = true\n", 14, "wants a tier's name");
    one_fault_after(
        "[features]\nreports = { roles = [\"user\"] }\n",
        14,
        "feature of no tier",
    );
    let reports = "features = [\"reports\"]\n[features]\n";
    one_fault_after(&format!("{reports}reports = true\n"), 15, "write `reports");
    one_fault_after(&format!("{reports}reports = {{}}\n"), 15, "names no role");
    one_fault_after(
        &format!("{reports}reports = {{ roles = [\"x\"] }}\n"),
        15,
        "`x` is no role",
    );
    one_fault_after(
        &format!("{reports}reports = {{ roles = [\"user\"], tier = \"paid\" }}\n"),
        15,
        "`tier` of the feature",
    );
    let policy = read(&format!("{GOOD}\n[billing]\ntrials_count = false\nkeep_until_period_end = false\npast_due_grace_days = 0\n")).unwrap();
    let rules = policy.plan_rules;
    assert!(!rules.trials_count && !rules.keep_until_period_end && rules.past_due_grace.is_zero());
}
