//! The two Dockerfiles: their common part, and that they contain every member of the workspace.

/// The end of the common part.
const OURS: &str = "# ---- what is ours ----";

/// The differences in the common part, one sentence each. The comment at the top may differ.
pub(crate) fn violations(service: &str, mock_api: &str, workspace: &str) -> Vec<String> {
    let mut seen = Vec::new();
    match (shared(service), shared(mock_api)) {
        (Some(one), Some(other)) if one == other => {}
        (Some(_), Some(_)) => seen.push(format!("the two differ before `{OURS}`: they no longer share the layer of the dependencies")),
        _ => seen.push(format!("one of them has no line `{OURS}`")),
    }
    let members = members(workspace).filter(|member| *member != ".");
    seen.extend(
        members
            .filter(|member| !service.contains(&format!("COPY {member}/Cargo.toml")))
            .map(|member| format!("the manifest of `{member}` is not copied: cargo refuses a workspace with a member missing")),
    );
    for text in [service, mock_api] {
        let moving = text
            .lines()
            .filter(|line| line.starts_with("ARG ") && line.contains("_IMAGE=") && (line.contains(":latest") || !line.contains(':')));
        seen.extend(moving.map(|line| format!("`{line}` is not pinned")));
    }
    seen
}

fn shared(text: &str) -> Option<Vec<&str>> {
    let (before, _) = text.split_once(OURS)?;
    Some(before.lines().skip_while(|line| line.starts_with('#')).collect())
}

fn members(workspace: &str) -> impl Iterator<Item = &str> {
    let list = workspace.split_once("members = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split(',').map(|member| member.trim().trim_matches('"')).filter(|member| !member.is_empty())
}

#[test]
fn a_difference_a_missing_member_and_a_moving_tag_are_detected() {
    let workspace = "[workspace]\nmembers = [\".\", \"mock-api\"]\n";
    let good = "# one\nARG RUST_IMAGE=rust:1.95.0\nCOPY mock-api/Cargo.toml mock-api/\n# ---- what is ours ----\nCOPY src src\n";
    let other = good.replace("# one", "# two").replace("COPY src src", "COPY mock-api/src mock-api/src");
    assert_eq!(violations(good, &other, workspace), [""; 0]);
    for (one, other, workspace) in [
        (good.to_owned(), other.replace("1.95.0", "1.96.0"), workspace.to_owned()),
        (good.to_owned(), other.clone(), workspace.replace("\"mock-api\"", "\"mock-api\", \"lambda\"")),
        (good.replace("1.95.0", "latest"), other.replace("1.95.0", "latest"), workspace.to_owned()),
        (good.replace(OURS, ""), other, workspace.to_owned()),
    ] {
        assert!(!violations(&one, &other, &workspace).is_empty(), "{one}\n{other}\n{workspace}");
    }
}
