//! Access keys: both halves, or neither, and the files that their secrets came from.

use super::{Lookup, Names, Resolver};
use crate::config::declared::{Declared, Setting};
use crate::config::error::ConfigProblem;
use crate::config::{Credentials, SecretFiles, table};
use secrecy::SecretString;

impl Resolver<'_> {
    /// An access key and a secret key from the same group of names: our own and those of `AWS_*` are never mixed. Only the latter
    /// have a session token.
    pub(super) fn credentials(&mut self) -> Option<Credentials> {
        let (access, secret) = (&table::CUSTOMER_S3_ACCESS_KEY, &table::CUSTOMER_S3_SECRET_KEY);
        let own = self.is_given_as(&access.declared, Names::Own) || self.is_given_as(&secret.declared, Names::Own);
        let names = if own { Names::Own } else { Names::WithFallbacks };
        let pair = self.key_pair(access, secret, names);
        let token = if own { Lookup::Nothing } else { self.look_up_setting(&table::AWS_SESSION_TOKEN.declared, Names::Own) };
        let token_file = token.file();
        let session_token = self.interpret(&table::AWS_SESSION_TOKEN, token);
        pair.map(|keys| Credentials { session_token, files: SecretFiles { session_token: token_file, ..keys.files }, ..keys })
    }

    /// Both keys, or neither.
    pub(super) fn key_pair(&mut self, access: &Setting<String>, secret: &Setting<SecretString>, names: Names) -> Option<Credentials> {
        let halves = [self.look_up_setting(&access.declared, names), self.look_up_setting(&secret.declared, names)];
        let [access_given, secret_given] = halves.each_ref().map(|half| !matches!(half, Lookup::Nothing));
        if access_given != secret_given {
            let own = matches!(names, Names::Own);
            let spelt = |declared: &Declared| if own { declared.name } else { declared.fallbacks[0] };
            let (given, missing) = if access_given { (&access.declared, &secret.declared) } else { (&secret.declared, &access.declared) };
            self.problems.push(ConfigProblem::HalfPair { given: spelt(given), missing: spelt(missing) });
        }
        let [access_answer, secret_answer] = halves;
        let access_key = self.interpret(access, access_answer);
        let files = SecretFiles { secret_key: secret_answer.file(), session_token: None };
        let secret_key = self.interpret(secret, secret_answer);
        Some(Credentials { access_key: access_key?, secret_key: secret_key?, session_token: None, files })
    }
}
