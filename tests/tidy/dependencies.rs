//! Every direct dependency is named, in backticks, in `docs/dependencies.md`.

/// The direct dependencies of this manifest that the page does not name. Crates of the workspace are not checked.
pub(crate) fn without_reason(manifest: &str, reasons: &str) -> Vec<String> {
    direct(manifest).into_iter().filter(|name| !reasons.contains(&format!("`{name}`"))).collect()
}

fn direct(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').ends_with("dependencies");
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside && !line.starts_with('#')) {
            let name = key.trim().split('.').next().unwrap_or_default();
            if !value.contains("path =") {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn a_dependency_without_a_reason_is_detected() {
    let manifest = "[package]\nname = \"x\"\n[workspace.dependencies]\na = \"1\"\n# b = \"1\"\n[dependencies]\nc-d.workspace = true\n\
                    ours = { path = \"ours\" }\n[target.'cfg(unix)'.dependencies]\ne = { version = \"1\" }\n[features]\nf = []\n\
                    [dev-dependencies]\ng = \"2\"\n";
    assert_eq!(without_reason(manifest, "`a` and `g`, but c-d"), ["c-d", "e"]);
    assert_eq!(without_reason(manifest, "`a` `c-d` `e` `g`"), [""; 0]);
}
