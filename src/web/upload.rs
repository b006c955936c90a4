//! A form with files: its fields as any form's, its files streamed to the store's temporary place. Whether files may come at all
//! is asked before the first byte of one is read; what is wrong with one is told, and what was typed stays.

mod paced;

use crate::app::App;
use crate::budget::{Budget, Held, Key};
use crate::chatroom::Member;
use crate::db::Reader;
use crate::error::{Error, Result, Text};
use crate::files::upload::Written;
use crate::files::{Finished, label};
use crate::message::{self, attachment, storage};
use crate::web::asking::Asking;
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

/// Bytes of a file after which the disk is looked at again.
const DISK_EVERY: usize = 4 << 20;

/// How much may be stored, as this installation has it.
pub fn storage_limits(app: &App) -> storage::Limits {
    storage::Limits {
        day: app.budgets.most(Budget::UploadDay),
        person: app.budgets.most(Budget::UploadTotal),
        everybody: app.budgets.most(Budget::Storage),
    }
}

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
    let asking = request.extensions().get::<Asking>().cloned().ok_or(Error::Unauthenticated)?;
    let mut request = request.map(|body| Body::new(Paced::new(Limited::new(body, limit), gauge.clone())));
    DefaultBodyLimit::disable().apply(&mut request);
    let parts = Multipart::from_request(request, &()).await.map_err(|_| form::broken())?;
    let mut reading = Reading { app, member, rules, gauge, parcel: Parcel::default(), seat: None };
    reading.parts(parts).await?;
    asking.check_session(app).await?;
    Ok(reading.parcel)
}

/// A form that is being read.
struct Reading<'a> {
    app: &'a App,
    member: &'a Member,
    rules: &'a Rules,
    gauge: Arc<Gauge>,
    parcel: Parcel,
    seat: Option<Held>,
}

impl Reading<'_> {
    async fn parts(&mut self, mut parts: Multipart) -> Result<()> {
        let mut thrown_away = 0;
        while let Some(part) = self.gauge.within(parts.next_field()).await? {
            let has_file = part.file_name().is_some_and(|name| !name.is_empty());
            if !has_file {
                self.field(part).await?;
            } else if self.parcel.fault.is_none() {
                self.take(part, &mut thrown_away).await?;
            } else {
                self.throw_away(part, &mut thrown_away).await?;
            }
        }
        Ok(())
    }

    /// A file, or what is wrong with it: then the rest is read all the same, since a browser hears no answer before it has sent
    /// everything, and since what was typed may stand behind.
    async fn take(&mut self, mut part: Field<'_>, thrown_away: &mut u64) -> Result<()> {
        match self.file(&mut part).await {
            Ok(file) => self.parcel.files.push(file),
            Err(
                fault @ (Error::Invalid(_)
                | Error::FileTooLarge(_)
                | Error::Conflict(_)
                | Error::TooMany { .. }
                | Error::Full(_)),
            ) => {
                self.parcel.fault = Some(fault);
                self.parcel.files.clear();
                self.throw_away(part, thrown_away).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn throw_away(&mut self, mut part: Field<'_>, thrown_away: &mut u64) -> Result<()> {
        while let Some(piece) = self.gauge.within(part.chunk()).await? {
            self.gauge.claim(piece.len());
            *thrown_away += piece.len() as u64;
            if *thrown_away > DRAIN_MAX {
                return Err(self.parcel.fault.take().unwrap_or(Error::TooLarge));
            }
        }
        Ok(())
    }

    async fn field(&mut self, mut part: Field<'_>) -> Result<()> {
        let name = part.name().unwrap_or_default().to_owned();
        let mut value = Vec::new();
        while let Some(piece) = self.gauge.within(part.chunk()).await? {
            self.gauge.claim(piece.len());
            if self.parcel.form.size() + name.len() + value.len() + piece.len() > self.app.config.body_limit {
                return Err(Error::TooLarge);
            }
            value.extend_from_slice(&piece);
        }
        self.parcel.form.add(name, form::strict(value)?)
    }

    async fn file(&mut self, part: &mut Field<'_>) -> Result<Received> {
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
        self.check_disk()?;
        let mut upload = self.app.files.begin(self.rules.size).await?;
        let mut unchecked = 0;
        while let Some(piece) = self.gauge.within(part.chunk()).await? {
            self.gauge.claim(piece.len());
            unchecked += piece.len();
            if unchecked > DISK_EVERY {
                self.check_disk()?;
                unchecked = 0;
            }
            if upload.write(&piece).await? == Written::TooLarge {
                return Err(self.rules.too_large());
            }
        }
        if upload.size() == 0 {
            return Err(Error::field(field, Text::new("file-empty")));
        }
        Ok(Received { name, file: upload.finish().await? })
    }

    /// What is free on the disk stays above the floor: the database stands there too.
    fn check_disk(&self) -> Result<()> {
        let floor = self.app.budgets.most(Budget::Disk).unwrap_or(0);
        if floor > 0 && self.app.files.free_bytes()? < floor {
            return Err(Error::Full(Text::new("file-disk-full")));
        }
        Ok(())
    }

    /// Before the first file: the room takes messages, and the person is not uploading elsewhere already.
    async fn sit_down(&mut self) -> Result<()> {
        if self.seat.is_some() {
            return Ok(());
        }
        let (member, nonce) = (self.member.clone(), self.parcel.form.owned("client_nonce"));
        let (limits, now) = (storage_limits(self.app), self.app.clock.now());
        let asked = move |db: &mut Reader<'_>| {
            message::check_sending(db, &member, &nonce)?;
            storage::check(db, member.user(), limits, now)
        };
        self.app.db.read(asked).await?;
        self.seat = Some(self.app.budgets.hold(Budget::Uploads, Key::Person(self.member.user()))?);
        Ok(())
    }
}
