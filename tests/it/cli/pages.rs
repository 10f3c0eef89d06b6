//! Documents and files beside the program agree with it: the JSON in `docs/cli.md` has exactly the keys that the program prints;
//! the compose files set only settings that it reads.

use super::stage::{BUCKET, Stage};
use mock_api::{Fault, FaultAction};
use s3_sync::config::TABLE;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../../docs/cli.md");

/// The JSON documents under each heading: one for each line that is JSON by itself, else the whole block.
fn shown() -> BTreeMap<String, Vec<Value>> {
    let mut shown: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let (mut heading, mut block) = (String::new(), None);
    for line in PAGE.lines() {
        match (line, &mut block) {
            ("```json", None) => block = Some(String::new()),
            ("```", Some(text)) => {
                let documents = serde_json::Deserializer::from_str(text).into_iter().map(|one| one.expect("the page shows JSON"));
                shown.entry(heading.clone()).or_default().extend(documents);
                block = None;
            }
            (_, Some(text)) => text.extend([line, "\n"]),
            (_, None) if line.starts_with("## ") => line.trim_start_matches(['#', ' ', '`']).trim_end_matches('`').clone_into(&mut heading),
            _ => {}
        }
    }
    shown
}

/// The keys of a document, as paths. A report inside another document is checked separately.
fn keys(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                let at = format!("{at}.{key}");
                if key != "report" {
                    walk(value, &at, found);
                }
                found.insert(at);
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{at}[]"), found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

pub(super) fn same_keys(command: &str, real: &[Value]) {
    let shown = shown();
    let shown = shown.get(command).unwrap_or_else(|| panic!("docs/cli.md shows no JSON for {command}"));
    let of = |documents: &[Value]| documents.iter().map(keys).collect::<BTreeSet<_>>();
    assert_eq!(of(shown), of(real), "{command}: docs/cli.md (left) and the program (right)");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_keys_are_the_real_ones() {
    let mut stage = Stage::with(&["bad.txt", "good.txt"]).await;
    stage.put("large.bin", &"x".repeat(2 << 20));
    stage.setting("MAX_FILE_SIZE_MB", "1");
    stage.expect(&["test"], 0).await;
    std::fs::create_dir(stage.path("empty")).expect("a directory");
    same_keys("setup", &[stage.expect(&["setup", "--seed", "empty", "--json"], 0).await.json()]);
    same_keys("test", &[stage.expect(&["test", "--json"], 0).await.json()]);
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("bad.txt").always());
    same_keys("initial-sync", &[stage.expect(&["initial-sync", "--json"], 3).await.json()]);
    let mut daemon = stage.daemon();
    daemon.says("run=2 outcome=\"partial\"").await.expect("a cycle");
    let beside_a_daemon = stage.expect(&["status", "--json"], 0).await.json();
    same_keys("health", &[stage.expect(&["health", "--json"], 0).await.json()]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
    same_keys("status", &[stage.expect(&["status", "--json"], 0).await.json(), beside_a_daemon]);
    same_keys("export", &[stage.expect(&["export", "--output", "old.csv", "--json"], 0).await.json()]);
    stage.put("good.txt", "changed");
    stage.put("new.txt", "new");
    stage.s3.server().remove(BUCKET, "bad.txt");
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["export", "--output", "new.csv"], 0).await;
    let ran = stage.expect(&["diff", "old.csv", "new.csv", "--json"], 0).await;
    let lines: Vec<_> = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    same_keys("diff", &lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_flag_and_exit_code_has_its_place_on_the_page() {
    let stage = Stage::set().await;
    let help = stage.expect(&["--help"], 0).await.stdout;
    let words_after = |heading: &str| {
        let part = help.split_once(heading).expect("a heading").1;
        let lines = part.lines().skip(1).take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("     "));
        lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect::<Vec<_>>()
    };
    let commands: Vec<_> = words_after("Commands:").into_iter().filter(|command| command != "help").collect();
    assert!(commands.len() >= 5, "{help}");
    for command in &commands {
        assert!(PAGE.contains(&format!("\n## `{command}`\n")), "{command} has no heading");
        let help = stage.expect(&[command, "--help"], 0).await.stdout;
        for flag in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let flag = flag.trim_end_matches(|char: char| !char.is_alphanumeric());
            assert!(flag == "--help" || PAGE.contains(&format!("`{flag}")), "{command} {flag} is not on the page");
        }
    }
    let codes = help.split_once("Exit codes").expect("a heading").1.lines().skip(1).take_while(|line| !line.is_empty());
    let codes: Vec<_> = codes.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(codes.len(), 8, "{help}");
    for code in codes {
        assert!(PAGE.contains(&format!("\n| {code} |")), "exit code {code} is not on the page");
    }
}

const COMPOSE: [&str; 3] = [
    include_str!("../../../docker-compose.yml"),
    include_str!("../../../docker-compose.production.yml"),
    include_str!("../../../docker-compose.dev.yml"),
];

/// The settings under `x-settings`, with the text after their names.
fn settings(compose: &str) -> BTreeMap<&str, &str> {
    let lines = compose.lines().skip_while(|line| !line.starts_with("x-settings:")).skip(1);
    lines.take_while(|line| line.starts_with("  ")).filter_map(|line| line.trim().split_once(": ")).collect()
}

/// 19: `make clean` pruned the whole machine, ports were open to every host, secrets were in the file, the container's user could
/// not write its bind mount, and no code read several settings.
#[test]
fn defect_19_scripts_and_compose_files_touch_only_this_project_and_every_setting_is_read() {
    let makefile = include_str!("../../../Makefile");
    let scripts = [makefile, include_str!("../../../sync_cli.sh"), include_str!("../../../sync_cli.ps1")];
    for script in scripts {
        assert!(!script.contains(" prune"), "nothing but what is ours is removed");
    }
    let clean: Vec<_> = makefile.split("\nclean:").nth(1).expect("a target").lines().skip(1).take_while(|line| !line.is_empty()).collect();
    assert!(!clean.is_empty() && clean.iter().all(|line| line.contains("$(COMPOSE)") && line.contains("down --volumes")), "{clean:?}");

    let read: BTreeSet<_> = TABLE.iter().map(|declared| declared.name).collect();
    let [demo, production, _] = COMPOSE.map(settings);
    assert_eq!(demo.keys().copied().collect::<BTreeSet<_>>(), read, "docker-compose.yml and the settings that are read");
    for name in production.keys() {
        let named = name.strip_suffix("_FILE").is_some_and(|name| read.contains(name));
        assert!(named || read.contains(name), "no code reads {name}");
        let secret = TABLE.iter().any(|declared| declared.secret && declared.name == *name);
        assert!(!secret, "{name} is no file in docker-compose.production.yml");
    }
    let ports = COMPOSE.iter().flat_map(|compose| compose.lines()).filter_map(|line| line.split_once("ports: "));
    let open: Vec<_> = ports.flat_map(|(_, ports)| ports.split(", ")).map(|port| port.contains("\"127.0.0.1:$")).collect();
    assert_eq!(open, [true; 5], "published to this machine alone");
    let own: Vec<_> = COMPOSE[..2].iter().flat_map(|compose| compose.lines()).filter(|line| line.ends_with(":/app/data")).collect();
    assert_eq!(own, ["      - sync-data:/app/data"; 2], "a volume of ours, which takes the owner of the image's directory");
}
