//! What the pages of a person's own say: notifications and settings.

use crate::clock::Micros;
use crate::user::Name;
use crate::user::choice::Choices;
use crate::user::sharing::Sharing;
use crate::view::context::Page;
use serde::Serialize;

/// `notification/index.html`.
#[derive(Debug, Serialize)]
pub struct Notifications {
    /// The page.
    pub page: Page,
    /// The newest first.
    pub notices: Vec<NoticeView>,
    /// How many are new.
    pub unseen: i64,
    /// The person's own top revision: what "all" means to the button.
    pub revision: i64,
    /// Whether newer lines stand on another page.
    pub is_further: bool,
    /// The list goes on before this revision.
    pub next: Option<i64>,
}

/// A line of the list behind the bell, in the person's language.
#[derive(Debug, Serialize)]
pub struct NoticeView {
    /// Its number among the person's own events.
    pub revision: i64,
    /// A word of the model.
    pub kind: String,
    /// What happened, in a sentence.
    pub text: String,
    /// The message's beginning; empty when there is none.
    pub excerpt: String,
    /// Who did it.
    pub actor: Option<Name>,
    /// When, for programs.
    pub at: String,
    /// The same in microseconds.
    pub created_at: Micros,
    /// Whether the person has seen it.
    pub seen: bool,
    /// Where to look.
    pub url: String,
}

/// `settings/index.html`.
#[derive(Debug, Serialize)]
pub struct Settings {
    /// The page.
    pub page: Page,
    /// What the person chose.
    pub choices: ChoicesView,
    /// What the person shows of reading and being here.
    pub sharing: Sharing,
    /// Browsers that are told by push.
    pub browsers: i64,
    /// What this browser would subscribe with.
    pub push_key: String,
    /// Whether this installation sends mail.
    pub sends_mail: bool,
}

/// A person's choices about being told.
#[derive(Debug, Serialize)]
pub struct ChoicesView {
    /// `digest` or `none`.
    pub email_notices: &'static str,
    /// Whether texts stand in notifications.
    pub push_text: bool,
}

impl From<Choices> for ChoicesView {
    fn from(choices: Choices) -> Self {
        let email_notices = if choices.digest { "digest" } else { "none" };
        Self { email_notices, push_text: choices.push_text }
    }
}

/// `settings/unsubscribe.html`.
#[derive(Debug, Serialize)]
pub struct Unsubscribe {
    /// The page.
    pub page: Page,
    /// Whose link it is, signed.
    pub token: String,
    /// Whether the letters are stopped.
    pub done: bool,
}

/// `mail/digest.html`.
#[derive(Debug, Serialize)]
pub struct MailPage {
    /// What words need.
    pub page: MailLocale,
    /// Who reads it.
    pub name: String,
    /// What waits, newest first.
    pub lines: Vec<NoticeView>,
    /// How much more.
    pub more: usize,
    /// Where links begin.
    pub public_url: String,
    /// What stops the letters.
    pub stop_url: String,
}

/// The language of a letter.
#[derive(Debug, Serialize)]
pub struct MailLocale {
    /// `fr` or `en`.
    pub locale: &'static str,
}
