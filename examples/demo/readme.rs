//! Checks that the README shows the demo's output. Updated with `UPDATE_DOCS=1 cargo test -p s3-sync --example demo`.

use std::process::Command;

/// The argument that makes the test run the demo instead of checking it.
pub(crate) const PLAY: &str = "--play";

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- demo output: begin -->\n```text\n";
const END: &str = "```\n<!-- demo output: end -->";

#[expect(clippy::disallowed_methods, reason = "a test's own switch, not the product's setting")]
pub(crate) fn shows_what_the_demo_prints() -> anyhow::Result<()> {
    let played = Command::new(std::env::current_exe()?).arg(PLAY).output()?;
    let printed = String::from_utf8(played.stdout)?;
    anyhow::ensure!(played.status.success(), "the demo fails:\n{printed}\n{}", String::from_utf8_lossy(&played.stderr));
    let readme = std::fs::read_to_string(README)?;
    let marked = readme.split_once(BEGIN).and_then(|(before, rest)| rest.split_once(END).map(|(shown, after)| (before, shown, after)));
    let Some((before, shown, after)) = marked else { anyhow::bail!("README.md has no marks around the demo's output") };
    if shown == printed {
        println!("README.md shows what the demo prints");
    } else if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(README, [before, BEGIN, &printed, END, after].concat())?;
    } else {
        let update = "UPDATE_DOCS=1 cargo test -p s3-sync --example demo";
        anyhow::bail!("README.md does not show what the demo prints; write it again with: {update}\n{printed}");
    }
    Ok(())
}
