//! `docs/configuration.md`, written from the table. It knows no setting by name.

use super::{
    declared::{Declared, Group},
    table::{RETIRED, TABLE},
};

const INTRODUCTION: &str = "\
<!-- Written by the program from its own declarations: `UPDATE_DOCS=1 cargo test -p s3-sync --lib configuration_page`. -->

# Configuration

A setting is read from the first of these places that has it:

1. a flag of the command line, where there is one;
2. the environment;
3. `.env` in the working directory (`NAME=value` lines; a value with spaces, `#` or `$` needs single quotes);
4. the YAML file that `--config FILE` names: the names in lower case, under `service:`;
5. the default.

```yaml
service:
  customer_s3_bucket: customer-bucket
  customer_s3_secret_key_file: /run/secrets/customer_s3_secret_key
  concurrency: 32
```

- An empty value counts as not set.
- A secret can also be given as the path of a file, in the variable with `_FILE` after its name; one line break at the file's end
  is not part of the secret. Both given is an error. No secret is ever a flag, because process arguments are public.
- The secrets of S3 keys in files are read again when S3 or SQS rejects them, and so is the credential chain of AWS
  ([operations.md](operations.md#credentials-and-certificates)). Other settings are read at the start only.
- Older names mean the same setting. Given together with another value, they are an error.
- Names of other programs are used while the setting is not given, and are never an error. The keys of `AWS_*` are used only
  when neither of ours is given.
- All wrong or missing settings are reported in one message, before anything is changed, with exit code 2.
";

/// The page, as it is committed.
pub fn configuration_page() -> String {
    let chapters = Group::ALL.into_iter().map(chapter);
    let retired = RETIRED.map(|(_, notice)| format!("- {notice}.\n")).concat();
    let parts = std::iter::once(INTRODUCTION.to_owned()).chain(chapters).chain([format!("## No longer read\n\n{retired}")]);
    parts.collect::<Vec<_>>().join("\n")
}

fn chapter(group: Group) -> String {
    let settings = TABLE.iter().filter(|declared| declared.group == group).map(|declared| setting(declared));
    std::iter::once(format!("## {}\n", group.title())).chain(settings).collect::<Vec<_>>().join("\n")
}

fn setting(declared: &Declared) -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", then ");
    let listed = |names: &[&str], what: &str| (!names.is_empty()).then(|| format!("- {what}: {}.\n", quoted(names)));
    let default = declared.default.map_or_else(|| "not set".to_owned(), |default| format!("`{default}`"));
    let lines = [
        Some(format!("### `{}`\n\n{}\n\n- Accepted: {}.\n- Default: {default}.\n", declared.name, declared.doc, declared.accepted)),
        declared.flag.map(|flag| format!("- Flag: `{flag}`.\n")),
        declared.file_variable().map(|file| format!("- A secret; as a file: `{file}`.\n")),
        listed(declared.synonyms, "Older name"),
        listed(declared.fallbacks, "Used while it is not given"),
    ];
    lines.into_iter().flatten().collect()
}

/// Asserts that a generated page equals the one in `docs/`. If `UPDATE_DOCS` is set in the environment, writes the page there
/// first.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the switch that writes the page is for developers, and not a setting")]
pub(crate) fn assert_committed(name: &str, page: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/{name} is out of date; write it again with: UPDATE_DOCS=1 cargo test -p s3-sync --lib _page");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_configuration_page_is_the_one_that_the_table_writes() {
        assert_committed("configuration.md", &configuration_page());
    }
}
