//! The first account administers the site: where strangers can come first, it needs a code that only the operator has seen.

use super::App;
use crate::error::{Error, Result, Text};
use crate::user;

/// Letters and digits of a code, in groups: 60 bits.
const GROUPS: usize = 3;
const GROUP: usize = 4;
/// 32 signs; none that looks like another (no 0, 1, I, O).
const SIGNS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

impl App {
    /// From now on the first account needs a code: this one, to be shown to the operator. None when there are accounts already.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn require_first_code(&self) -> Result<Option<String>> {
        if !self.db.read(user::is_first_account).await? {
            return Ok(None);
        }
        let random = self.clock.random::<{ GROUPS * GROUP }>();
        let signs: Vec<char> = random.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect();
        let groups: Vec<String> = signs.chunks(GROUP).map(|group| group.iter().collect()).collect();
        Ok(Some(self.first_code.get_or_init(|| groups.join("-")).clone()))
    }

    /// Whether the first account needs a code.
    pub fn needs_first_code(&self) -> bool {
        self.first_code.get().is_some()
    }

    /// Judges the code that comes with a registration, as people type it: in any case, with or without dashes.
    ///
    /// # Errors
    /// `Invalid` when a code is needed and this is none, or another.
    pub fn check_first_code(&self, typed: &str) -> Result<()> {
        let Some(code) = self.first_code.get() else { return Ok(()) };
        let plain = |text: &str| {
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect::<String>()
        };
        let (typed, code) = (plain(typed), plain(code));
        let is_right = aws_lc_rs::constant_time::verify_slices_are_equal(typed.as_bytes(), code.as_bytes()).is_ok();
        match (typed.is_empty(), is_right) {
            (_, true) => Ok(()),
            (true, false) => Err(Error::field("code", Text::new("field-first-code-missing"))),
            (false, false) => Err(Error::field("code", Text::new("field-first-code-wrong"))),
        }
    }
}
