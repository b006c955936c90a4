//! Mail: letters of two kinds of text, with a link that stops them (RFC 8058), handed to the operator's server.

use crate::clock::Micros;
use crate::config::Mail;
use lettre::address::AddressError;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::error::Error as StdError;
use std::time::{Duration, UNIX_EPOCH};

/// For one letter, connection included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends letters. A cheap clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// A letter to one person.
#[derive(Debug)]
pub struct Letter<'a> {
    /// The address.
    pub to: &'a str,
    /// Whose it is.
    pub name: &'a str,
    /// In one line.
    pub subject: &'a str,
    /// For who reads text.
    pub text: String,
    /// For who reads HTML.
    pub html: String,
    /// A POST there, without a cookie, stops the letters.
    pub stop_url: &'a str,
    /// When it is written.
    pub at: Micros,
}

/// What became of a letter that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// Not now; another time perhaps.
    Later,
    /// Not this one, ever: no such address.
    Never,
}

impl Mailer {
    /// Sends through the configured server.
    ///
    /// # Errors
    /// When its address is none.
    pub fn new(mail: &Mail) -> Result<Self, lettre::transport::smtp::Error> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp_url)?.timeout(Some(PATIENCE)).build();
        Ok(Self { transport, from: mail.from.clone() })
    }

    /// Hands a letter over.
    ///
    /// # Errors
    /// [`NotSent`]; the reason is in the log, without the address.
    pub async fn send(&self, letter: Letter<'_>) -> Result<(), NotSent> {
        let message = self.write(letter).map_err(|error| {
            tracing::warn!(%error, "a letter could not be written");
            NotSent::Never
        })?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => {
                tracing::warn!(status = ?error.status(), "the mail server refuses a letter");
                Err(NotSent::Never)
            }
            Err(error) => {
                // In words the server may repeat the address.
                let (status, is_timeout) = (error.status(), error.is_timeout());
                tracing::warn!(?status, is_timeout, "the mail server takes no letters");
                Err(NotSent::Later)
            }
        }
    }

    fn write(&self, letter: Letter<'_>) -> Result<Message, Box<dyn StdError + Send + Sync>> {
        let address = letter.to.parse().map_err(|error: AddressError| error)?;
        let since = Duration::from_micros(u64::try_from(letter.at).unwrap_or(0));
        Ok(Message::builder()
            .from(self.from.clone())
            // The name is encoded by the library: no line end of it reaches a header.
            .to(Mailbox::new(Some(letter.name.to_owned()), address))
            .subject(letter.subject)
            .date(UNIX_EPOCH + since)
            .message_id(None)
            .header(ListUnsubscribe(format!("<{}>", letter.stop_url)))
            .header(ListUnsubscribePost)
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))?)
    }
}

/// Headers that the library has no type for.
macro_rules! header {
    ($type:ident, $name:literal, $value:expr) => {
        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn StdError + Send + Sync>> {
                Err("only written".into())
            }

            fn display(&self) -> HeaderValue {
                let value: fn(&Self) -> String = $value;
                HeaderValue::new(Self::name(), value(self))
            }
        }
    };
}

#[derive(Clone)]
struct ListUnsubscribe(String);
#[derive(Clone)]
struct ListUnsubscribePost;
#[derive(Clone)]
struct AutoSubmitted;

header!(ListUnsubscribe, "List-Unsubscribe", |header| header.0.clone());
header!(ListUnsubscribePost, "List-Unsubscribe-Post", |_| "List-Unsubscribe=One-Click".to_owned());
header!(AutoSubmitted, "Auto-Submitted", |_| "auto-generated".to_owned());
