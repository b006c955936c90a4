//! Writes to who is away: every minute it looks whom to write to, and sends each a letter with what waits.

use crate::app::App;
use crate::clock::Clock;
use crate::db::{Db, Lane};
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::mail::{Letter, Mailer, NotSent};
use crate::user::digest::{self, LINES, Place, Waiting};
use crate::view::Views;
use crate::view::context::{MailLocale, MailPage, NoticeView};
use crate::view::locale::Locale;
use crate::view::told;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);

/// Everything that a letter needs. A cheap clone.
#[derive(Clone)]
pub struct Postman {
    mailer: Option<Mailer>,
    db: Db,
    clock: Clock,
    views: Views,
    public_url: Arc<str>,
    key: Arc<hmac::Key>,
    /// Where the last round ended.
    place: Arc<Mutex<Place>>,
}

impl Postman {
    /// A postman without a mailer knows only who may stop the letters.
    pub fn new(mailer: Option<Mailer>, db: Db, clock: Clock, views: Views, public_url: &str, secret: &str) -> Self {
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        let place = Arc::default();
        Self { mailer, db, clock, views, public_url: Arc::from(public_url), key, place }
    }

    /// Goes round until the program ends.
    pub fn start(app: &App) {
        if app.postman.mailer.is_none() {
            return;
        }
        let (postman, mut stopping) = (app.postman.clone(), app.stopping.subscribe());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
                }
                if let Err(error) = postman.round().await {
                    tracing::warn!(%error, "no letters this time");
                }
            }
        });
    }

    /// One round: how many letters were taken. It ends early where the mail server is away.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn round(&self) -> Result<usize> {
        let Some(mailer) = &self.mailer else { return Ok(0) };
        let now = self.clock.now();
        let from = *self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let (people, next) = self.db.read(move |db| digest::due(db, now, from)).await?;
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = next;
        let mut sent = 0;
        for user in people {
            let claimed = self.db.write(Lane::None, move |tx| digest::claim(tx, user, now)).await?;
            let Some((waiting, before)) = claimed else { continue };
            match self.write_to(mailer, waiting).await? {
                Ok(()) => sent += 1,
                // Marked as mailed: the same letter would be refused again.
                Err(NotSent::Never) => {}
                Err(NotSent::Later) => {
                    self.db.write(Lane::None, move |tx| digest::give_back(tx, user, before)).await?;
                    return Ok(sent);
                }
            }
        }
        Ok(sent)
    }

    async fn write_to(&self, mailer: &Mailer, waiting: Waiting) -> Result<std::result::Result<(), NotSent>> {
        let locale: Locale = waiting.user.locale.parse().unwrap_or_default();
        let count = waiting.notices.len();
        let stop_url = format!("{}/unsubscribe/{}", self.public_url, self.token(waiting.user.id));
        let context = MailPage {
            page: MailLocale { locale: locale.as_str() },
            name: waiting.user.name.first_name.clone(),
            lines: waiting
                .notices
                .into_iter()
                .take(LINES)
                .map(|notice| without_text(told::line(notice, locale)))
                .collect(),
            more: count.saturating_sub(LINES),
            public_url: self.public_url.to_string(),
            stop_url: stop_url.clone(),
        };
        let words = |key: &str| locale.translate(key, [("count", count.into())]).unwrap_or_default();
        let name = format!("{} {}", waiting.user.name.first_name, waiting.user.name.last_name);
        let letter = Letter {
            to: &waiting.user.email,
            name: name.trim(),
            subject: &words("mail-subject"),
            text: text(&context, locale),
            html: self.views.render("mail/digest.html", &context)?,
            stop_url: &stop_url,
            at: self.clock.now(),
        };
        Ok(mailer.send(letter).await)
    }

    /// What stands at the end of a person's stop link: whose it is, and that we wrote it.
    pub fn token(&self, user: UserId) -> String {
        let tag = hmac::sign(&self.key, format!("unsubscribe {user}").as_bytes());
        format!("{user}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Whose stop link it is.
    ///
    /// # Errors
    /// `NotFound` for one that we did not write.
    pub fn read_token(&self, token: &str) -> Result<UserId> {
        let (user, tag) = token.split_once('.').ok_or(Error::NotFound)?;
        let user: i64 = user.parse().map_err(|_| Error::NotFound)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Error::NotFound)?;
        let is_ours = hmac::verify(&self.key, format!("unsubscribe {user}").as_bytes(), &tag).is_ok();
        if is_ours { Ok(UserId(user)) } else { Err(Error::NotFound) }
    }
}

/// Nobody has shown that the address is theirs: a letter says that something waits and where, not what it says.
fn without_text(line: NoticeView) -> NoticeView {
    NoticeView { excerpt: String::new(), ..line }
}

/// The letter for who reads text.
fn text(context: &MailPage, locale: Locale) -> String {
    let words = |key: &str| locale.translate(key, [("name", context.name.clone().into())]).unwrap_or_default();
    let mut text = format!("{}\n\n{}\n\n", words("mail-hello"), words("mail-lead"));
    for NoticeView { text: line, url, .. } in &context.lines {
        text.push_str(&format!("* {line}\n  {}{url}\n\n", context.public_url));
    }
    if context.more > 0 {
        let more = locale.translate("mail-more", [("count", context.more.into())]).unwrap_or_default();
        text.push_str(&format!("{more}\n\n"));
    }
    text + &format!(
        "-- \n{}\n{}: {}/settings\n{}: {}\n",
        words("mail-why"),
        words("mail-settings"),
        context.public_url,
        words("mail-stop"),
        context.stop_url
    )
}
