//! A form with files: its fields as any form's, its files streamed to the store's temporary place. Whether files may come at all
//! is asked before the first byte of one is read; what is wrong with one is told, and what was typed stays.

mod paced;

use crate::app::App;
use crate::chatroom::Member;
use crate::error::{Error, Result, Text};
use crate::files::upload::Written;
use crate::files::{Finished, label};
use crate::message::{self, attachment};
use crate::web::form::{self, Form};
use crate::web::header_text;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::header;
use http_body_util::Limited;
use paced::{Gauge, Paced};
use std::sync::Arc;

/// Heads and borders of the parts of a form, beside what they hold.
const BORDERS: u64 = 64 * 1024;
/// What is read and thrown away of a refused body, so that its sender hears why.
const DRAIN_MAX: u64 = 32 << 20;

/// What a route takes.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The field that holds files.
    pub field: &'static str,
    /// Files, at most.
    pub count: usize,
    /// Bytes of each, at most.
    pub size: u64,
}

impl Rules {
    /// What a message may carry.
    pub fn attachments(app: &App) -> Self {
        Self { field: "attachment", count: attachment::MAX, size: app.config.file_limit }
    }

    /// Bytes of the whole body, at most: derived from the two limits that are settings.
    fn body(&self, fields: usize) -> u64 {
        self.size.saturating_mul(self.count as u64).saturating_add(fields as u64).saturating_add(BORDERS)
    }

    /// A file is larger than may be.
    fn too_large(&self) -> Error {
        Error::FileTooLarge(match self.size >> 20 {
            0 => Text::new("file-too-large-kb").with("max", self.size >> 10),
            max => Text::new("file-too-large").with("max", max),
        })
    }
}

/// A file as it came.
#[derive(Debug)]
pub struct Received {
    /// As its sender's computer called it, cleaned for the screen.
    pub name: String,
    /// Its bytes, still temporary.
    pub file: Finished,
}

/// What came.
#[derive(Debug, Default)]
pub struct Parcel {
    /// The fields, as far as they were read.
    pub form: Form,
    /// The files.
    pub files: Vec<Received>,
    /// What is wrong with the files: then nothing may be done with them.
    pub fault: Option<Error>,
}

/// Reads a form that may hold files from a member of a room.
///
/// # Errors
/// What is wrong with the body as a whole. What is wrong with a file stands in the parcel, beside what was typed.
pub async fn read(app: &App, member: &Member, request: Request, rules: &Rules) -> Result<Parcel> {
    let media_type = header_text(request.headers(), header::CONTENT_TYPE).trim().to_ascii_lowercase();
    if !media_type.starts_with("multipart/form-data") {
        return Ok(Parcel { form: Form::from_request(request, app).await?, ..Parcel::default() });
    }
    let limit = rules.body(app.config.body_limit);
    let length = header_text(request.headers(), header::CONTENT_LENGTH).parse::<u64>();
    if length.is_ok_and(|length| length > limit) {
        return Err(rules.too_large());
    }
    let gauge = Arc::new(Gauge::default());
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut request = request.map(|body| Body::new(Paced::new(Limited::new(body, limit), gauge.clone())));
    DefaultBodyLimit::disable().apply(&mut request);
    let parts = Multipart::from_request(request, &()).await.map_err(|_| form::broken())?;
    let mut reading = Reading { app, member, rules, gauge, parcel: Parcel::default(), seat: None };
    reading.parts(parts).await?;
    Ok(reading.parcel)
}

/// A form that is being read.
struct Reading<'a> {
    app: &'a App,
    member: &'a Member,
    rules: &'a Rules,
    gauge: Arc<Gauge>,
    parcel: Parcel,
    seat: Option<crate::web::limits::Seat>,
}

impl Reading<'_> {
    async fn parts(&mut self, mut parts: Multipart) -> Result<()> {
        while let Some(part) = self.gauge.within(parts.next_field()).await? {
            let has_file = part.file_name().is_some_and(|name| !name.is_empty());
            if !has_file {
                self.field(part).await?;
                continue;
            }
            match self.file(part).await {
                Ok(file) => self.parcel.files.push(file),
                Err(
                    fault @ (Error::Invalid(_) | Error::FileTooLarge(_) | Error::Conflict(_) | Error::TooMany { .. }),
                ) => {
                    self.parcel.fault = Some(fault);
                    // A browser reads no answer before it has sent everything.
                    drain(&self.gauge, parts).await;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn field(&mut self, mut part: Field<'_>) -> Result<()> {
        let name = part.name().unwrap_or_default().to_owned();
        let mut value = Vec::new();
        while let Some(piece) = self.gauge.within(part.chunk()).await? {
            self.gauge.claim(piece.len());
            if self.parcel.form.size() + value.len() + piece.len() > self.app.config.body_limit {
                return Err(Error::TooLarge);
            }
            value.extend_from_slice(&piece);
        }
        self.parcel.form.add(name, form::strict(value)?)
    }

    async fn file(&mut self, mut part: Field<'_>) -> Result<Received> {
        let field = self.rules.field;
        if part.name() != Some(field) {
            return Err(Error::field(field, Text::new("field-attachment-unsupported")));
        }
        if self.parcel.files.len() >= self.rules.count {
            return Err(Error::field(field, Text::new("file-too-many").with("max", self.rules.count as u64)));
        }
        self.sit_down().await?;
        // Browsers write a quotation mark as %22.
        let name = label::clean(&part.file_name().unwrap_or_default().replace("%22", "\""));
        let mut upload = self.app.files.begin(self.rules.size).await?;
        while let Some(piece) = self.gauge.within(part.chunk()).await? {
            self.gauge.claim(piece.len());
            if upload.write(&piece).await? == Written::TooLarge {
                return Err(self.rules.too_large());
            }
        }
        if upload.size() == 0 {
            return Err(Error::field(field, Text::new("file-empty")));
        }
        Ok(Received { name, file: upload.finish().await? })
    }

    /// Before the first file: the room takes messages, and the person is not uploading elsewhere already.
    async fn sit_down(&mut self) -> Result<()> {
        if self.seat.is_some() {
            return Ok(());
        }
        let (member, nonce) = (self.member.clone(), self.parcel.form.owned("client_nonce"));
        self.app.db.read(move |db| message::check_sending(db, &member, &nonce)).await?;
        self.seat = Some(self.app.uploads.sit(self.member.user())?);
        Ok(())
    }
}

/// Reads the rest of a body and throws it away, as long as it is no more than a browser would send by mistake.
async fn drain(gauge: &Gauge, mut parts: Multipart) {
    let mut drained = 0;
    while let Ok(Some(mut part)) = gauge.within(parts.next_field()).await {
        while let Ok(Some(piece)) = gauge.within(part.chunk()).await {
            gauge.claim(piece.len());
            drained += piece.len() as u64;
            if drained > DRAIN_MAX {
                return;
            }
        }
    }
}
