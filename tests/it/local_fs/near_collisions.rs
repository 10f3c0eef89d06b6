//! Many keys whose paths are as close to each other as the mapping allows: no two paths are equal. `NEAR_COLLISIONS=1000000` takes a minute.

use s3_sync::local_fs::key_path::{KeyOfPath, MAX_NAME_BYTES, MAX_PATH_BYTES, escaped_path_of, key_of, path_of};
use s3_sync::record::ObjectKey;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

#[test]
fn keys_that_differ_in_little_have_different_paths() {
    let most = crate::amount("NEAR_COLLISIONS", 20_000);
    let (mut keys, mut paths) = (HashSet::new(), HashSet::new());
    for raw in (0..).flat_map(family).take(usize::try_from(most).expect("a number of keys")) {
        let hash = |text: &str| <[u8; 32]>::from(Sha256::digest(text));
        if !keys.insert(hash(&raw)) {
            continue;
        }
        let key = ObjectKey::new(raw.clone()).expect("not empty");
        for path in HashSet::from([path_of(&key), escaped_path_of(&key)]) {
            let path = path.to_str().expect("text");
            assert!(paths.insert(hash(path)), "{raw:?} has the path of another key: {path}");
            assert!(
                path.len() <= MAX_PATH_BYTES && path.split('/').all(|name| (1..=MAX_NAME_BYTES).contains(&name.len())),
                "{raw:?}: {path}"
            );
            if path != raw {
                let hash = hash(&raw);
                let digits = u128::from_be_bytes(hash[..16].try_into().expect("16 bytes"));
                assert!(path.ends_with(&format!(".%{digits:032x}")), "{raw:?}: {path}");
            }
            match key_of(path) {
                KeyOfPath::Ordinary(read) => assert!(read == key && path == raw, "{raw:?}: {path}"),
                KeyOfPath::Escaped(read) => assert_eq!(read, key, "{path}"),
                KeyOfPath::Unknown => assert!(raw.split('/').any(|name| name.len() > 60), "nothing of {raw:?} was cut: {path}"),
            }
        }
    }
    assert!(u64::try_from(paths.len()).expect("a number of paths") > most, "{} paths", paths.len());
}

/// Keys that are cut at the same or at neighbouring bytes, keys that are the paths of others, and keys that are escaped twice.
fn family(number: u64) -> Vec<String> {
    let unit = ["n", "ü", "%", "a%", "\0", "€", ".%"][usize::try_from(number % 7).expect("small")];
    let length = 50 + usize::try_from(number / 7 % 60).expect("small");
    let long: String = unit.chars().cycle().take(length).collect();
    let short = format!("{unit}/{number:x}");
    let mut keys = vec![
        format!("//{long}{number}"),
        format!("{long}{number}//x"),
        format!("{long}{long}{long}{number}"),
        format!("{long}/../{number}"),
        format!("a/{short}"),
        format!("a//{short}"),
        format!("./{short}%"),
        format!(".s3-sync/{short}"),
    ];
    for at in 0..keys.len() {
        let key = ObjectKey::new(keys[at].clone()).expect("not empty");
        let once = escaped_path_of(&key).into_os_string().into_string().expect("text");
        let once_as_key = ObjectKey::new(once.clone()).expect("not empty");
        let twice = escaped_path_of(&once_as_key).into_os_string().into_string().expect("text");
        // The last digit changed: it looks escaped and is the path of no key.
        let close = format!("{}{}", &once[..once.len() - 1], if once.ends_with('0') { '1' } else { '0' });
        keys.extend([close, twice, once]);
    }
    keys
}
